// Validation of many policies against many kinds of requests: what is left out changes nothing, and
// what is too much is refused.
#include "cedar/validation_work.h"

#include <gtest/gtest.h>

#include <random>

#include "cedar/limits.h"

namespace keyturn::cedar {
namespace {

using Texts = std::vector<std::string>;

const std::string& one_of(std::mt19937& random, const Texts& texts) {
  return texts[random() % texts.size()];
}

constexpr std::string_view kWorld = R"(
  entity G in [G2] { level: Long }; entity G2; entity E enum ["a", "b"];
  entity A in [G] { n: Long, o?: String, g: G } tags String;
  entity B in [G, G2] { n: String, o?: Long, g: A };
  entity C { n: Long };
  action top; action mid in [top];
  action a in [mid] appliesTo { principal: [A, B], resource: [C, B], context: { b: Bool } };
  action b in [top] appliesTo { principal: [A, B], resource: [C, B], context: { b: Long } };
  action c appliesTo { principal: [A], resource: [A, B, C, E], context: {} };
  action d in [mid] appliesTo { principal: [C, E], resource: [G], context: { b: Bool } };
  namespace N { action e appliesTo { principal: [A], resource: [C] }; })";

std::string random_policy(std::mt19937& random) {
  const auto side = [&](std::string_view variable) {
    const Texts scopes = {"",
                          " == A::\"x\"",
                          " in G::\"g\"",
                          " in G2::\"g\"",
                          " is B",
                          " is A in G::\"g\"",
                          " == E::\"a\"",
                          " is None",
                          " == E::\"z\"",
                          " in C::\"c\"",
                          " in Action::\"top\"",
                          " == Zed::\"z\"",
                          fmt::format(" == ?{}", variable),
                          fmt::format(" in ?{}", variable),
                          fmt::format(" is B in ?{}", variable)};
    return std::string(variable) + one_of(random, scopes);
  };
  const Texts actions = {"action",
                         "action == Action::\"a\"",
                         "action in Action::\"top\"",
                         "action in [Action::\"mid\", Action::\"c\"]",
                         "action == Action::\"zed\"",
                         "action in [Action::\"a\", N::Action::\"e\"]",
                         "action in []",
                         "action == N::Action::\"e\""};
  const Texts conditions = {"principal.n == 1",
                            "principal has o && principal.o == \"x\"",
                            "resource.n like \"*\"",
                            "context.b",
                            "context has b && context.b > 1",
                            "action in Action::\"mid\"",
                            "principal.g.level > 1",
                            "true",
                            "1 == 1",
                            "principal == resource",
                            "resource in principal.g",
                            "A::\"q\".n > 1",
                            "principal.hasTag(\"t\") && principal.getTag(\"t\") == \"\"",
                            "action == Action::\"a\" || resource.n > 1",
                            "[principal, resource].contains(principal)"};
  std::string text = fmt::format("{}({}, {}, {})", random() % 2 == 0 ? "permit" : "forbid",
                                 side("principal"), one_of(random, actions), side("resource"));
  for (std::size_t i = random() % 3; i > 0; --i) {
    text += fmt::format(" {} {{ {} }}", random() % 2 == 0 ? "when" : "unless",
                        one_of(random, conditions));
  }
  return text + ";";
}

std::set<std::string> texts_of(const std::vector<Diagnostic>& diagnostics) {
  std::set<std::string> texts;
  for (const Diagnostic& one : diagnostics) texts.insert(one.policy + ": " + one.message);
  return texts;
}

TEST(ValidationWork, WhatIsLeftOutFindsNothing) {
  const Result<Schema> schema = Schema::parse(kWorld);
  ASSERT_TRUE(schema) << schema.error().message;
  std::mt19937 random(20261124);
  std::size_t errors = 0;
  std::size_t spared = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = random_policy(random);
    const Result<PolicySet> policies = PolicySet::parse(text);
    ASSERT_TRUE(policies) << text << policies.error().message;
    ValidationOptions options;
    if (random() % 2 == 0) options.mode = ValidationMode::kPermissive;
    if (random() % 4 == 0) options.level_max = 1 + random() % 3;
    ValidationWork all;
    all.walk = Walk::kAll;
    const CountedValidation some = validate_counted(*policies, *schema, options, {});
    const CountedValidation every = validate_counted(*policies, *schema, options, all);
    EXPECT_EQ(texts_of(some.result.errors), texts_of(every.result.errors)) << text;
    EXPECT_EQ(texts_of(some.result.warnings), texts_of(every.result.warnings)) << text;
    errors += some.result.errors.size();
    if (some.work * 2 < every.work) ++spared;
  }
  EXPECT_GT(errors, 1'000U);
  EXPECT_GT(spared, 1'000U);
}

// What is refused is so after the same work however much that is.
constexpr ValidationWork kLittleWork = {.max = std::size_t{1} << 25U, .walk = std::nullopt};

// 400 actions, each for 50 by 50 types: a million kinds of requests, as many as a schema may have.
std::string wide_schema() {
  std::string text;
  std::string principals;
  std::string resources;
  for (int i = 0; i < 50; ++i) {
    text += fmt::format("entity P{0} {{ n: Long }}; entity R{0} {{ n: Long, m: Long }};\n", i);
    principals += fmt::format("{}P{}", i == 0 ? "" : ", ", i);
    resources += fmt::format("{}R{}", i == 0 ? "" : ", ", i);
  }
  for (int i = 0; i < 400; ++i) {
    text += fmt::format(
        "action a{} appliesTo {{ principal: [{}], resource: [{}], context: {{ n: "
        "Long }} }};\n",
        i, principals, resources);
  }
  return text;
}

CountedValidation of_many(const Schema& schema, std::size_t count, std::string_view policy) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += fmt::format(fmt::runtime(policy), fmt::arg("a", i % 400), fmt::arg("t", i % 50));
  }
  const Result<PolicySet> policies = PolicySet::parse(text);
  EXPECT_TRUE(policies);
  if (!policies) return {};
  return validate_counted(*policies, schema, {}, kLittleWork);
}

