// Lays out policy text anew: one blank line between policies, annotations and clauses on lines of
// their own, long conditions broken at `||` and `&&`. Tokens and comments are kept as they are; a
// policy that has a comment inside keeps its own layout. Formatting formatted text changes nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn::cedar {

// Errors as PolicySet::parse.
Result<std::string> format_policies(std::string_view text);

}  // namespace keyturn::cedar
