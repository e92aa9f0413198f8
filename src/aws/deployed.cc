#include "aws/deployed.h"

#include <set>

#include "aws/parameters.h"
#include "aws/template_parts.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

// CloudFormation's names and ARNs of stacks are shorter.
constexpr std::size_t kStackNameBytesMax = 1'024;

std::optional<std::string> text_at(const Input& input, std::string_view path) {
  const auto found = input.at(path);
  return found.size() == 1 ? text_of(*found.front()) : std::nullopt;
}

bool keeps_template(const Input& input) {
  return equal_ignoring_case(text_at(input, "b.UsePreviousTemplate").value_or(""), "true");
}

const Json* descend(const Json& from, std::initializer_list<std::string_view> names) {
  const Json* at = &from;
  for (const std::string_view name : names) {
    at = at == nullptr ? nullptr : at->find(name);
  }
  return at;
}

// `<Parameters><member>…`: one element is an object, several are an array, none is nothing.
template <class F>
void for_each_member(const Json* list, const F& f) {
  const Json* members = list == nullptr ? nullptr : list->find("member");
  if (members == nullptr) return;
  const auto* several = members->if_array();
  if (several == nullptr) return f(*members);
  for (const Json& one : *several) f(one);
}

// What is not one of the known words counts as the worse.
ResourceChange change_of(const Json& change) {
  const std::string action = change.string_or("Action", "");
  const std::string policy = change.string_or("PolicyAction", "");
  if (action == "Add" || action == "Import") return ResourceChange::kAdded;
  if (action == "Remove") {
    return policy == "Retain" ? ResourceChange::kReleased : ResourceChange::kRemoved;
  }
  if (action != "Modify") return ResourceChange::kMayReplace;
  const std::string replacement = change.string_or("Replacement", "");
  if (replacement == "True") return ResourceChange::kReplaced;
  const bool nested = change.string_or("ResourceType", "") == "AWS::CloudFormation::Stack";
  return replacement == "False" && !nested ? ResourceChange::kChanged : ResourceChange::kMayReplace;
}

TemplateChange read_change(const Model& model, const Json& json) {
  TemplateChange change;
  change.logical_id = json.string_or("LogicalResourceId", "");
  change.type = json.string_or("ResourceType", "");
  change.name = json.string_or("PhysicalResourceId", "");
  change.change = change_of(json);
  const ResourceType* type = model.find_type(change.type);
  change.stateful = type == nullptr || type->stateful;
  change.grants = type != nullptr && type->grants;
  change.why = "says the change set";
  return change;
}

}  // namespace

std::optional<Wanted> wanted_of(std::string_view service, const Operation& operation,
                                const Input& input) {
  if (service != "cloudformation") return std::nullopt;
  const auto stack = text_at(input, "b.StackName");
  if (operation.name == "ExecuteChangeSet") {
    const auto name = text_at(input, "b.ChangeSetName");
    if (!name || name->empty() || name->size() > kStackNameBytesMax) return std::nullopt;
    return Wanted{.stack = stack.value_or(""), .change_set = *name};
  }
  if (operation.name != "UpdateStack") return std::nullopt;
  const bool body = !input.at("b.TemplateBody").empty();
  // With a URL, or with both or neither, what would be deployed is not in the request.
  if (!stack || stack->empty() || stack->size() > kStackNameBytesMax ||
      body == keeps_template(input) || !input.at("b.TemplateURL").empty()) {
    return std::nullopt;
  }
  return Wanted{.stack = *stack, .change_set = ""};
}

std::string get_template_body(const Wanted& wanted) {
  std::string body = "Action=GetTemplate&Version=2010-05-15&TemplateStage=Original";
  if (!wanted.stack.empty()) body += "&StackName=" + percent_encode(wanted.stack);
  if (!wanted.change_set.empty()) body += "&ChangeSetName=" + percent_encode(wanted.change_set);
  return body;
}

std::string describe_stack_body(std::string_view stack) {
  return fmt::format("Action=DescribeStacks&Version=2010-05-15&StackName={}",
                     percent_encode(stack));
}

Result<Json> parse_template_answer(std::string_view template_answer) {
  TRY(const Xml got, read_xml(template_answer));
  const Json* body = descend(got.value, {"GetTemplateResult", "TemplateBody"});
  if (got.root != "GetTemplateResponse" || body == nullptr || body->if_string() == nullptr) {
    return fail(Code::kCorrupt, "GetTemplate answered without TemplateBody");
  }
  return parse_template(*body->if_string());
}

