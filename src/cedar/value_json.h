// Cedar values from and to JSON: `__entity`, `__extn` with `arg` or `args`, plain values. With an
// expected type, escapes may be left out, as in Cedar's schema-based parsing.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cedar/schema_content.h"
#include "cedar/value.h"

namespace keyturn::cedar {

class ValueReader {
 public:
  explicit ValueReader(Pool& pool) : pool_(pool) {}

  // `where` names the place in messages: "attribute `x` on `A::"1"`".
  Result<Value> read(const Json& json, const SchemaType* expected, std::string_view where);
  // {"type":…,"id":…}, also within {"__entity":…}.
  Result<const Uid*> read_uid(const Json& json, std::string_view where);

 private:
  Result<Value> read_plain(const Json& json, std::string_view where);
  Result<Value> read_object(const Json& json, std::string_view where);
  Result<Value> read_array(const Json& json, const SchemaType* element, std::string_view where);
  Result<Value> read_record(const Json& json, const SchemaType& expected, std::string_view where);
  Result<Value> read_extension(const Json& json, Kind kind, std::string_view where);
  enum class Arguments { kPlain, kTyped };
  Result<Value> read_call(const Json& call, Arguments form, std::string_view where);

  Pool& pool_;
};

// With `__entity` and `__extn` escapes; members and items in a stable order. kInvalid when a record
// has a key that is an escape.
Result<Json> to_json(const Value& value);
Json to_json(const Uid& uid);

}  // namespace keyturn::cedar
