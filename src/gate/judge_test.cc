// The pure decision: invariants 3, 4 and 9.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::array kEffects = {Effect::kObserve, Effect::kReveal, Effect::kChange, Effect::kDestroy,
                             Effect::kGrant};
const std::array kTiers = {Tier::kProduction, Tier::kStaging, Tier::kDevelopment};
constexpr std::string_view kAll = "@id(\"all\") permit (principal, action, resource);\n";

Judgement judged(const std::string& text, const Action& action, int reviewers = 5) {
  return judge(*policies_of(text), action, {AgentId("kiro"), PersonId("alice"), "p", 0}, reviewers)
      .value();
}

TEST(Invariant3, AnEmptyPackDeniesEverything) {
  for (const Effect effect : kEffects) {
    for (const Tier tier : kTiers) {
      const Judgement judgement = judged("", action_of(effect, tier));
      EXPECT_EQ(judgement.kind, VerdictKind::kDeny);
      EXPECT_TRUE(judgement.reasons.empty());
    }
  }
}

TEST(Invariant3, ForbidWinsWhateverReviewersSay) {
  const std::string text = std::string(kAll) + "@id(\"no\") forbid (principal, action, resource);";
  for (const Effect effect : kEffects) {
    const Judgement judgement = judged(text, action_of(effect, Tier::kDevelopment));
    EXPECT_EQ(judgement.kind, VerdictKind::kDeny);
    EXPECT_THAT(judgement.reasons, ElementsAre("no"));
    EXPECT_EQ(judgement.approvals_needed, 0);
  }
}

TEST(Invariant3, WhatIsNotUnderstoodIsAskedAsDestroyInProduction) {
  Action action = action_of(Effect::kObserve, Tier::kDevelopment);
  action.understood = false;
  EXPECT_EQ(judged("permit (principal, action == Action::\"observe\", resource);", action).kind,
            VerdictKind::kDeny);
  EXPECT_EQ(judged("permit (principal, action, resource in Tier::\"development\");", action).kind,
            VerdictKind::kDeny);
  EXPECT_EQ(judged("permit (principal, action == Action::\"destroy\", "
                   "resource in Tier::\"production\");",
                   action)
                .kind,
            VerdictKind::kAllow);
}

TEST(Invariant4, AgentAndOwnerMustBothBePermitted) {
  const Action action = action_of(Effect::kObserve, Tier::kDevelopment);
  const std::string agent = "permit (principal == Agent::\"kiro\", action, resource);";
  const std::string owner = "permit (principal == Person::\"alice\", action, resource);";
  EXPECT_EQ(judged(agent, action).kind, VerdictKind::kDeny);
  EXPECT_EQ(judged(owner, action).kind, VerdictKind::kDeny);
  EXPECT_EQ(judged(agent + owner, action).kind, VerdictKind::kAllow);
  EXPECT_EQ(judged(agent + owner + "forbid (principal is Person, action, resource);", action).kind,
            VerdictKind::kDeny);
}

TEST(Judge, WantsEveryResourcePermitted) {
  Action action = action_of(Effect::kChange, Tier::kDevelopment, "a");
  action.resources.push_back(action_of(Effect::kChange, Tier::kProduction, "b").resources.front());
  const std::string text = "permit (principal, action, resource in Tier::\"development\");";
  EXPECT_EQ(judged(text, action).kind, VerdictKind::kDeny);
  action.resources.pop_back();
  EXPECT_EQ(judged(text, action).kind, VerdictKind::kAllow);
}

TEST(Judge, PutsAResourceIntoTheTierItWasGivenAndNoOther) {
  Action action = action_of(Effect::kDestroy, Tier::kDevelopment);
  action.resources.front().environment = "dev";
  action.resources.front().tier = Tier::kProduction;  // raised, for doubt
  EXPECT_EQ(judged("permit (principal, action, resource in Tier::\"development\");", action).kind,
            VerdictKind::kDeny);
  EXPECT_EQ(judged("permit (principal, action, resource in Environment::\"dev\");", action).kind,
            VerdictKind::kAllow);
}