Result<TemplateVersion> parse_deployed(std::string_view template_answer,
                                       std::string_view stack_answer) {
  TemplateVersion deployed;
  TRY(deployed.body, parse_template_answer(template_answer));
  TRY(const Xml described, read_xml(stack_answer));
  const Json* stack = descend(described.value, {"DescribeStacksResult", "Stacks", "member"});
  if (described.root != "DescribeStacksResponse" || stack == nullptr || !stack->is_object()) {
    return fail(Code::kCorrupt, "DescribeStacks did not answer with one stack");
  }
  for_each_member(stack->find("Parameters"), [&](const Json& parameter) {
    deployed.parameters.insert_or_assign(parameter.string_or("ParameterKey", ""),
                                         parameter.string_or("ParameterValue", ""));
  });
  return deployed;
}

std::string describe_change_set_body(const Wanted& wanted, std::string_view next_token) {
  std::string body = fmt::format("Action=DescribeChangeSet&Version=2010-05-15&ChangeSetName={}",
                                 percent_encode(wanted.change_set));
  if (!wanted.stack.empty()) body += "&StackName=" + percent_encode(wanted.stack);
  if (!next_token.empty()) body += "&NextToken=" + percent_encode(next_token);
  return body;
}

Result<ChangeSetPage> parse_change_set(const Model& model, std::string_view answer) {
  TRY(const Xml got, read_xml(answer));
  const Json* result = got.value.find("DescribeChangeSetResult");
  if (got.root != "DescribeChangeSetResponse" || result == nullptr) {
    return fail(Code::kCorrupt, "DescribeChangeSet answered with something else");
  }
  ChangeSetPage page;
  page.next = result->string_or("NextToken", "");
  bool complete = true;
  for_each_member(result->find("Changes"), [&](const Json& member) {
    const Json* change = member.find("ResourceChange");
    complete = complete && change != nullptr && change->is_object();
    if (!complete) return;
    page.changes.push_back(read_change(model, *change));
    for_each_member(change->find("Details"), [&](const Json& detail) {
      const Json* target = detail.find("Target");
      const std::string name = target == nullptr ? "" : target->string_or("Name", "");
      if (keeps_data(name) || name == "DeletionPolicy") page.guards = Guards::kTouched;
      if (target != nullptr) {
        collect_roles(Json::object({{name, Json::Object()}}), page.changes.back().roles);
      }
    });
  });
  // Hooks and whatever else a change set may carry one day.
  if (!complete)
    return fail(Code::kCorrupt, "the change set holds what is no change of a resource");
  return page;
}

void name_roles(const Json& body, std::vector<TemplateChange>& changes) {
  for (TemplateChange& change : changes) {
    if (change.change != ResourceChange::kAdded) continue;
    const Json* resource = descend(body, {"Resources", change.logical_id});
    const Json* properties = resource == nullptr ? nullptr : resource->find("Properties");
    if (resource == nullptr) change.roles.emplace_back("*");
    if (properties != nullptr) collect_roles(*properties, change.roles);
  }
}

Result<TemplateDiff> update_diff(const Model& model, const Input& input,
                                 const TemplateVersion& deployed) {
  TemplateVersion next;
  if (keeps_template(input)) {
    next.body = deployed.body;
  } else {
    const auto text = text_at(input, "b.TemplateBody");
    if (!text) return fail(Code::kInvalid, "the template is not in the request");
    TRY(next.body, parse_template(*text));
  }
  std::set<std::string, std::less<>> seen;
  for (const Json* parameter : input.at("b.Parameters[]")) {
    const std::string key = parameter->string_or("ParameterKey", "");
    if (!seen.insert(key).second) {
      return fail(Code::kInvalid, "parameter `{}` is given twice", printable(key, 64));
    }
    const Json* keeps = parameter->find("UsePreviousValue");
    const auto keeps_text = keeps == nullptr ? std::nullopt : text_of(*keeps);
    if (equal_ignoring_case(keeps_text.value_or(""), "true")) {
      const auto before = deployed.parameters.find(key);
      if (before != deployed.parameters.end())
        next.parameters.insert_or_assign(key, before->second);
      continue;
    }
    const Json* value = parameter->find("ParameterValue");
    const auto text = value == nullptr ? std::nullopt : text_of(*value);
    if (text) next.parameters.insert_or_assign(key, *text);
  }
  return template_diff(model, deployed, next);
}

}  // namespace keyturn::aws
