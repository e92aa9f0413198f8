// Updates of stacks, judged beside what is deployed.
#include "aws/deployed.h"

#include <gtest/gtest.h>

#include "aws/aws.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kDeployed = R"(
Parameters:
  Name: {Type: String}
  Mode: {Type: String, Default: floor}
  Latest: {Type: "AWS::SSM::Parameter::Value<String>"}
Resources:
  Orders: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref Name}}
  Rule: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Mode}}
)";

std::string answer_of(std::string_view operation, std::string_view result) {
  return fmt::format(
      "<{0}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">"
      "<{0}Result>{1}</{0}Result></{0}Response>",
      operation, result);
}

std::string template_answer(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == '<' ? std::string("&lt;") : c == '&' ? std::string("&amp;") : std::string(1, c);
  }
  return answer_of("GetTemplate", fmt::format("<TemplateBody>{}</TemplateBody>", escaped));
}

std::string parameter(std::string_view key, std::string_view value) {
  return fmt::format(
      "<member><ParameterKey>{}</ParameterKey><ParameterValue>{}</ParameterValue></member>", key,
      value);
}

std::string stack_answer() {
  return answer_of("DescribeStacks",
                   fmt::format("<Stacks><member><StackName>s</StackName><Parameters>{}{}{}"
                               "</Parameters></member></Stacks>",
                               parameter("Name", "orders"), parameter("Mode", "floor"),
                               parameter("Latest", "/latest")));
}

TemplateVersion deployed(std::string_view text = kDeployed) {
  auto version = parse_deployed(template_answer(text), stack_answer());
  EXPECT_TRUE(version) << version.error().message;
  return version ? std::move(*version) : TemplateVersion{};
}

Understood ask(std::string_view form, const Deployed* with);

Understood update(std::string_view rest, const TemplateVersion* stack) {
  Deployed with;
  if (stack != nullptr) with.stack = *stack;
  return ask(fmt::format("UpdateStack&Version=2010-05-15&StackName=s{}", rest),
             stack == nullptr ? nullptr : &with);
}

