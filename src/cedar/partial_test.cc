// Partial evaluation: whatever the unknown attributes turn out to be, the residual policies decide
// as the whole set does.
#include "cedar/partial.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "cedar/destroy_sample_test.h"

namespace keyturn::cedar {
namespace {

std::set<std::string> ids_of(const std::vector<Diagnostic>& errors) {
  std::set<std::string> ids;
  for (const Diagnostic& error : errors) ids.insert(error.policy);
  return ids;
}

// With `a` and `b` unknown, over every pair of these values.
void expect_residuals_decide_as(const PolicySet& policies) {
  const std::vector<Json> values = {Json(0),   Json(2),    Json(3), Json(INT64_MAX),
                                    Json("x"), Json(true), Json(),  Json(false)};
  const Json known = Json::object({{"c", 1}});
  Result<PartialResponse> partial = fail(Code::kInternal, "not asked");
  {
    // What is left must not point into what it was asked with.
    const Entities gone = entities();
    partial = authorize_partially(policies, gone, {request(known), {"a", "b"}});
  }
  ASSERT_TRUE(partial) << partial.error().message;
  for (const Json& a : values) {
    for (const Json& b : values) {
      Json context = known;
      if (!a.is_null()) context.set("a", a);
      if (!b.is_null()) context.set("b", b);
      const Response full = *authorize(policies, entities(), request(context));
      const Response rest = *authorize(partial->remaining, entities(), request(context));
      EXPECT_EQ(full.decision, rest.decision) << to_text(context);
      EXPECT_EQ(full.reasons, rest.reasons) << to_text(context);
      EXPECT_EQ(partial->decision.value_or(full.decision), full.decision) << to_text(context);
      std::set<std::string> errors = ids_of(partial->errors);
      errors.merge(ids_of(rest.errors));
      EXPECT_EQ(errors, ids_of(full.errors)) << to_text(context);
    }
  }
  // They can be written down, too.
  EXPECT_TRUE(PolicySet::parse(partial->remaining.print())) << partial->remaining.print();
}

std::string residual_of(const std::string& condition) {
  const Result<PolicySet> policies =
      PolicySet::parse("permit(principal, action, resource) when { " + condition + " };");
  EXPECT_TRUE(policies) << condition;
  const Result<PartialResponse> response =
      authorize_partially(*policies, entities(), {request(Json::object({{"c", 1}})), {"a", "b"}});
  EXPECT_TRUE(response) << condition;
  return response->residuals.empty() ? "" : response->residuals.front().condition;
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
  EXPECT_EQ(response->residuals[0].condition, "when { context.approvals >= 2 }");
  EXPECT_EQ(response->residuals[1].condition, "when { context.approvals > 5 }");
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
      "principal is Agent in [Db::\"prod\", context.a]",
      "(if context.b then principal else resource) is Db in Db::\"prod\"",
      "(if context.b then principal else resource) is Db in context.a",
      "(if context.b then principal else resource) has owner.manager",
      "(if context.b then principal else context.a) has level",
      "principal.address.isInRange(ip(\"10.0.0.0/8\")) && [principal.address].contains(context.a)",
      "principal.names.contains(context.a) || context.b",
      "[principal.names, context.a].contains([\"b\\n\\\"c\\\"\", \"a\"])",
      "{x: principal.address, y: context.a} == {y: 2, x: ip(\"10.0.0.1\")}",
      "principal.getTag(\"team\") == \"blue\" && context.a == 2",
      "principal.hasTag(context.a) || context.b",
      "-context.a < -9223372036854775807 || context.b",
      "context.a * context.c == 3 - 1",
      "context.a - 9223372036854775807 - 3 < 0",
      "decimal(\"1.5\").lessThan(decimal(\"2.0\")) && context.a >= 2",
      "context[\"a\"] == 2",
      "{c: context}.c.a == 2",
      "context.a like \"*x*\" || context.b",
      "if context.a == 2 then context.none else if context.b then false else true",
      "1 && context.b",
      "if 1 then context.b else context.b",
      "context.a in principal || context.b",
  };
  std::string text;
  for (const char* condition : conditions) {
    for (const char* effect : {"permit", "forbid"}) {
      for (const char* kind : {"when", "unless"}) {
        const std::string policy = fmt::format(
            "{}(principal, action, resource) {} {{ {} }} when {{ context.b == true }};\n", effect,
            kind, condition);
        const Result<PolicySet> one = PolicySet::parse(policy);
        ASSERT_TRUE(one) << one.error().message;
        SCOPED_TRACE(policy);
        expect_residuals_decide_as(*one);
        text += policy;
      }
    }
  }
  const Result<PolicySet> policies = PolicySet::parse(text);
  ASSERT_TRUE(policies) << policies.error().message;
  expect_residuals_decide_as(*policies);
}

// Untyped on purpose: most of what comes out fails somewhere for some value.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : engine_(seed) {}

