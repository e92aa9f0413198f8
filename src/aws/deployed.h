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

// Upstream's answer.
struct Deployed {
  std::optional<TemplateVersion> stack;    // that an update would alter
  std::optional<TemplateDiff> change_set;  // what CloudFormation says that executing it would do
};

// Nothing where the request tells all, or no answer could tell more.
std::optional<Wanted> wanted_of(std::string_view service, const Operation& operation,
                                const Input& input);

// The queries of cloudformation, for a body in its query protocol.
std::string get_template_body(const Wanted& wanted);
std::string describe_stack_body(std::string_view stack);

Result<Json> parse_template_answer(std::string_view template_answer);
// From the answers to both. kCorrupt: not what CloudFormation answers; kInvalid, kExhausted: its
// template cannot be read.
Result<TemplateVersion> parse_deployed(std::string_view template_answer,
                                       std::string_view stack_answer);

// DescribeChangeSet, page by page: 100 changes each, of at most 500 resources.
inline constexpr std::size_t kChangeSetPagesMax = 20;
std::string describe_change_set_body(const Wanted& wanted, std::string_view next_token);
struct ChangeSetPage {
  std::vector<TemplateChange> changes;
  Guards guards = Guards::kKept;
  std::string next;  // NextToken; empty at the end
};
Result<ChangeSetPage> parse_change_set(const Model& model, std::string_view answer);

// The roles that new resources are lent stand in the template of the change set only.
void name_roles(const Json& body, std::vector<TemplateChange>& changes);

// UpdateStack on what is deployed. An error when the request's own template cannot be read or is
// not in it.
Result<TemplateDiff> update_diff(const Model& model, const Input& input,
                                 const TemplateVersion& deployed);

}  // namespace keyturn::aws
