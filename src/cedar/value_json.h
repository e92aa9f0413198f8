// Cedar values from and to JSON: `__entity`, `__extn` with `arg` or `args`, plain values. With an
// expected type, escapes may be left out, as in Cedar's schema-based parsing.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/json_place.h"
#include "base/result.h"
#include "cedar/schema_content.h"
#include "cedar/value.h"

namespace keyturn::cedar {

// What is read, for messages: "context", "attribute `x` on `A::"1"`". Made for every value, so it
// becomes text only when there is a message.
struct Where {
  std::string_view thing;
  std::string_view name = {};
  const Uid* owner = nullptr;
  std::string text() const;
};

class ValueReader {
 public:
  // `fault` learns which value was wrong.
  ValueReader(Pool& pool, JsonFault& fault) : pool_(pool), fault_(fault) {}

  Result<Value> read(const Json& json, const SchemaType* expected, const Where& where);
  // {"type":…,"id":…}, also within {"__entity":…}.
  Result<const Uid*> read_uid(const Json& json, const Where& where);

 private:
  Result<Value> read_expected(const Json& json, const SchemaType& expected, const Where& where);
  Result<Value> read_plain(const Json& json, const Where& where);
  Result<Value> read_unexpected(const Json& json, const Where& where);
  Result<Value> read_object(const Json& json, const Where& where);
  Result<Value> read_array(const Json& json, const SchemaType* element, const Where& where);
  Result<Value> read_record(const Json& json, const SchemaType& expected, const Where& where);
  Result<Value> read_extension(const Json& json, Kind kind, const Where& where);
  enum class Arguments { kPlain, kTyped };
  Result<Value> read_call(const Json& call, Arguments form, const Where& where);

  Pool& pool_;
  JsonFault& fault_;
};

// Of a value that was read by `type` and does not fit it or names what the schema does not have:
// the innermost part of its JSON that does so. Null when there is none.
const Json* find_misfit(const Json& json, const SchemaType& type, const SchemaContent& schema);

// An object of two members, moved in: an initializer list would copy what is deep at every level.
Json object_of(std::string_view first_key, Json first, std::string_view second_key, Json second);

// With `__entity` and `__extn` escapes; members and items in a stable order. kInvalid when a record
// has a key that is an escape.
Result<Json> to_json(const Value& value);
Json to_json(const Uid& uid);

}  // namespace keyturn::cedar
