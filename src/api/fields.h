// Strict reading of query strings and JSON bodies against a list of known fields: what is unknown,
// repeated, missing or of another type is refused by name.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace keyturn::api {

enum class Type { kString, kInteger };
enum class Presence { kRequired, kOptional };

struct Field {
  std::string_view name;
  Type type = Type::kString;
  Presence presence = Presence::kRequired;
  std::string_view description;
  std::string_view choices = {};  // `approve|reject`; empty: any
};

// An object of exactly the known fields. Errors: kInvalid names the member.
Result<Json> read_body(std::string_view text, std::span<const Field> fields);
// `from=10&limit=5` without its question mark; integers become integers.
Result<Json> read_query(std::string_view text, std::span<const Field> fields);

// An optional integer between 1 and `most`, `otherwise` when it is missing.
Result<std::size_t> read_limit(const Json& query, std::size_t otherwise, std::size_t most);

}  // namespace keyturn::api
