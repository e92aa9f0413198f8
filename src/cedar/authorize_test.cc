#include <gtest/gtest.h>

#include <random>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

using Ids = std::vector<std::string>;

Response decide_text(const std::string& text) {
  const Result<PolicySet> policies = PolicySet::parse(text);
  EXPECT_TRUE(policies) << policies.error().message;
  const Request request{{"U", "a"}, {"Action", "v"}, {"R", "r"}, Json()};
  const Result<Response> response = authorize(*policies, Entities(), request);
  EXPECT_TRUE(response);
  return *response;
}

Ids error_ids(const Response& response) {
  Ids ids;
  for (const Diagnostic& error : response.errors) ids.push_back(error.policy);
  return ids;
}

constexpr const char* kTrue = "permit(principal, action, resource);";
constexpr const char* kFails = "permit(principal, action, resource) when { context.x };";

TEST(Authorize, APolicyThatFailsIsSkippedAndNamed) {
  const Response response = decide_text(std::string(kTrue) + kFails);
  EXPECT_EQ(response.decision, Decision::kAllow);
  EXPECT_EQ(response.reasons, Ids{"policy0"});
  EXPECT_EQ(error_ids(response), Ids{"policy1"});
  EXPECT_EQ(response.errors[0].message, "record does not have the attribute `x`");
}

TEST(Authorize, AForbidThatFailsIsSkippedToo) {
  const Response response =
      decide_text(std::string(kTrue) + "forbid(principal, action, resource) when { context.x };");
  EXPECT_EQ(response.decision, Decision::kAllow);
  EXPECT_EQ(error_ids(response), Ids{"policy1"});
}

TEST(Authorize, AnyForbidDeniesAndAloneIsTheReason) {
  const Response response =
      decide_text(std::string(kTrue) + "forbid(principal, action, resource);" + kFails);
  EXPECT_EQ(response.decision, Decision::kDeny);
  EXPECT_EQ(response.reasons, Ids{"policy1"});
  EXPECT_EQ(error_ids(response), Ids{"policy2"});
}

TEST(Authorize, NothingPermitsByDefault) {
  EXPECT_EQ(decide_text("").decision, Decision::kDeny);
  EXPECT_TRUE(decide_text("").reasons.empty());
  EXPECT_EQ(decide_text("permit(principal, action in [], resource);").decision, Decision::kDeny);
}

TEST(Authorize, ASetMayHaveAnyNumberOfPolicies) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += kTrue;
  EXPECT_EQ(decide_text(text).reasons.size(), 12U);
}

TEST(PolicySet, KeepsTextAnnotationsAndIds) {
  const Result<PolicySet> set = PolicySet::parse(
      "// c\n@id(\"x\") @if permit(principal, action, resource,); "
      "forbid(principal,action,resource);");
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->ids(), (Ids{"policy0", "policy1"}));
  EXPECT_EQ(set->text("policy0"), "@id(\"x\") @if permit(principal, action, resource,);");
  ASSERT_EQ(set->annotations("policy0").size(), 2U);
  EXPECT_EQ(set->annotations("policy0")[0].value, "x");
  EXPECT_FALSE(set->text("policy2"));
}

TEST(PolicySet, MergesUnderAPrefixAndRefusesEqualIds) {
  const PolicySet one = *PolicySet::parse(kTrue);
  EXPECT_EQ(one.merged_with(one, "b/")->ids(), (Ids{"policy0", "b/policy0"}));
  EXPECT_EQ(one.merged_with(one, "").error().code, Code::kConflict);
}

TEST(PolicySet, LinksTemplatesAndRefusesWrongValues) {
  const PolicySet set = *PolicySet::parse("permit(principal == ?principal, action, resource);");
  EXPECT_TRUE(set.ids().empty());
  EXPECT_EQ(set.template_ids(), Ids{"policy0"});
  SlotValues values;
  EXPECT_EQ(set.linked("policy0", "l", values).error().code, Code::kInvalid);
  values.principal = EntityUid{"U", "a"};
  EXPECT_TRUE(set.linked("policy0", "l", values));
  EXPECT_EQ(set.linked("policy0", "policy0", values).error().code, Code::kConflict);
  EXPECT_EQ(set.linked("nope", "l", values).error().code, Code::kNotFound);
  values.resource = EntityUid{"R", "r"};
  EXPECT_EQ(set.linked("policy0", "l", values).error().code, Code::kInvalid);
}

TEST(PolicySet, ParseErrorsShowTheLine) {
  const Result<PolicySet> set =
      PolicySet::parse("permit(principal, action, resource)\nwhen { 1 + };");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().message,
            "unexpected token `}`, expected an expression at line 2, column 12\n"
            "  when { 1 + };\n"
            "             ^");
}

