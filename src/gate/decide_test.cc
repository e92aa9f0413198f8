// One request before the gate: what is answered, and what is recorded with it.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Decide : public GateTest {};

TEST_F(Decide, AllowsWhatAPolicyPermitsAndRecordsIt) {
  const std::uint64_t before = size();
  const auto decision = decide(action_of(Effect::kObserve, Tier::kProduction));
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_EQ(decision->kind, VerdictKind::kAllow);
  EXPECT_THAT(decision->policies, ElementsAre("observe-anywhere"));
  EXPECT_THAT(kinds(before), ElementsAre("action.decided"));
  EXPECT_EQ(decision->ledger_index, before);
}

TEST_F(Decide, HoldsWhatReviewersCouldPermitAndSaysHow) {
  const std::uint64_t before = size();
  const auto decision = decide(action_of(Effect::kDestroy, Tier::kProduction));
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_EQ(decision->kind, VerdictKind::kHold);
  EXPECT_EQ(decision->message,
            "held as CHG-1: needs 2 approvals from independent reviewers (not alice, the owner of "
            "agent kiro), who see it with `keyturn change show CHG-1`; retry the identical request "
            "after approval");
  EXPECT_THAT(kinds(before), ElementsAre("change.opened", "action.decided"));
}

TEST_F(Decide, HoldsAnIdenticalRetryUnderTheSameChange) {
  const Action action = action_of(Effect::kDestroy, Tier::kProduction);
  ASSERT_TRUE(decide(action));
  const auto again = decide(action);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->change->id.text(), "CHG-1");
  const auto other = decide(action_of(Effect::kDestroy, Tier::kProduction, "other"));
  EXPECT_EQ(other->change->id.text(), "CHG-2");
}

TEST_F(Decide, DeniesWhenTooFewReviewersExistAndSaysHowMany) {
  suspend("bob");
  suspend("carol");
  const auto decision = decide(action_of(Effect::kDestroy, Tier::kProduction));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind, VerdictKind::kDeny);
  EXPECT_THAT(decision->message, HasSubstr("needs 2 approvals from independent reviewers, but "
                                           "only 1 exists"));
  EXPECT_FALSE(decision->change);
}

TEST_F(Decide, DeniesWhatAPolicyForbidsAndNamesIt) {
  ASSERT_TRUE(gate_->set_policies(
      policies_of("@id(\"all\") permit (principal, action, resource);\n"
                  "@id(\"freeze\") forbid (principal, action == Action::\"change\", resource);")));
  const auto decision = decide(action_of(Effect::kChange, Tier::kDevelopment));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind, VerdictKind::kDeny);
  EXPECT_THAT(decision->message, HasSubstr("forbidden by policy `freeze`"));
}

TEST_F(Decide, RefusesASessionThatEndedAfterItsKeyWasLookedUp) {
  write([this](store::Transaction& transaction) {
    EXPECT_TRUE(identity_->end_session(transaction, holder_->session.id));
  });
  const auto decision = decide(action_of(Effect::kObserve, Tier::kDevelopment));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind, VerdictKind::kDeny);
  EXPECT_THAT(decision->message, HasSubstr("the session has ended"));
}

TEST_F(Decide, RefusesASessionPastItsExpiry) {
  clock_.advance(std::chrono::hours(9));
  const auto decision = decide(action_of(Effect::kObserve, Tier::kDevelopment));
  ASSERT_TRUE(decision);
  EXPECT_THAT(decision->message, HasSubstr("the session has expired"));
}

TEST_F(Decide, RefusesSuspendedAgentsAndTheAgentsOfSuspendedOwners) {
  write([this](store::Transaction& transaction) {
    EXPECT_TRUE(
        identity_->set_agent_state(transaction, AgentId("kiro"), identity::State::kSuspended));
  });
  EXPECT_EQ(decide(action_of(Effect::kObserve, Tier::kDevelopment))->kind, VerdictKind::kDeny);
  write([this](store::Transaction& transaction) {
    EXPECT_TRUE(identity_->set_agent_state(transaction, AgentId("kiro"), identity::State::kActive));
  });
  EXPECT_EQ(decide(action_of(Effect::kObserve, Tier::kDevelopment))->kind, VerdictKind::kAllow);
  suspend("alice");
  EXPECT_EQ(decide(action_of(Effect::kObserve, Tier::kDevelopment))->kind, VerdictKind::kDeny);
}

TEST_F(Decide, DeniesASessionThatOpensTooManyChanges) {
  for (std::size_t i = 0; i < review::kOpenChangesPerSessionMax; ++i) {
    const auto held = decide(action_of(Effect::kGrant, Tier::kProduction, fmt::format("t{}", i)));
    ASSERT_EQ(held->kind, VerdictKind::kHold);
  }
  const auto decision = decide(action_of(Effect::kGrant, Tier::kProduction, "one-more"));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind, VerdictKind::kDeny);
  EXPECT_THAT(decision->message, HasSubstr("as many as it may"));
}

TEST_F(Decide, LogsTheDigestOfParametersThatAreTooLargeForAnEntry) {
  Action action = action_of(Effect::kObserve, Tier::kProduction);
  action.parameters = Json::object({{"Body", std::string(100'000, 'x')}});
  const auto decision = decide(action);
  ASSERT_TRUE(decision) << decision.error().message;
  const Json logged = *body(decision->ledger_index).find("action")->find("parameters");
  EXPECT_EQ(logged.string_or("sha256", ""), crypto::sha256(to_canonical(action.parameters)).hex());
  EXPECT_EQ(*logged.find("bytes")->if_integer(),
            static_cast<std::int64_t>(to_canonical(action.parameters).size()));
}

TEST_F(Decide, SurvivesHostileTextInEveryField) {
  Action action = action_of(Effect::kDestroy, Tier::kProduction);
  action.operation = "Delete\x1b[2J\n\xff";
  action.resources.front().name = std::string("arn:\0\xff", 6);
  const auto decision = decide(action);
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_NE(decision->kind, VerdictKind::kAllow);
  EXPECT_THAT(decision->message, Not(HasSubstr("\x1b")));
}

TEST_F(Decide, CountsVerdicts) {
  ASSERT_TRUE(decide(action_of(Effect::kObserve, Tier::kProduction)));
  ASSERT_TRUE(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  const std::string text = metrics_.render();
  EXPECT_THAT(text, HasSubstr("keyturn_gate_decisions_total{verdict=\"allow\"} 1"));
  EXPECT_THAT(text, HasSubstr("keyturn_gate_decisions_total{verdict=\"hold\"} 1"));
}

}  // namespace
}  // namespace keyturn::gate
