// What policies came to, in words: for `keyturn policy explain` and for reviewers of a change. Pure
// functions from JSON, the engine's or the server's, to text; what others wrote is escaped.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/screen.h"

namespace keyturn::cli {

// One policy as cedar::to_json writes it, and of a change what remains: scope, each condition's
// value, what decided it; `wanting` stands over what reviews must make true. Every line is indented
// by `indent`; the last ends with a line feed.
std::string policy_explanation(const Json& policy, const Style& style, std::size_t indent,
                               std::string_view wanting = "still needed:");
// The `explanation` of a change: why it is held, or was when it `is_decided`.
std::string hold_explanation(const Json& explanation, const Style& style, bool is_decided);

}  // namespace keyturn::cli
