// From hold over review to execution and back.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using review::Answer;
using testing::ElementsAre;
using testing::HasSubstr;

class Flow : public GateTest {
 protected:
  // One approval suffices for this one.
  const Action change_ = action_of(Effect::kChange, Tier::kProduction);
  Decision held_ = get(decide(change_));
};

TEST_F(Flow, AllowsTheIdenticalRetryOnceAfterApproval) {
  ASSERT_TRUE(review(held_, "bob"));
  const std::uint64_t before = size();
  const auto allowed = decide(change_);
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->kind, VerdictKind::kAllow);
  ASSERT_TRUE(allowed->grant);
  EXPECT_THAT(kinds(before), ElementsAre("grant.used", "action.decided"));
  EXPECT_EQ(body(allowed->ledger_index).string_or("grant", ""), allowed->grant->id);
}

TEST_F(Flow, HoldsTheRetryAfterExecutionAsANewChange) {
  ASSERT_TRUE(review(held_, "bob"));
  ASSERT_EQ(decide(change_)->kind, VerdictKind::kAllow);
  const auto again = decide(change_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, VerdictKind::kHold);
  EXPECT_EQ(again->change->id.text(), "CHG-2");
}

TEST_F(Flow, CarriesTheWordsOfARejectionAndIsFinal) {
  ASSERT_TRUE(review(held_, "bob", Answer::kReject, "update it in place\x1b[2J"));
  const auto denied = decide(change_);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->kind, VerdictKind::kDeny);
  EXPECT_THAT(denied->message, HasSubstr("CHG-1 was rejected by bob: “update it in place"));
  EXPECT_THAT(denied->message, HasSubstr("choose a safer way"));
  EXPECT_EQ(denied->message.find('\x1b'), std::string::npos);
  const auto late = review(held_, "carol");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kConflict);
}

TEST_F(Flow, RecordsReviewsAndGrants) {
  const std::uint64_t before = size();
  ASSERT_TRUE(review(held_, "bob"));
  EXPECT_THAT(kinds(before), ElementsAre("review.given", "grant.issued"));
}

TEST_F(Flow, GivesAnotherSessionNothing) {
  ASSERT_TRUE(review(held_, "bob"));
  const auto other = decide(change_, start_session("carol"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->kind, VerdictKind::kHold);
  EXPECT_THAT(other->message, HasSubstr("nor carol, who started the session"));
}

TEST_F(Flow, HoldsAgainWhenTheGrantExpiredUnused) {
  ASSERT_TRUE(review(held_, "bob"));
  clock_.advance(std::chrono::hours(1));
  const auto again = decide(change_);
  EXPECT_EQ(again->kind, VerdictKind::kHold);
  EXPECT_EQ(again->change->id.text(), "CHG-2");
}

TEST_F(Flow, SweepsWhatIsPastItsTime) {
  bool woken = false;
  const auto listening = gate_->listen(*held_.change, [&woken] { woken = true; });
  EXPECT_FALSE(woken);
  clock_.advance(std::chrono::hours(25));
  EXPECT_EQ(get(gate_->sweep()), 1U);
  EXPECT_TRUE(woken);
  EXPECT_EQ(get(gate_->sweep()), 0U);
  EXPECT_EQ(kinds().back(), "change.expired");
}

TEST_F(Flow, WakesThoseWhoWaitAndOnlyThose) {
  int woken = 0;
  auto listening = gate_->listen(*held_.change, [&woken] { ++woken; });
  const Decision elsewhere =
      get(decide(action_of(Effect::kChange, Tier::kProduction, "elsewhere")));
  const auto other = gate_->listen(*elsewhere.change, [] { FAIL(); });
  ASSERT_TRUE(review(held_, "bob"));
  EXPECT_EQ(woken, 1);
  listening.reset();
  ASSERT_EQ(decide(change_)->kind, VerdictKind::kAllow);
  EXPECT_EQ(woken, 1);
}

TEST_F(Flow, WakesAtOnceWhoListensAfterTheReview) {
  ASSERT_TRUE(review(held_, "bob"));
  int woken = 0;
  const auto late = gate_->listen(*held_.change, [&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
  review::Change unknown = *held_.change;
  unknown.id = ChangeId{99};
  const auto lost = gate_->listen(unknown, [&woken] { ++woken; });
  EXPECT_EQ(woken, 2);
}

TEST_F(Flow, LetsAListenerEndItself) {
  std::unique_ptr<Gate::Listening> listening;
  listening = gate_->listen(*held_.change, [&listening] { listening.reset(); });
  ASSERT_TRUE(review(held_, "bob"));
  EXPECT_EQ(listening, nullptr);
}

TEST_F(Flow, RefusesAReviewOfAChangeThatOtherPoliciesHeld) {
  auto files = pack_files();
  files.push_back({"60-more.cedar",
                   "@id(\"more\") permit (principal, action, resource) "
                   "when { context.approvals >= 3 };"});
  ASSERT_TRUE(gate_->set_policies(load(files)));
  const auto given = review(held_, "bob");
  ASSERT_FALSE(given);
  EXPECT_THAT(given.error().message, HasSubstr("CHG-1 is void"));
  EXPECT_EQ(decide(change_)->change->id.text(), "CHG-2");
}

// Invariant 5: a review counts only from a person who is independent.
TEST_F(Flow, Invariant5TheOwnerCannotReview) {
  const auto given = review(held_, "alice");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code, Code::kDenied);
  EXPECT_EQ(decide(change_)->kind, VerdictKind::kHold);
}

// A second key that is cut for the occasion is none.
TEST_F(Flow, Invariant5APersonAddedAfterwardsCannotReview) {
  clock_.advance(std::chrono::seconds(1));
  write([this](store::Transaction& transaction) {
    EXPECT_TRUE(identity_->create_person(transaction, {PersonId("puppet"), "Puppet"}));
  });
  const auto given = review(held_, "puppet");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code, Code::kDenied);
  EXPECT_THAT(given.error().message, HasSubstr("was added after CHG-1 was opened"));
  EXPECT_EQ(decide(change_)->kind, VerdictKind::kHold);
}

// Invariant 6: a grant is bound to content, session and policies.
TEST_F(Flow, Invariant6AGrantIsVoidWhenThePoliciesChanged) {
  ASSERT_TRUE(review(held_, "bob"));
  auto files = pack_files();
  files.push_back({"60-more.cedar", "// nothing new\n"});
  ASSERT_TRUE(gate_->set_policies(load(files)));
  const std::uint64_t before = size();
  const auto again = decide(change_);
  EXPECT_EQ(again->kind, VerdictKind::kHold);
  EXPECT_THAT(kinds(before), ElementsAre("grant.void", "change.opened", "action.decided"));
  EXPECT_THAT(body(before).string_or("why", ""), HasSubstr("policies have changed"));
}

TEST_F(Flow, Invariant6AGrantIsForOneRequestOnly) {
  ASSERT_TRUE(review(held_, "bob"));
  Action other = change_;
  other.canonical_request += " with another parameter";
  other.digest = crypto::sha256(other.canonical_request);
  EXPECT_EQ(decide(other)->kind, VerdictKind::kHold);
  EXPECT_EQ(decide(change_)->kind, VerdictKind::kAllow);
}

TEST_F(Flow, Invariant5AnApprovalStopsCountingWhenItsPersonIsSuspended) {
  ASSERT_TRUE(review(held_, "bob"));
  suspend("bob");
  const auto again = decide(change_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, VerdictKind::kHold);
  EXPECT_EQ(again->change->id.text(), "CHG-2");
}

}  // namespace
}  // namespace keyturn::gate
