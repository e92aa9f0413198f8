// Answers for the differential test: what the engine says to one call, in a form that is compared
// with the reference's. Not part of the library; the tests and the fuzzing programs compile it.
#pragma once

#include "base/json.h"

namespace keyturn::cedar {

// {"op":"authorize"|"validate"|"policy"|"schema","call":…}; the forms of `call` are those of the
// reference's WebAssembly build. The answer has `ok`, and an `error` or what the operation gives.
Json answer_call(const Json& line);

}  // namespace keyturn::cedar
