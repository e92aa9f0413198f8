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

Understood update(std::string_view rest, const TemplateVersion* with) {
  static const auto model = load_embedded_model();
  const http::RequestHead head{
      "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}};
  auto understood =
      understand(**model, {"cloudformation", "us-east-1"}, head,
                 fmt::format("Action=UpdateStack&Version=2010-05-15&StackName=s{}", rest),
                 {.account = "123456789012"}, with);
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
