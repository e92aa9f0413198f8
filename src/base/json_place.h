// Where in a JSON text a value stands, for errors about what a value means: the readers of
// documents see values, people see lines.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace keyturn {

// "line 3, column 7 (`/0/attrs/level`)": the place of `part`, which lies within `root` (the same
// object, not an equal one), in the text that `root` was read from. Only the pointer (RFC 6901) if
// the text is empty, "the top" when `part` is `root`.
std::string place_of(const Json& part, const Json& root, std::string_view text);

// Remembers the innermost value at which reading failed. Readers wrap their steps:
//   TRY(auto x, fault.at(json, read_step(json)));
class JsonFault {
 public:
  template <class T>
  Result<T> at(const Json& json, Result<T> result) {
    if (!result) note(json);
    return result;
  }
  void note(const Json& json) {
    if (found_ == nullptr) found_ = &json;
  }
  // The error with the place of the fault; the same error when there is none to tell.
  Error placed(Error error, const Json& root, std::string_view text) const;

 private:
  const Json* found_ = nullptr;
};

}  // namespace keyturn
