// JSON values (RFC 8259), read strictly and written exactly. parse_strict refuses what two readers
// could take differently: duplicate keys, invalid UTF-8, numbers beyond a double, anything after
// the value. Numbers outside int64 keep their digits, so that what is forwarded is what was read.
// Values copy; all functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace keyturn {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  // In the order read or built; keys are distinct.
  using Object = std::vector<Member>;
  // A number that is no int64: its text as read.
  struct Number {
    std::string text;
    friend bool operator==(const Number&, const Number&) = default;
  };

  Json() = default;                                             // null
  Json(std::nullptr_t) {}                                       // NOLINT: a value
  Json(bool value) : value_(value) {}                           // NOLINT
  Json(std::int64_t value) : value_(value) {}                   // NOLINT
  Json(int value) : value_(std::int64_t{value}) {}              // NOLINT
  Json(std::uint64_t value);                                    // NOLINT
  Json(double value);                                           // NOLINT: finite
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT
  Json(Number value) : value_(std::move(value)) {}              // NOLINT
  Json(Array value) : value_(std::move(value)) {}               // NOLINT
  Json(Object value) : value_(std::move(value)) {}              // NOLINT
  static Json object(std::initializer_list<Member> members) { return Json(Object(members)); }
  static Json array(std::initializer_list<Json> items) { return Json(Array(items)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_integer() || std::holds_alternative<Number>(value_); }

  // Null when it is of another type.
  const Object* if_object() const { return std::get_if<Object>(&value_); }
  Object* if_object() { return std::get_if<Object>(&value_); }
  const Array* if_array() const { return std::get_if<Array>(&value_); }
  Array* if_array() { return std::get_if<Array>(&value_); }
  const std::string* if_string() const { return std::get_if<std::string>(&value_); }
  const bool* if_bool() const { return std::get_if<bool>(&value_); }
  const std::int64_t* if_integer() const { return std::get_if<std::int64_t>(&value_); }
  const Number* if_number() const { return std::get_if<Number>(&value_); }

  // The member of an object, or null when there is none or this is no object.
  const Json* find(std::string_view key) const;
  // Sets or replaces a member; a null becomes an object first.
  void set(std::string_view key, Json value);
  // Appends to an array; a null becomes an array first.
  void push_back(Json value);

  // Required members, for reading documents: kInvalid names the key and what it should be.
  Result<std::string> get_string(std::string_view key) const;
  Result<std::int64_t> get_integer(std::string_view key) const;
  Result<bool> get_bool(std::string_view key) const;
  // The string member or `otherwise` when it is missing or no string.
  std::string string_or(std::string_view key, std::string_view otherwise) const;

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, Number, std::string, Array, Object> value_;
};

struct JsonLimits {
  std::size_t bytes_max = 64U << 20U;  // as a spooled body
  std::size_t depth_max = 64;  // deeper than any AWS request or policy; keeps recursion small
};

// Errors: kInvalid with line and column; kExhausted when a limit is passed.
Result<Json> parse_strict(std::string_view text, const JsonLimits& limits = {});

// Compact, members in their order.
std::string to_text(const Json& value);
// Two spaces of indentation, for people.
std::string to_pretty_text(const Json& value);
// RFC 8785 (JSON Canonicalization Scheme): members sorted by UTF-16 code units, numbers as
// ECMAScript writes them. One deviation: int64 values keep all their digits beyond 2^53.
std::string to_canonical(const Json& value);
// `text` with quotes and JSON escapes, appended to `out`.
void append_json_string(std::string& out, std::string_view text);

}  // namespace keyturn
