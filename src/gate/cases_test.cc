#include "gate/cases.h"

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

std::string case_text(std::string_view members) {
  return fmt::format(R"({{"about": "deleting", "cases": [{{"name": "a table", {}}}]}})", members);
}

constexpr const char* kGood =
    R"("action": {"effect": "destroy", "understood": true, "tiers": ["production"]},
       "reviewers": 5, "approvals": 0, "verdict": "hold", "approvals_needed": 2)";

TEST(Cases, AHeldCaseNamesThePolicyThatDecided) {
  const auto policies = load(pack_files());
  const auto cases = read_cases(case_text(kGood), "a.json");
  ASSERT_TRUE(cases) << cases.error().message;
  ASSERT_EQ(cases->size(), 1U);
  EXPECT_EQ(cases->front().name, "deleting a table");
  const CaseResult result = run_case(*policies, cases->front());
  EXPECT_TRUE(result.passed()) << result.actual;
  EXPECT_EQ(result.reasons, std::vector<std::string>{"destroy-in-production-after-two-reviews"});
}

TEST(Cases, ACaseThatDisagreesSaysWhatWasExpectedAndWhatCame) {
  const auto policies = load(pack_files());
  auto cases = read_cases(case_text(kGood), "a.json");
  ASSERT_TRUE(cases);
  Case item = cases->front();
  item.verdict = VerdictKind::kAllow;
  item.approvals_needed = 0;
  CaseResult result = run_case(*policies, item);
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.expected, "allow, 0 approvals needed");
  EXPECT_EQ(result.actual, "hold, 2 approvals needed, by destroy-in-production-after-two-reviews");
  item = cases->front();
  item.reasons = {"another"};
  EXPECT_FALSE(run_case(*policies, item).passed());
}

TEST(Cases, ResourcesTagsAndAttributesReachThePolicies) {
  const Policies::File file{
      "own.cedar",
      "@id(\"no-payroll\") forbid (principal == Agent::\"other\", action, resource) when {\n"
      "  resource.hasTag(\"team\") && resource.getTag(\"team\") == \"payroll\" &&\n"
      "  context has dry_run && context.dry_run && context.purpose == \"tidy\" };\n"
      "@id(\"all\") permit (principal, action, resource);\n"};
  const auto policies = load({file});
  ASSERT_NE(policies, nullptr);
  const auto cases =
      read_cases(case_text(R"("agent": "other", "purpose": "tidy", "action": {"effect": "change",
        "understood": true, "attributes": {"dry_run": true}, "resources": [
          {"name": "arn:x", "tier": "staging", "tags": {"team": "payroll"}}]},
        "reviewers": 1, "approvals": 0, "verdict": "deny", "approvals_needed": 0,
        "reasons": ["no-payroll"])"),
                 "a.json");
  ASSERT_TRUE(cases) << cases.error().message;
  const CaseResult result = run_case(*policies, cases->front());
  EXPECT_TRUE(result.passed()) << result.actual;
  EXPECT_EQ(find_unexercised(*policies, {"no-payroll"}), std::vector<std::string>{"all"});
}

TEST(Cases, WhatIsMisspeltOrMissingIsAnErrorWithItsPlace) {
  const std::pair<std::string, std::string> wrong[] = {
      {"{", "a.json: "},
      {R"({"cases": {}})", "`cases` must be an array"},
      {R"({"case": []})", "unknown member `case`"},
      {case_text(R"("verdict": "allow")"), "a.json: `deleting a table`: `action` is missing"},
      {case_text(R"("verdicts": "allow")"), "unknown member `verdicts`"},
      {case_text(R"("action": {"effect": "explode", "understood": true})"), "explode"},
      {case_text(R"("action": {"effect": "destroy", "understood": true, "tiers": ["prod"]})"),
       "prod"},
      {case_text(R"("action": {"effect": "destroy", "understood": true, "tiers": "production"})"),
       "`tiers` must be an array of strings"},
      {case_text(R"("action": {"effect": "destroy", "understood": true}, "approvals": -1)"),
       "`approvals` must be between"},
      {case_text(R"("action": {"effect": "destroy", "understood": true}, "approvals": 0,
                    "reviewers": 0, "verdict": "maybe")"),
       "`maybe` is no verdict; write allow, hold or deny"},
      {case_text(R"("action": {"effect": "destroy", "understood": true,
                    "resources": [{"tier": "staging"},
                                  {"tier": "moon"}]})"),
       "at line 3, column 44 (`/cases/0/action/resources/1/tier`)"},
      {case_text(R"("action": {"effect": "destroy", "understood": true,
                    "tiers": ["staging", 7]})"),
       "at line 2, column 42 (`/cases/0/action/tiers/1`)"},
      {case_text("\n\"agent\": \"nobody at all\", \"action\": {\"effect\": \"destroy\", "
                 "\"understood\": true}"),
       "at line 2, column 10 (`/cases/0/agent`)"},
      {case_text("\n\"verdicts\": \"allow\""), "at line 2, column 13 (`/cases/0/verdicts`)"},
  };
  for (const auto& [text, message] : wrong) {
    const auto cases = read_cases(text, "a.json");
    ASSERT_FALSE(cases) << text;
    EXPECT_NE(cases.error().message.find(message), std::string::npos) << cases.error().message;
  }
}

}  // namespace
}  // namespace keyturn::gate
