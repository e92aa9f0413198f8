#include "aws/deployed.h"

#include <set>

#include "aws/parameters.h"
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

}  // namespace

std::optional<Wanted> wanted_of(std::string_view service, const Operation& operation,
                                const Input& input) {
  if (service != "cloudformation" || operation.name != "UpdateStack") return std::nullopt;
  const auto stack = text_at(input, "b.StackName");
  const bool body = !input.at("b.TemplateBody").empty();
  // With a URL, or with both or neither, what would be deployed is not in the request.
  if (!stack || stack->empty() || stack->size() > kStackNameBytesMax ||
      body == keeps_template(input) || !input.at("b.TemplateURL").empty()) {
    return std::nullopt;
  }
  return Wanted{.stack = *stack};
}

std::string get_template_body(std::string_view stack) {
  return fmt::format("Action=GetTemplate&Version=2010-05-15&TemplateStage=Original&StackName={}",
                     percent_encode(stack));
}

std::string describe_stack_body(std::string_view stack) {
  return fmt::format("Action=DescribeStacks&Version=2010-05-15&StackName={}",
                     percent_encode(stack));
}

Result<TemplateVersion> parse_deployed(std::string_view template_answer,
                                       std::string_view stack_answer) {
  TRY(const Xml got, read_xml(template_answer));
  const Json* body = descend(got.value, {"GetTemplateResult", "TemplateBody"});
  if (got.root != "GetTemplateResponse" || body == nullptr || body->if_string() == nullptr) {
    return fail(Code::kCorrupt, "GetTemplate answered without TemplateBody");
  }
  TemplateVersion deployed;
  TRY(deployed.body, parse_template(*body->if_string()));

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