TEST(PolicySet, RefusesHostileText) {
  const auto code = [](const std::string& text) {
    const Result<PolicySet> set = PolicySet::parse(text);
    return set ? std::string("accepted") : std::string(to_string(set.error().code));
  };
  const auto condition = [&](const std::string& text) {
    return code("permit(principal, action, resource) when { " + text + " };");
  };
  EXPECT_EQ(condition(std::string(100'000, '(') + "true"), "exhausted");
  EXPECT_EQ(condition(std::string(100'000, '[')), "exhausted");
  std::string conditional;
  for (int i = 0; i < 50'000; ++i) conditional += "if true then ";
  EXPECT_EQ(condition(conditional), "exhausted");
  std::string sum = "1";
  for (int i = 0; i < 50'000; ++i) sum += " + 1";
  EXPECT_EQ(condition(sum + " == 1"), "exhausted");
  std::string conjunction = "true";
  for (int i = 0; i < 50'000; ++i) conjunction += " && true";
  EXPECT_EQ(condition(conjunction), "accepted");
  EXPECT_EQ(code(std::string((8U << 20U) + 1, ' ')), "exhausted");
  EXPECT_EQ(code("\xef\xbb\xbf" + std::string(kTrue)), "invalid");
  EXPECT_EQ(code("permit(principal, action, resource) when { \"\xff\" };"), "invalid");
  EXPECT_EQ(code("\xe2\x80\xa8" + std::string(kTrue)), "accepted");
  EXPECT_EQ(code(std::string("permit\0(principal, action, resource);", 37)), "invalid");
  EXPECT_EQ(code("permit(principal, action, resource) when { \"abc"), "invalid");
  EXPECT_EQ(code("permit(((((principal"), "invalid");
}

// Section 6 of the index's promise: with an index or without, the same decision, reasons and
// errors.
TEST(ScopeIndex, DecidesAsAScanOfEveryPolicyDoes) {
  std::mt19937 engine(7);
  const auto pick = [&](const std::vector<std::string>& items) {
    return items[engine() % items.size()];
  };
  const std::vector<std::string> principals = {"principal",
                                               "principal == U::\"a\"",
                                               "principal == U::\"b\"",
                                               "principal in G::\"g\"",
                                               "principal is U",
                                               "principal is G",
                                               "principal is U in G::\"top\"",
                                               "principal in G::\"h\""};
  const std::vector<std::string> actions = {"action",
                                            "action == Action::\"v\"",
                                            "action in Action::\"all\"",
                                            "action in [Action::\"v\", Action::\"all\"]",
                                            "action in []",
                                            "action == Action::\"w\"",
                                            "action in [Action::\"w\", N::Action::\"v\"]"};
  const std::vector<std::string> resources = {
      "resource",      "resource == R::\"r\"", "resource in R::\"root\"",
      "resource is R", "resource is Q",        "resource is R in R::\"root\""};
  const std::vector<std::string> conditions = {"", " when { context.x }", " when { true }",
                                               " unless { false }", " when { principal.n == 1 }"};
  const Result<Entities> entities = Entities::parse_json(R"([
    {"uid":{"type":"U","id":"a"},"attrs":{"n":1},"parents":[{"type":"G","id":"g"}]},
    {"uid":{"type":"G","id":"g"},"attrs":{},"parents":[{"type":"G","id":"top"}]},
    {"uid":{"type":"R","id":"r"},"attrs":{},"parents":[{"type":"R","id":"root"}]},
    {"uid":{"type":"Action","id":"v"},"attrs":{},"parents":[{"type":"Action","id":"all"}]}])");
  ASSERT_TRUE(entities) << entities.error().message;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts;
    std::string all;
    for (int i = 0; i < 60; ++i) {
      texts.push_back(pick({"permit", "forbid"}) + "(" + pick(principals) + ", " + pick(actions) +
                      ", " + pick(resources) + ")" + pick(conditions) + ";");
      all += texts.back();
    }
    const Result<PolicySet> whole = PolicySet::parse(all);
    ASSERT_TRUE(whole) << whole.error().message;
    const Request request{{"U", pick({"a", "b", "none"})},
                          {"Action", pick({"v", "w"})},
                          {"R", pick({"r", "q"})},
                          Json()};
    const Response indexed = *authorize(*whole, *entities, request);
    Ids permits;
    Ids forbids;
    Ids errors;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const Response one = *authorize(*PolicySet::parse(texts[i]), *entities, request);
      const std::string id = "policy" + std::to_string(i);
      if (!one.errors.empty()) errors.push_back(id);
      if (!one.reasons.empty())
        (one.decision == Decision::kAllow ? permits : forbids).push_back(id);
    }
    std::sort(permits.begin(), permits.end());
    std::sort(forbids.begin(), forbids.end());
    std::sort(errors.begin(), errors.end());
    EXPECT_EQ(indexed.decision == Decision::kAllow, forbids.empty() && !permits.empty());
    EXPECT_EQ(indexed.reasons, forbids.empty() ? permits : forbids);
    EXPECT_EQ(error_ids(indexed), errors);
    Outcome outcome;
    decide(*whole, *entities, *PreparedRequest::make(request), outcome);
    EXPECT_EQ(outcome.decision, indexed.decision);
    EXPECT_EQ(outcome.reasons.size(), indexed.reasons.size());
    EXPECT_EQ(outcome.errors.size(), indexed.errors.size());
  }
}

}  // namespace
}  // namespace keyturn::cedar
