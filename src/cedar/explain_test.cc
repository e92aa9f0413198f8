// Explanations, partial evaluation and levels.
#include "cedar/explain.h"

#include <gtest/gtest.h>

#include "cedar/partial.h"

namespace keyturn::cedar {
namespace {

constexpr const char* kSchema = R"(
  entity Agent = {owner: Person, level: Long};
  entity Person = {manager?: Person};
  entity Db in [Db] = {owner: Person};
  action destroy appliesTo {principal: Agent, resource: Db,
    context: {approvals: Long, rejected: Bool, reason?: String}};)";

constexpr const char* kPolicies = R"(
permit(principal, action == Action::"destroy", resource in Db::"prod")
when { context.approvals >= 2 && principal.level > 0 }
unless { context.rejected };
forbid(principal, action, resource) when { principal.level > 8 };
permit(principal, action, resource is Db) when { principal.level == 7 || context.approvals > 5 };
)";

Entities entities() {
  const Result<Entities> result = Entities::parse_json(R"([
    {"uid":{"type":"Agent","id":"kiro"},
     "attrs":{"owner":{"__entity":{"type":"Person","id":"ann"}},"level":3},"parents":[]},
    {"uid":{"type":"Db","id":"orders"},"attrs":{"owner":{"type":"Person","id":"bob"}},
     "parents":[{"type":"Db","id":"prod"}]}])",
                                                       nullptr);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Entities();
}

Request request(Json context) {
  return {{"Agent", "kiro"}, {"Action", "destroy"}, {"Db", "orders"}, std::move(context)};
}

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

TEST(Partial, UnknownApprovalsLeaveAResidualThatSaysWhatIsMissing) {
  const Result<PolicySet> policies = PolicySet::parse(kPolicies);
  const Result<Schema> schema = Schema::parse(kSchema);
  ASSERT_TRUE(policies && schema);
  PartialRequest partial{request(Json::object({{"rejected", false}})), {"approvals"}};
  const Result<PartialResponse> response =
      authorize_partially(*policies, entities(), partial, &*schema);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_FALSE(response->decision);
  ASSERT_EQ(response->residuals.size(), 2U);
  EXPECT_EQ(response->residuals[0].policy, "policy0");
  EXPECT_EQ(response->residuals[0].condition, "when { true && context.approvals >= 2 }");
  EXPECT_EQ(response->residuals[1].condition, "when { false || context.approvals > 5 }");
}

TEST(Partial, WhatIsKnownIsSettled) {
  const Result<PolicySet> policies = PolicySet::parse(kPolicies);
  ASSERT_TRUE(policies);
  PartialRequest partial{request(Json::object({{"approvals", 2}, {"rejected", false}})), {}};
  Result<PartialResponse> response = authorize_partially(*policies, entities(), partial);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->decision, Decision::kAllow);
  partial.request.context = Json::object({{"approvals", 1}, {"rejected", false}});
  EXPECT_EQ(authorize_partially(*policies, entities(), partial)->decision, Decision::kDeny);
}

TEST(Partial, AnAttributeCannotBeGivenAndUnknownNorUndeclared) {
  const Result<Schema> schema = Schema::parse(kSchema);
  const PartialRequest both{request(Json::object({{"approvals", 2}})), {"approvals"}};
  EXPECT_EQ(authorize_partially(PolicySet(), Entities(), both).error().code, Code::kInvalid);
  const PartialRequest undeclared{request(Json()), {"nope"}};
  EXPECT_EQ(authorize_partially(PolicySet(), Entities(), undeclared, &*schema).error().code,
            Code::kInvalid);
}

// With every value of the unknown attributes the residual policies decide as the full set does.
TEST(Partial, ResidualsDecideAsTheFullSetWhateverIsUnknown) {
  const char* conditions[] = {
      "context.a > 1",
      "context.a > 1 && context.b",
      "context.b && context.a > 1",
      "context.b || context.a + 9223372036854775807 > 0",
      "if context.b then context.a == 3 else principal.level == 3",
      "context has a && context.a == 2",
      "!(context has a) || context.a == 0",
      "context.a == \"x\"",
      "context == {a: 2, b: true}",
      "[context.a, 1].contains(2) && context.none",
      "context.none && context.a > 0",
      "context.a > 0 && context.none",
      "context.a > 0 && false",
      "principal in [resource, context.a]",
      "{x: context.a}.x > 1 && 1 > 0 && context.b",
      "context.b && 1",
      "(context.b || 1) && context.b",
      "context has a.b || context.b",
      "if context.a > 1 then context.none else true",
      "principal.owner is Person && context.a like \"x\" || context.b",
  };
  std::string text;
  for (const char* condition : conditions) {
    for (const char* effect : {"permit", "forbid"}) {
      for (const char* kind : {"when", "unless"}) {
        text += fmt::format(
            "{}(principal, action, resource) {} {{ {} }} when {{ context.b == true "
            "}};\n",
            effect, kind, condition);
      }
    }
  }
  const Result<PolicySet> policies = PolicySet::parse(text);
  ASSERT_TRUE(policies) << policies.error().message;
  const std::vector<Json> values = {Json(0), Json(2), Json(3), Json("x"), Json(true), Json()};
  const Json known = Json::object({{"c", 1}});
  const Result<PartialResponse> partial =
      authorize_partially(*policies, entities(), {request(known), {"a", "b"}});
  ASSERT_TRUE(partial) << partial.error().message;
  std::set<std::string> settled_errors;
  for (const Diagnostic& error : partial->errors) settled_errors.insert(error.policy);
  for (const Json& a : values) {
    for (const Json& b : values) {
      Json context = known;
      if (!a.is_null()) context.set("a", a);
      if (!b.is_null()) context.set("b", b);
      const Response full = *authorize(*policies, entities(), request(context));
      const Response rest = *authorize(partial->remaining, entities(), request(context));
      EXPECT_EQ(full.decision, rest.decision) << to_text(context);
      EXPECT_EQ(full.reasons, rest.reasons) << to_text(context);
      std::set<std::string> errors = settled_errors;
      for (const Diagnostic& error : rest.errors) errors.insert(error.policy);
      std::set<std::string> expected;
      for (const Diagnostic& error : full.errors) expected.insert(error.policy);
      EXPECT_EQ(errors, expected) << to_text(context);
    }
  }
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