TEST(Judge, TreatsAPolicyThatFailsAsNoPermit) {
  // A forbid that fails would be skipped by Cedar alone.
  const std::string text = std::string(kAll) +
                           "@id(\"cap\") forbid (principal, action, resource) "
                           "when { context.approvals + 9223372036854775807 > 0 && "
                           "context.resources * 9223372036854775807 * 2 > 0 };";
  const Judgement judgement = judged(text, action_of(Effect::kObserve, Tier::kDevelopment));
  EXPECT_EQ(judgement.kind, VerdictKind::kDeny);
  ASSERT_FALSE(judgement.errors.empty());
  EXPECT_THAT(judgement.errors.front(), HasSubstr("cap: "));
}

TEST(Judge, FindsTheSmallestNumberOfApprovalsWithinTheReviewersThatExist) {
  for (int wanted = 1; wanted <= kApprovalsMax + 1; ++wanted) {
    const std::string text = fmt::format(
        "permit (principal, action, resource) when {{ context.approvals >= {} }};", wanted);
    for (int reviewers = 0; reviewers <= kApprovalsMax + 1; ++reviewers) {
      const Judgement judgement =
          judged(text, action_of(Effect::kChange, Tier::kProduction), reviewers);
      const bool possible = wanted <= reviewers && wanted <= kApprovalsMax;
      EXPECT_EQ(judgement.kind, possible ? VerdictKind::kHold : VerdictKind::kDeny);
      EXPECT_EQ(judgement.approvals_needed, wanted <= kApprovalsMax ? wanted : 0);
    }
  }
}

TEST(Judge, NeverAllowsForReviewersWhoHaveNotSpoken) {
  const auto pack = load(pack_files());
  for (const Effect effect : kEffects) {
    for (const Tier tier : kTiers) {
      const Action action = action_of(effect, tier);
      const Facts facts{AgentId("kiro"), PersonId("alice"), "p", 0};
      const bool permitted = evaluate(*pack, action, facts)->permitted;
      for (int reviewers = 0; reviewers <= 10; ++reviewers) {
        const Judgement judgement = judge(*pack, action, facts, reviewers).value();
        EXPECT_EQ(judgement.kind == VerdictKind::kAllow, permitted);
      }
    }
  }
}

class Invariant9 : public GateTest {};

TEST_F(Invariant9, AVerdictCanBeRecomputedFromTheLedgerAndTheKeptPack) {
  for (const Effect effect : kEffects) {
    const Decision decision = get(decide(action_of(effect, Tier::kStaging)));
    const Json entry = body(decision.ledger_index);
    std::string pack;
    write([&](store::Transaction& transaction) {
      pack = transaction
                 .query("SELECT pack FROM gate_packs WHERE digest = ?1",
                        {entry.string_or("policy_digest", "")})
                 ->front()
                 .text(0);
    });
    const Json kept = get(parse_strict(pack));
    std::vector<Policies::File> files;
    for (const Json& file : *kept.find("files")->if_array()) {
      files.push_back({file.string_or("name", ""), file.string_or("text", "")});
    }
    const Json& schema = *kept.find("schema");
    const auto policies =
        get(Policies::load(files, {schema.string_or("name", ""), schema.string_or("text", "")}));
    EXPECT_EQ(policies->digest().hex(), entry.string_or("policy_digest", ""));
    const Json& logged = *entry.find("action");
    Action action;
    action.effect = get(parse_effect(logged.string_or("effect", "")));
    action.understood = get(logged.get_bool("understood"));
    const Json& thing = logged.find("resources")->if_array()->front();
    action.resources.resize(1);
    action.resources.front().name = thing.string_or("name", "");
    action.resources.front().tier = get(parse_tier(thing.string_or("tier", "")));
    const Json& facts = *entry.find("facts");
    const Judgement again = get(judge(
        *policies, action,
        {AgentId(facts.string_or("agent", "")), PersonId(facts.string_or("owner", "")),
         facts.string_or("purpose", ""), static_cast<int>(get(facts.get_integer("approvals")))},
        static_cast<int>(get(facts.get_integer("reviewers")))));
    EXPECT_EQ(to_string(again.kind), entry.string_or("verdict", ""));
    EXPECT_EQ(again.reasons, decision.policies);
  }
}

}  // namespace
}  // namespace keyturn::gate
