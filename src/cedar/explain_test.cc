// Explanations, depth and levels.
#include "cedar/explain.h"

#include <gtest/gtest.h>

#include "cedar/destroy_sample_test.h"
#include "cedar/partial.h"

namespace keyturn::cedar {
namespace {

TEST(Explain, NamesTheSubExpressionThatDecided) {
  const Result<PolicySet> policies = PolicySet::parse(kPolicies);
  ASSERT_TRUE(policies) << policies.error().message;
  const Result<PreparedRequest> prepared =
      PreparedRequest::make(request(Json::object({{"approvals", 1}, {"rejected", false}})));
  ASSERT_TRUE(prepared);
  const Explanation result = explain(*policies, entities(), *prepared);
  EXPECT_EQ(result.response.decision, Decision::kDeny);
  ASSERT_EQ(result.policies.size(), 3U);
  const PolicyExplanation& first = result.policies[0];
  EXPECT_TRUE(first.principal_matches && first.action_matches && first.resource_matches);
  EXPECT_EQ(first.truth, Truth::kFalse);
  ASSERT_EQ(first.conditions.size(), 2U);
  EXPECT_EQ(first.conditions[0].deciding, "context.approvals >= 2");
  using Values = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(first.conditions[0].values, (Values{{"context.approvals", "1"}}));
  EXPECT_EQ(first.conditions[1].truth, Truth::kNotReached);
  EXPECT_EQ(result.policies[1].conditions[0].deciding, "principal.level > 8");
}

TEST(Explain, SaysWhyAPolicyFailedAndWhichScopesDoNotMatch) {
  const Result<PolicySet> policies = PolicySet::parse(
      "permit(principal, action, resource) when { true && context.none == 1 };"
      "permit(principal == Agent::\"q\", action == Action::\"x\", resource);");
  ASSERT_TRUE(policies);
  const Result<PreparedRequest> prepared = PreparedRequest::make(request(Json()));
  ASSERT_TRUE(prepared);
  const Explanation result = explain(*policies, entities(), *prepared);
  EXPECT_EQ(result.policies[0].conditions[0].truth, Truth::kFailed);
  EXPECT_EQ(result.policies[0].conditions[0].deciding, "context.none");
  EXPECT_FALSE(result.policies[1].principal_matches);
  EXPECT_FALSE(result.policies[1].action_matches);
  EXPECT_TRUE(result.policies[1].resource_matches);
  EXPECT_EQ(
      explain(*policies, entities(), *prepared, ExplainWhich::kMatchingAction).policies.size(), 1U);
  EXPECT_NE(to_text(to_json(result)).find("\"truth\":\"failed\""), std::string::npos);
}

// The deepest text the parser takes must not be too deep for anything after it.
TEST(Depth, TheDeepestExpressionIsDecidedValidatedExplainedAndWritten) {
  const Result<Schema> schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema);
  for (const auto& [open, close] :
       std::vector<std::pair<std::string, std::string>>{{"!(", ")"},
                                                        {"(true && ", ")"},
                                                        {"(false || ", ")"},
                                                        {"(if true then ", " else false)"},
                                                        {"[", "].contains(true)"},
                                                        {"{a: ", "}.a"}}) {
    std::string accepted;
    for (int depth = 50; depth <= 400; depth += 10) {
      std::string text = "permit(principal, action, resource) when { ";
      for (int i = 0; i < depth; ++i) text += open;
      text += "context.rejected";
      for (int i = 0; i < depth; ++i) text += close;
      text += " };";
      if (PolicySet::parse(text)) accepted = text;
    }
    ASSERT_FALSE(accepted.empty());
    const PolicySet policies = *PolicySet::parse(accepted);
    const Request full = request(Json::object({{"approvals", 1}, {"rejected", true}}));
    const PreparedRequest prepared = *PreparedRequest::make(full);
    EXPECT_TRUE(authorize(policies, entities(), prepared).errors.empty()) << open;
    EXPECT_EQ(explain(policies, entities(), prepared).policies.size(), 1U);
    ValidationOptions options;
    options.level_max = 1;
    validate(policies, *schema, options);
    EXPECT_TRUE(authorize_partially(policies, entities(),
                                    {request(Json::object({{"approvals", 1}})), {"rejected"}}));
    const Result<Json> json = policies.json();
    ASSERT_TRUE(json);
    EXPECT_TRUE(PolicySet::parse_json(to_text(*json)));
    EXPECT_TRUE(PolicySet::parse(policies.print()));
  }
}

TEST(Levels, CountDereferencesInARow) {
  const Result<Schema> schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema);
  const auto fits = [&](const std::string& condition, unsigned level) {
    const Result<PolicySet> policies =
        PolicySet::parse("permit(principal, action, resource) when { " + condition + " };");
    EXPECT_TRUE(policies) << policies.error().message;
    ValidationOptions options;
    EXPECT_TRUE(validate(*policies, *schema, options).errors.empty()) << condition;
    options.level_max = level;
    return validate(*policies, *schema, options).errors.empty();
  };
  EXPECT_TRUE(fits("context.approvals > 1", 0));
  EXPECT_FALSE(fits("principal.level > 1", 0));
  EXPECT_TRUE(fits("principal.level > 1", 1));
  EXPECT_FALSE(fits("principal.owner has manager", 1));
  EXPECT_TRUE(fits("principal.owner has manager && principal.owner.manager == resource.owner", 2));
  EXPECT_FALSE(fits("{x: principal.owner}.x has manager", 1));
  EXPECT_FALSE(fits("resource in Db::\"prod\"", 0));
  EXPECT_TRUE(fits("resource in Db::\"prod\"", 1));
  EXPECT_FALSE(fits("Agent::\"kiro\".level > 1", 5));
  EXPECT_TRUE(fits("false && Agent::\"kiro\".level > 1", 0));
}

}  // namespace
}  // namespace keyturn::cedar
