// What a request alone does not tell: an update names a stack, and what it removes or replaces
// shows only beside the template that is deployed. The gateway asks upstream for that template, and
// understand() compares. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/bind.h"
#include "aws/template.h"
#include "aws/understand.h"
#include "base/result.h"

namespace keyturn::aws {

// Nothing where the request tells all, or no answer could tell more.
std::optional<Wanted> wanted_of(std::string_view service, const Operation& operation,
                                const Input& input);

// The queries of cloudformation, for a body in its query protocol.
std::string get_template_body(std::string_view stack);
std::string describe_stack_body(std::string_view stack);

// From the answers to both. kCorrupt: not what CloudFormation answers; kInvalid, kExhausted: its
// template cannot be read.
Result<TemplateVersion> parse_deployed(std::string_view template_answer,
                                       std::string_view stack_answer);

// UpdateStack on what is deployed. An error when the request's own template cannot be read or is
// not in it.
Result<TemplateDiff> update_diff(const Model& model, const Input& input,
                                 const TemplateVersion& deployed);

}  // namespace keyturn::aws
