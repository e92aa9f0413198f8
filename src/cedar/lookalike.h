// Text in policies that can be mistaken for other text: control characters that turn the writing
// direction, letters of several scripts in one word, characters that identifiers should not have.
// The words are those of Cedar's validator.
#pragma once

#include <functional>
#include <string>

#include "cedar/ast.h"
#include "cedar/source.h"

namespace keyturn::cedar {

// Calls `warn` for each such text of a policy or template: its strings, patterns, entity ids,
// attributes and record keys.
using Warn = std::function<void(Range, std::string)>;
void find_lookalikes(const Body& body, const Warn& warn);

}  // namespace keyturn::cedar
