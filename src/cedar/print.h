// Policies as text: printed from their compiled form, or reformatted from text with comments kept.
#pragma once

#include <string>

#include "cedar/policy_content.h"

namespace keyturn::cedar {

// On one line, with parentheses where the grammar needs them; reads back to the same policy. Slots
// of a link are filled.
std::string print_policy(const Policy& policy);
std::string print_expression(const Nodes& nodes, NodeId id);

}  // namespace keyturn::cedar
