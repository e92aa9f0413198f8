// What reviewers are told about why an action is held.
#include "gate/explain.h"

#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Facts kFacts{AgentId("kiro"), PersonId("alice"), "fix the rounding bug", 0};

HoldExplanation explained(const std::string& pack, const Action& action) {
  auto explanation = explain_hold(*policies_of(pack), action, kFacts);
  EXPECT_TRUE(explanation) << explanation.error().message;
  return explanation ? *explanation : HoldExplanation();
}

TEST(HoldExplanation, SaysWhichConditionDecidedAndWhatMustStillHold) {
  const auto explanation =
      explain_hold(*load(pack_files()), action_of(Effect::kDestroy, Tier::kProduction), kFacts);
  ASSERT_TRUE(explanation) << explanation.error().message;
  ASSERT_EQ(explanation->answers.size(), 1U);
  const ExplainedAnswer& answer = explanation->answers.front();
  EXPECT_THAT(answer.principals, ElementsAre("Agent::\"kiro\"", "Person::\"alice\""));
  EXPECT_EQ(answer.resources.size(), 1U);
  // What depends on reviews, then what is about the request, then the other tiers.
  std::vector<std::string> names;
  for (const ExplainedPolicy& policy : answer.policies) names.push_back(policy.found.policy);
  EXPECT_THAT(names, ElementsAre("destroy-in-production-after-two-reviews", "credentials-stay",
                                 "destroy-in-development", "destroy-in-staging-after-one-review"));
  const ExplainedPolicy& two = answer.policies.front();
  EXPECT_EQ(two.remaining, "when { context.approvals >= 2 }");
  EXPECT_EQ(two.found.truth, cedar::Truth::kFalse);
  ASSERT_EQ(two.found.conditions.size(), 1U);
  EXPECT_EQ(two.found.conditions.front().deciding, "context.approvals >= 2");
  EXPECT_THAT(two.found.conditions.front().values,
              ElementsAre(std::pair<std::string, std::string>("context.approvals", "0")));
  EXPECT_EQ(answer.policies[1].remaining, "");
  // `context has …` decided; the whole context would bury that.
  EXPECT_TRUE(answer.policies[1].found.conditions.front().values.empty());
  EXPECT_FALSE(answer.policies[2].found.resource_matches);
  EXPECT_EQ(answer.policies_omitted, 0U);
  EXPECT_EQ(explanation->questions_omitted, 0U);
}

TEST(HoldExplanation, IsAboutTheResourcesThatAreNotPermittedAndNoOthers) {
  Action action = action_of(Effect::kDestroy, Tier::kDevelopment, "scratch");
  for (const char* name : {"orders", "customers"}) {
    action.resources.push_back(
        action_of(Effect::kDestroy, Tier::kProduction, name).resources.front());
  }
  const auto explanation = explain_hold(*load(pack_files()), action, kFacts);
  ASSERT_TRUE(explanation);
  ASSERT_EQ(explanation->answers.size(), 1U);
  EXPECT_THAT(explanation->answers.front().resources,
              ElementsAre(HasSubstr("table/orders"), HasSubstr("table/customers")));
}

TEST(HoldExplanation, TellsApartWhatDiffersBetweenAgentAndOwner) {
  const HoldExplanation explanation = explained(
      "@id(\"agents\") permit (principal is Agent, action, resource);"
      "@id(\"owners\") permit (principal is Person, action, resource) "
      "when { context.approvals >= 1 };",
      action_of(Effect::kChange, Tier::kStaging));
  ASSERT_EQ(explanation.answers.size(), 1U);
  EXPECT_THAT(explanation.answers.front().principals, ElementsAre("Person::\"alice\""));
  EXPECT_EQ(explanation.answers.front().policies.front().found.policy, "owners");
}

TEST(HoldExplanation, ShowsAForbidThatReviewsWouldLiftAndAFailureThatTheyWouldEnd) {
  const HoldExplanation explanation = explained(
      "@id(\"all\") permit (principal, action, resource);"
      "@id(\"guard\") forbid (principal, action, resource) unless { context.approvals >= 2 };"
      "@id(\"odd\") permit (principal, action, resource) "
      "when { context.approvals - 9223372036854775807 - 2 < 0 };",
      action_of(Effect::kDestroy, Tier::kProduction));
  ASSERT_EQ(explanation.answers.size(), 1U);
  const auto& policies = explanation.answers.front().policies;
  ASSERT_EQ(policies.size(), 3U);
  EXPECT_TRUE(policies[0].found.is_forbid);
  EXPECT_EQ(policies[0].found.truth, cedar::Truth::kTrue);
  EXPECT_EQ(policies[0].remaining, "unless { context.approvals >= 2 }");
  EXPECT_EQ(policies[1].found.truth, cedar::Truth::kFailed);
  EXPECT_THAT(policies[1].found.conditions.front().error, HasSubstr("overflow"));
  EXPECT_EQ(policies[2].remaining, "");
}