TEST(ValidationWork, TenThousandPoliciesOfAMillionKindsOfRequestsAreTypedWhereTheyLook) {
  const Result<Schema> schema = Schema::parse(wide_schema());
  ASSERT_TRUE(schema) << schema.error().message;
  const std::pair<std::string_view, std::size_t> policies[] = {
      {"permit(principal == P{t}::\"x\", action == Action::\"a{a}\", resource is R{t}) "
       "when {{ principal.n > resource.n + context.n }};\n",
       100},
      {"permit(principal is P{t}, action, resource == R{t}::\"r\") when {{ principal.n > 1 }};\n",
       2'000},
      {"permit(principal, action == Action::\"a{a}\", resource) when {{ context.n > 1 }};\n", 200},
      {"permit(principal, action, resource) when {{ 1 > 2 }};\n", 2'000},
  };
  for (const auto& [policy, work_each] : policies) {
    const CountedValidation counted = of_many(*schema, 10'000, policy);
    EXPECT_TRUE(counted.result.errors.empty()) << policy << counted.result.errors.front().message;
    EXPECT_LT(counted.work / 10'000, work_each) << policy;
  }
}

TEST(ValidationWork, TooManyPoliciesThatLookAtEverythingAreRefusedWithThePlace) {
  const Result<Schema> schema = Schema::parse(wide_schema());
  ASSERT_TRUE(schema) << schema.error().message;
  const CountedValidation counted =
      of_many(*schema, 10'000,
              "permit(principal, action, resource) when {{ principal.n > resource.n + context.n "
              "}};\n");
  ASSERT_EQ(counted.result.errors.size(), 1U);
  const std::string& message = counted.result.errors.front().message;
  EXPECT_NE(message.find("takes more than 33554432 steps"), std::string::npos) << message;
  EXPECT_NE(message.find(" at line "), std::string::npos) << message;
  EXPECT_EQ(counted.work, kLittleWork.max);
}

CountedValidation of_one(std::string_view schema, const std::string& policy,
                         const ValidationOptions& options = {}) {
  const Result<Schema> parsed = Schema::parse(schema);
  EXPECT_TRUE(parsed) << parsed.error().message;
  const Result<PolicySet> policies = PolicySet::parse(policy);
  EXPECT_TRUE(policies) << policies.error().message;
  return validate_counted(*policies, *parsed, options, kLittleWork);
}

std::string repeated(std::size_t bytes, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += part(i);
  return text;
}

constexpr std::string_view kOpenSchema =
    "entity U { n: Long, o?: Long, u?: U }; entity R;"
    "action v appliesTo { principal: U, resource: R };";

TEST(ValidationWork, LongChainsInOnePolicyCostNoMoreThanTheirLength) {
  constexpr std::size_t kBytes = kTextBytesMax / 8;
  const auto policy = [&](std::string_view part) {
    return "permit(principal, action, resource) when { true" +
           repeated(
               kBytes,
               [&](std::size_t i) { return fmt::format(fmt::runtime(part), fmt::arg("i", i)); }) +
           " };";
  };
  for (const std::string_view part :
       {" && principal has o", " && principal.hasTag(\"{i}\")", " || principal has o",
        " && principal has x{i}", " && (principal has o || principal has u)"}) {
    const CountedValidation counted = of_one(kOpenSchema, policy(part));
    EXPECT_LT(counted.work, 4 * kBytes) << part;
  }
}

TEST(ValidationWork, ManyClausesNeedNoStack) {
  const std::string text =
      "permit(principal, action, resource)" +
      repeated(kTextBytesMax - 100, [](std::size_t) { return std::string(" when{true}"); }) + ";";
  const CountedValidation counted = of_one(kOpenSchema, text);
  EXPECT_TRUE(counted.result.errors.empty());
  EXPECT_LT(counted.work, 10 * kTextBytesMax);
}

// Each error tells its line and column; counting them from the start for each would take hours.
TEST(ValidationWork, AsManyErrorsAsATextHasRoomForAreToldByTheirPlace) {
  const std::string policies = repeated(kTextBytesMax / 4, [](std::size_t) {
    return std::string("permit(principal,action,resource)when{principal[\"é\"]};");
  });
  const CountedValidation counted = of_one(kOpenSchema, policies);
  ASSERT_GT(counted.result.errors.size(), 30'000U);
  const Diagnostic& last = counted.result.errors.back();
  EXPECT_NE(last.message.find("`é` on entity type `U` not found at line 1, column "),
            std::string::npos)
      << last.message;
  const std::string json = fmt::format(
      R"({{"staticPolicies": {{{}}}, "templates": {{}}, "templateLinks": []}})",
      repeated(kTextBytesMax / 4, [](std::size_t i) {
        return fmt::format(
            R"({}"p{}": {{"effect":"permit","principal":{{"op":"All"}},"action":{{"op":"All"}},)"
            R"("resource":{{"op":"All"}},"conditions":[{{"kind":"when","body":{{".":)"
            R"({{"left":{{"Var":"principal"}},"attr":"x"}}}}}}]}})",
            i == 0 ? "" : ",\n", i);
      }));
  const Result<PolicySet> from_json = PolicySet::parse_json(json);
  ASSERT_TRUE(from_json) << from_json.error().message;
  const Result<Schema> schema = Schema::parse(kOpenSchema);
  ASSERT_TRUE(schema);
  const ValidationResult result = validate(*from_json, *schema, ValidationOptions());
  ASSERT_GT(result.errors.size(), 10'000U);
  const std::string& message = result.errors.back().message;
  EXPECT_NE(message.find(fmt::format("at line {}, column ", result.errors.size())),
            std::string::npos)
      << message;
}

// Wide types are compared, and spoken of, in every condition.
TEST(ValidationWork, WideTypesInManyConditionsAreCounted) {
  const auto wide = [](std::string_view type) {
    std::string text = "{ ";
    for (int i = 0; i < 20'000; ++i) text += fmt::format("k{}: {}, ", i, type);
    return text + "}";
  };
  const std::string schema = fmt::format(
      "entity U {{ a: {}, b: {}, c: {} }}; entity R;"
      "action v appliesTo {{ principal: U, resource: R }};",
      wide("Long"), wide("Long"), wide("String"));
  for (const std::string_view part :
       {" && principal.a == principal.b", " && principal.a == principal.c",
        " && [principal.a, principal.b] == []", " && principal.a < principal.b"}) {
    const std::string text =
        "permit(principal, action, resource) when { true" +
        repeated(kTextBytesMax / 64, [&](std::size_t) { return std::string(part); }) + " };";
    const CountedValidation counted = of_one(schema, text);
    ASSERT_EQ(counted.result.errors.empty(), false) << part;
    std::size_t bytes = 0;
    for (const Diagnostic& error : counted.result.errors) bytes += error.message.size();
    EXPECT_LT(bytes, 64U << 20U) << part;
  }
}

}  // namespace
}  // namespace keyturn::cedar