  std::string policy() {
    const char* scopes[] = {"principal, action, resource", "principal is Agent, action, resource",
                            "principal, action == Action::\"destroy\", resource",
                            "principal, action, resource in Db::\"prod\"",
                            "principal == Agent::\"other\", action, resource"};
    std::string text = fmt::format("{}({})", pick(2) == 0 ? "permit" : "forbid", scopes[pick(5)]);
    for (std::size_t i = pick(3) + 1; i > 0; --i) {
      text += fmt::format(" {} {{ {} }}", pick(3) == 0 ? "unless" : "when", expression(4));
    }
    return text + ";\n";
  }

 private:
  std::size_t pick(std::size_t count) { return engine_() % count; }

  std::string leaf() {
    const char* leaves[] = {"true",
                            "false",
                            "2",
                            "\"x\"",
                            "context.a",
                            "context.a",
                            "context.b",
                            "context.b",
                            "context.c",
                            "principal",
                            "resource",
                            "principal.level",
                            "context",
                            "context.none",
                            "principal.owner",
                            "(context has a)",
                            "(context has b.c)",
                            "(context.c + 9223372036854775807)"};
    return leaves[pick(std::size(leaves))];
  }

  std::string expression(int depth) {
    if (depth == 0 || pick(6) == 0) return leaf();
    const auto part = [&] { return expression(depth - 1); };
    // Drawn in this order on every compiler.
    const std::string a = part();
    const std::string b = part();
    const std::string c = part();
    switch (pick(12)) {
      case 0:
      case 1:
        return fmt::format("({} && {} && {})", a, b, c);
      case 2:
      case 3:
        return fmt::format("({} || {} || {})", a, b, c);
      case 4:
        return fmt::format("(if {} then {} else {})", a, b, c);
      case 5:
        return fmt::format("!({})", a);
      case 6:
        return fmt::format("({} == {})", a, b);
      case 7:
        return fmt::format("({} > {})", a, b);
      case 8:
        return fmt::format("({} is Agent in {})", a, b);
      case 9:
        return fmt::format("({} has level.x)", a);
      case 10:
        return fmt::format("[{}, {}].contains({})", a, b, c);
      default:
        return fmt::format("{{x: {}, y: {}}}.x", a, b);
    }
  }

  std::mt19937_64 engine_;
};

TEST(Partial, RandomPoliciesLeaveResidualsThatDecideAsTheyDo) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Writer writer(seed);
    std::string text;
    // Sometimes so many that the index finds the candidates.
    const int count = seed % 10 == 0 ? 40 : 4;
    for (int i = 0; i < count; ++i) text += writer.policy();
    const Result<PolicySet> policies = PolicySet::parse(text);
    ASSERT_TRUE(policies) << policies.error().message;
    SCOPED_TRACE(fmt::format("seed {}\n{}", seed, text));
    expect_residuals_decide_as(*policies);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Partial, LinksOfTemplatesLeaveResidualsUnderTheirOwnIds) {
  Result<PolicySet> policies = PolicySet::parse(
      "permit(principal == ?principal, action, resource in ?resource) when { context.a > 1 };");
  ASSERT_TRUE(policies);
  const EntityUid prod{"Db", "prod"};
  policies = policies->linked("policy0", "kiro", {EntityUid{"Agent", "kiro"}, prod});
  ASSERT_TRUE(policies);
  policies = policies->linked("policy0", "other", {EntityUid{"Agent", "other"}, prod});
  ASSERT_TRUE(policies);
  expect_residuals_decide_as(*policies);
  const auto response =
      authorize_partially(*policies, entities(), {request(Json(Json::Object())), {"a"}});
  ASSERT_TRUE(response);
  ASSERT_EQ(response->residuals.size(), 1U);
  EXPECT_EQ(response->residuals.front().policy, "kiro");
}