Understood ask(std::string_view form, const Deployed* with) {
  static const auto model = load_embedded_model();
  const http::RequestHead head{
      "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}};
  auto understood = understand(**model, {"cloudformation", "us-east-1"}, head,
                               fmt::format("Action={}", form), {.account = "123456789012"}, with);
  EXPECT_TRUE(understood) << understood.error().message;
  return understood ? std::move(*understood) : Understood{};
}

std::string set(int number, std::string_view key, std::string_view value) {
  const std::string place = fmt::format("&Parameters.member.{}.Parameter", number);
  return fmt::format("{0}Key={1}{0}Value={2}", place, key, value);
}

std::string keep(int number, std::string_view key) {
  return fmt::format(
      "&Parameters.member.{0}.ParameterKey={1}&Parameters.member.{0}.UsePreviousValue=true", number,
      key);
}

Action parameters_only(std::string_view rest, std::string_view text = kDeployed) {
  const TemplateVersion stack = deployed(text);
  return update(fmt::format("&UsePreviousTemplate=true{}", rest), &stack).action;
}

std::string why_of(const Action& action) { return fmt::format("{}", fmt::join(action.why, "; ")); }

TEST(Deployed, AParameterThatChangesAResourceInPlaceIsAChange) {
  const Action action = parameters_only(keep(1, "Name") + set(2, "Mode", "half-even"));
  EXPECT_EQ(action.effect, Effect::kChange) << why_of(action);
  EXPECT_EQ(action.attributes.find("template_unseen"), nullptr);
  EXPECT_EQ(action.attributes.find("recreate"), nullptr);
  EXPECT_NE(why_of(action).find("Rule (AWS::SSM::Parameter) changed"), std::string::npos)
      << why_of(action);
}

TEST(Deployed, AParameterThatRenamesATableReplacesIt) {
  const Action action = parameters_only(set(1, "Name", "other") + keep(2, "Mode"));
  EXPECT_EQ(action.effect, Effect::kDestroy) << why_of(action);
  const Json* pairs = action.attributes.find("recreate");
  ASSERT_NE(pairs, nullptr);
  EXPECT_EQ(to_text(*pairs),
            R"(["Orders (AWS::DynamoDB::Table) is deleted and made again as Orders"])");
  // A parameter that is left out takes its default again, or none.
  EXPECT_EQ(parameters_only(keep(1, "Mode")).effect, Effect::kDestroy);
}

TEST(Deployed, WhatIsLookedUpAtEachUpdateMayHaveChanged) {
  const std::string looked_up =
      std::string(kDeployed).replace(kDeployed.find("!Ref Name"), 9, "!Ref Latest");
  EXPECT_EQ(
      parameters_only(keep(1, "Name") + keep(2, "Mode") + keep(3, "Latest"), looked_up).effect,
      Effect::kDestroy);
  const std::string resolved =
      std::string(kDeployed).replace(kDeployed.find("!Ref Name"), 9, "'{{resolve:ssm:/name}}'");
  EXPECT_EQ(parameters_only(keep(1, "Name") + keep(2, "Mode"), resolved).effect, Effect::kDestroy);
}

TEST(Deployed, ATemplateWithoutAResourceRemovesIt) {
  const TemplateVersion stack = deployed();
  const std::string smaller =
      "Resources:\n  Rule: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: floor}}\n";
  const Action action = update("&TemplateBody=" + percent_encode(smaller), &stack).action;
  EXPECT_EQ(action.effect, Effect::kDestroy);
  EXPECT_NE(why_of(action).find("Orders (AWS::DynamoDB::Table) removed"), std::string::npos);
}

// Invariant 6: what reviewers agree to is the update of this stack as it is now.
TEST(Deployed, TheDigestBindsWhatChanges) {
  const std::string rest = keep(1, "Name") + set(2, "Mode", "half-even");
  const Digest before = parameters_only(rest).digest;
  EXPECT_EQ(parameters_only(rest).digest, before);
  std::string another(kDeployed);
  another += "  Two: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Mode}}\n";
  EXPECT_NE(parameters_only(rest, another).digest, before);
  EXPECT_NE(update("&UsePreviousTemplate=true" + rest, nullptr).action.digest, before);
}

TEST(Deployed, IsAskedForOnlyWhereItTellsMore) {
  EXPECT_EQ(update("&UsePreviousTemplate=true", nullptr).wanted->stack, "s");
  EXPECT_EQ(update("&TemplateBody=Resources%3A%20%7B%7D", nullptr).wanted->stack, "s");
  EXPECT_FALSE(update("&TemplateURL=https%3A%2F%2Fx", nullptr).wanted);
  EXPECT_FALSE(update("", nullptr).wanted);
  EXPECT_FALSE(update("&UsePreviousTemplate=true&TemplateBody=x", nullptr).wanted);
}

TEST(Deployed, WhatCannotBeComparedIsJudgedAsTheWorst) {
  const TemplateVersion stack = deployed();
  EXPECT_EQ(update("&TemplateBody=%5B", &stack).action.effect, Effect::kGrant);
  // Two values for one parameter: CloudFormation might take the other.
  const std::string twice = set(1, "Mode", "floor") + set(2, "Mode", "up") + keep(3, "Name");
  EXPECT_EQ(update("&UsePreviousTemplate=true" + twice, &stack).action.effect, Effect::kDestroy);
}

std::string listed(std::string_view action, std::string_view type, std::string_view replacement,
                   std::string_view property = "Value") {
  return fmt::format(
      "<member><Type>Resource</Type><ResourceChange><Action>{}</Action><LogicalResourceId>L"
      "</LogicalResourceId><ResourceType>{}</ResourceType><Replacement>{}</Replacement><Details>"
      "<member><Target><Attribute>Properties</Attribute><Name>{}</Name></Target></member></Details>"
      "</ResourceChange></member>",
      action, type, replacement, property);
}

Action execute(std::string_view changes) {
  static const auto model = load_embedded_model();
  Deployed with;
  auto page = parse_change_set(
      **model, answer_of("DescribeChangeSet", fmt::format("<Changes>{}</Changes>", changes)));
  EXPECT_TRUE(page) << page.error().message;
  if (page) with.change_set = judge_changes(**model, std::move(page->changes), page->guards);
  return ask("ExecuteChangeSet&Version=2010-05-15&StackName=s&ChangeSetName=c", &with).action;
}

TEST(Deployed, AChangeSetIsJudgedByWhatCloudFormationSaysItDoes) {
  constexpr std::string_view kTable = "AWS::DynamoDB::Table";
  EXPECT_EQ(execute(listed("Modify", "AWS::SSM::Parameter", "False")).effect, Effect::kChange);
  EXPECT_EQ(execute(listed("Modify", kTable, "True")).effect, Effect::kDestroy);
  EXPECT_NE(execute(listed("Modify", kTable, "True")).attributes.find("recreate"), nullptr);
  EXPECT_EQ(execute(listed("Modify", kTable, "Conditional")).effect, Effect::kDestroy);
  EXPECT_EQ(execute(listed("Modify", kTable, "False", "TimeToLiveSpecification")).effect,
            Effect::kDestroy);
  EXPECT_EQ(execute(listed("Remove", kTable, "")).effect, Effect::kDestroy);
  EXPECT_EQ(execute(listed("Dynamic", kTable, "")).effect, Effect::kDestroy);
  EXPECT_EQ(execute(listed("Add", "AWS::IAM::Role", "")).effect, Effect::kGrant);
  EXPECT_EQ(execute(listed("Add", "Custom::Thing", "")).effect, Effect::kDestroy);
  const Action lent = execute(listed("Modify", "AWS::Lambda::Function", "False", "Role"));
  EXPECT_EQ(lent.effect, Effect::kChange);
  EXPECT_NE(lent.attributes.find("sets_role"), nullptr);
}

TEST(Deployed, RolesOfNewResourcesStandInTheTemplateOfTheChangeSet) {
  const auto body = parse_template(
      "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Role: r}}, T: {Type: "
      "AWS::SNS::Topic}}");
  ASSERT_TRUE(body);
  std::vector<TemplateChange> changes(3);
  for (TemplateChange& change : changes) change.change = ResourceChange::kAdded;
  changes[0].logical_id = "F";
  changes[1].logical_id = "T";
  changes[2].logical_id = "Unknown";
  name_roles(*body, changes);
  EXPECT_EQ(changes[0].roles, std::vector<std::string>{"r"});
  EXPECT_TRUE(changes[1].roles.empty());
  EXPECT_EQ(changes[2].roles, std::vector<std::string>{"*"});
}

TEST(Deployed, AChangeSetThatIsNotSeenMayRemove) {
  const Understood blind =
      ask("ExecuteChangeSet&Version=2010-05-15&StackName=s&ChangeSetName=c", nullptr);
  EXPECT_EQ(blind.action.effect, Effect::kDestroy);
  EXPECT_EQ(blind.wanted->change_set, "c");
  static const auto model = load_embedded_model();
  EXPECT_FALSE(parse_change_set(
      **model,
      answer_of("DescribeChangeSet", "<Changes><member><Type>Hook</Type></member></Changes>")));
  EXPECT_FALSE(parse_change_set(**model, "<x/>"));
}

TEST(Deployed, AnswersOfOtherKindsAreRefused) {
  const std::string good = template_answer(kDeployed);
  EXPECT_FALSE(parse_deployed("", stack_answer()));
  EXPECT_FALSE(parse_deployed(answer_of("GetTemplate", ""), stack_answer()));
  EXPECT_FALSE(parse_deployed(template_answer("A: [\n"), stack_answer()));
  EXPECT_FALSE(parse_deployed(good, answer_of("DescribeStacks", "<Stacks/>")));
  EXPECT_FALSE(
      parse_deployed(good, answer_of("DescribeStacks", "<Stacks><member/><member/></Stacks>")));
  EXPECT_FALSE(parse_deployed(good, "<!DOCTYPE x><DescribeStacksResponse/>"));
}

}  // namespace
}  // namespace keyturn::aws