// Invariant 8: what policies do not see cannot be shown.
TEST(Invariant8, AnExplanationHoldsNoParametersAndNoRequest) {
  Action action = action_of(Effect::kDestroy, Tier::kProduction);
  const std::string secret = "wJalrXUtnFEMI/K7MDENG";
  action.parameters = Json::object({{"MasterUserPassword", secret}});
  action.canonical_request = "POST / " + secret;
  action.attributes = Json::object({{"reversible", true}, {"token", secret}});
  action.why = {"because of " + secret};
  const HoldExplanation explanation = explained(
      "@id(\"all\") permit (principal, action, resource) "
      "when { context == context && context.purpose == \"x\" && context.approvals >= 1 };"
      "@id(\"one\") permit (principal, action, resource) when { context.approvals >= 1 };",
      action);
  const std::string text = to_text(to_json(explanation));
  EXPECT_THAT(text, HasSubstr("fix the rounding bug"));
  EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST(HoldExplanation, StaysWithinItsBoundsWhateverIsThrownAtIt) {
  std::string pack;
  for (int i = 0; i < 60; ++i) {
    pack += fmt::format(
        "@id(\"p{}\") permit (principal, action, resource) when {{ context.approvals >= 1 && "
        "[resource.name, \"{}é\"].contains(context.purpose) }};",
        i, std::string(3'000, 'x'));
  }
  pack += "permit (principal, action, resource) when { context.approvals >= 2 };";
  Action action = action_of(Effect::kDestroy, Tier::kProduction);
  for (int i = 0; i < 900; ++i) {
    Resource resource = action.resources.front();
    resource.name = std::to_string(i) + std::string(1'500, 'n');
    action.resources.push_back(std::move(resource));
  }
  const HoldExplanation explanation = explained(pack, action);
  const std::string text = to_text(to_json(explanation));
  // Names of resources and the frame of JSON are bounded beside the texts.
  constexpr std::size_t kNames =
      kExplainedAnswersMax * kExplainedResourcesMax * (kExplainedTextBytesMax + 64);
  EXPECT_LT(text.size(), kNames + 2 * kExplainedBytesMax);
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_LE(explanation.answers.size(), kExplainedAnswersMax);
  EXPECT_GT(explanation.questions_omitted, 1'000U);
  EXPECT_GT(explanation.answers.front().policies_omitted, 0U);
}

TEST(HoldExplanation, NamesEveryResourceOnceUpToItsBound) {
  Action action = action_of(Effect::kChange, Tier::kStaging, "0");
  for (int i = 1; i < 20; ++i) {
    action.resources.push_back(
        action_of(Effect::kChange, Tier::kStaging, std::to_string(i)).resources.front());
  }
  const HoldExplanation explanation =
      explained("permit (principal, action, resource) when { context.approvals >= 1 };", action);
  ASSERT_EQ(explanation.answers.size(), 1U);
  EXPECT_EQ(explanation.answers.front().resources.size(), kExplainedResourcesMax);
  EXPECT_EQ(explanation.answers.front().resources_omitted, 20 - kExplainedResourcesMax);
}

class ExplainedChange : public GateTest {};

TEST_F(ExplainedChange, IsExplainedByThePackThatHeldItAlsoWhenAnotherTookItsPlace) {
  const Decision held = get(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  ASSERT_TRUE(held.change);
  const std::string& purpose = holder_->session.purpose;
  const std::string before = to_text(to_json(get(explain_hold(*gate_, *held.change, purpose))));
  EXPECT_THAT(before, HasSubstr("destroy-in-production-after-two-reviews"));
  ASSERT_TRUE(gate_->set_policies(policies_of("permit (principal, action, resource);")));
  EXPECT_EQ(to_text(to_json(get(explain_hold(*gate_, *held.change, purpose)))), before);
}

// Reviewers open a change again and again.
TEST_F(ExplainedChange, ByAnOlderPackReadsThatPackOnce) {
  const Decision held = get(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  ASSERT_TRUE(held.change);
  ASSERT_TRUE(gate_->set_policies(policies_of("permit (principal, action, resource);")));
  const std::string first = to_text(to_json(get(explain_hold(*gate_, *held.change, "p"))));
  ASSERT_TRUE(store_->run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("DELETE FROM gate_packs"));
    return {};
  }));
  EXPECT_EQ(to_text(to_json(get(explain_hold(*gate_, *held.change, "p")))), first);
}

TEST_F(ExplainedChange, WithoutItsPackOrItsActionSaysSo) {
  review::Change change = *get(decide(action_of(Effect::kDestroy, Tier::kProduction))).change;
  change.policy_digest = Digest();
  EXPECT_EQ(explain_hold(*gate_, change, "p").error().code, Code::kNotFound);
  change.policy_digest = gate_->policies()->digest();
  change.action = Json::object({{"effect", "destroy"}});
  EXPECT_FALSE(explain_hold(*gate_, change, "p"));
}

// The search for the approvals needed and the explanation rest on the same residuals.
TEST_F(ExplainedChange, WhatRemainsIsMetByTheApprovalsItNeeds) {
  for (const Effect effect : {Effect::kReveal, Effect::kChange, Effect::kDestroy, Effect::kGrant}) {
    const Decision held = get(decide(action_of(effect, Tier::kProduction)));
    ASSERT_TRUE(held.change);
    const HoldExplanation explanation = get(explain_hold(*gate_, *held.change, "p"));
    EXPECT_EQ(explanation.answers.front().policies.front().remaining,
              fmt::format("when {{ context.approvals >= {} }}", held.change->approvals_needed));
  }
}

}  // namespace
}  // namespace keyturn::gate