// Without types a part that is unknown might fail before a later one decides.
TEST(Partial, KnowsFromTheSchemaWhatCannotFail) {
  const Result<Schema> schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema);
  const PartialRequest partial{request(Json::object({{"rejected", false}})), {"approvals"}};
  for (const auto& [condition, is_left] : std::vector<std::pair<std::string, bool>>{
           {"context.approvals >= 2 && context.rejected", false},
           {"!(context.approvals == 1 || 2 < context.approvals) && context has reason", false},
           {"(if context.approvals > 1 then true else false) && context.rejected", false},
           {"[1, context.approvals].contains(1) && context.rejected", false},
           {"context.approvals + 1 > 2 && context.rejected", true},
           {"context.approvals && context.rejected", true},
           {"context.approvals like \"x\" && context.rejected", true},
           {"context.approvals < \"x\" && context.rejected", true}}) {
    for (const char* glue : {" && ", " } when { "}) {
      std::string text = "permit(principal, action, resource) when { " + condition + " };";
      text.replace(text.rfind(" && "), 4, glue);
      const PolicySet policies = *PolicySet::parse(text);
      const auto typed = authorize_partially(policies, entities(), partial, &*schema);
      ASSERT_TRUE(typed) << typed.error().message;
      EXPECT_EQ(typed->residuals.size(), is_left ? 1U : 0U) << text;
      const auto untyped = authorize_partially(policies, entities(), partial);
      ASSERT_TRUE(untyped);
      EXPECT_EQ(untyped->residuals.size(), 1U) << text;
      for (const std::int64_t approvals : {INT64_MIN, std::int64_t{2}, INT64_MAX}) {
        Request full = partial.request;
        full.context.set("approvals", approvals);
        const Response expected = *authorize(policies, entities(), full, &*schema);
        const Response actual = *authorize(typed->remaining, entities(), full, &*schema);
        EXPECT_EQ(actual.decision, expected.decision) << text;
        EXPECT_EQ(ids_of(actual.errors), ids_of(expected.errors)) << text;
      }
    }
  }
}

TEST(Partial, SaysNoMoreThanIsLeftToSay) {
  EXPECT_EQ(residual_of("principal.level == 3 && context.a >= 2"), "when { context.a >= 2 }");
  EXPECT_EQ(residual_of("context.a >= 2 || principal.level == 4"), "when { context.a >= 2 }");
  // A lone operand that may be no bool has to fail as it would have.
  EXPECT_EQ(residual_of("principal.level == 3 && context.a"), "when { true && context.a }");
  EXPECT_EQ(residual_of("resource is Db in [Db::\"prod\", context.a]"),
            "when { Db::\"orders\" is Db in [Db::\"prod\", context.a] }");
  EXPECT_EQ(residual_of("resource is Agent in context.a || context.a == 1"),
            "when { context.a == 1 }");
}

// Doubled at every level, this would be 2^60 nodes.
TEST(Partial, NestedTestsOfTypeAndAttributesDoNotDouble) {
  for (const char* test : {"is Agent in Agent::\"kiro\"", "has owner.manager"}) {
    std::string nested = "(if context.b then principal else resource)";
    for (int i = 0; i < 60; ++i) {
      nested = fmt::format("(if {} {} then principal else resource)", nested, test);
    }
    const std::string condition = nested + " == principal";
    EXPECT_LT(residual_of(condition).size(), 2 * condition.size() + 1'000);
  }
}

}  // namespace
}  // namespace keyturn::cedar
