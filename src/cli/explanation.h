// What policies came to, in words: for `keyturn policy explain` and for reviewers of a change. Pure
// functions from JSON, the engine's or the server's, to text; what others wrote is escaped.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace keyturn::cli {

// One policy as cedar::to_json writes it, and of a change what remains: scope, each condition's
// value, what decided it. Every line is indented by `indent`; the last ends with a line feed.
std::string policy_explanation(const Json& policy, const Style& style, std::size_t indent);
// The `explanation` of a change: why it is held.
std::string hold_explanation(const Json& explanation, const Style& style);

}  // namespace keyturn::cli
