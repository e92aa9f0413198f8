// Invariants 1 and 2: nothing leaves without a durable record, and every error denies.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using Fault = FailingStore::Fault;

class Failure : public GateTest {};
class Invariant1 : public GateTest {};
class Invariant2 : public GateTest {};

TEST_F(Invariant2, EveryFaultOfTheStoreIsAnErrorAndNeverAnAllow) {
  for (const Fault fault : {Fault::kUnit, Fault::kCommit, Fault::kQueue}) {
    const std::uint64_t before = size();
    failing_->fault = fault;
    for (const Effect effect : {Effect::kObserve, Effect::kChange, Effect::kDestroy}) {
      EXPECT_FALSE(decide(action_of(effect, Tier::kDevelopment)));
      EXPECT_FALSE(decide(action_of(effect, Tier::kProduction)));
    }
    failing_->fault = Fault::kNone;
    EXPECT_EQ(size(), before);
  }
}

TEST_F(Invariant2, ALedgerThatCannotAppendIsAnError) {
  write([](store::Transaction& transaction) {
    EXPECT_TRUE(transaction.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'no'); "
        "END"));
  });
  EXPECT_FALSE(decide(action_of(Effect::kObserve, Tier::kDevelopment)));
}

TEST_F(Invariant2, WithoutPoliciesEverythingIsDenied) {
  Gate bare(*store_, *ledger_, *identity_, *reviews_, clock_, log_, metrics_, GateOptions{});
  std::promise<Result<Decision>> promise;
  bare.decide({holder_, action_of(Effect::kObserve, Tier::kDevelopment), "req-1", ""},
              [&promise](Result<Decision> decision) { promise.set_value(std::move(decision)); });
  const auto decision = promise.get_future().get();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind, VerdictKind::kDeny);
}

TEST_F(Invariant2, AQuestionWithoutASessionIsAnError) {
  EXPECT_FALSE(decide(action_of(Effect::kObserve, Tier::kDevelopment), nullptr));
}

TEST_F(Invariant2, TooManyResourcesAreDenied) {
  Action action = action_of(Effect::kObserve, Tier::kDevelopment);
  action.resources.resize(kResourcesMax + 1, action.resources.front());
  const auto decision = decide(action);
  EXPECT_TRUE(!decision || decision->kind == VerdictKind::kDeny);
}

TEST_F(Invariant1, AFailedCommitLeavesNeitherEntryNorUsedGrantNorChange) {
  const Action action = action_of(Effect::kChange, Tier::kProduction);
  const Decision held = get(decide(action));
  ASSERT_TRUE(review(held, "bob"));
  const std::uint64_t before = size();
  failing_->fault = Fault::kCommit;
  EXPECT_FALSE(decide(action));
  EXPECT_FALSE(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  failing_->fault = Fault::kNone;
  EXPECT_EQ(size(), before);
  // The grant is still there, and is used with its entry.
  EXPECT_EQ(decide(action)->kind, VerdictKind::kAllow);
  EXPECT_EQ(size(), before + 2);
}

TEST_F(Invariant1, TheEntryIsReadableWhenTheVerdictIsTold) {
  std::promise<std::string> kind;
  gate_->decide({holder_, action_of(Effect::kObserve, Tier::kProduction), "req-1", ""},
                [&](Result<Decision> decision) {
                  kind.set_value(ledger_->read(decision->ledger_index, 1)->front().kind);
                });
  EXPECT_EQ(kind.get_future().get(), "action.decided");
}

class ObservedEarly : public GateTest {
 protected:
  ObservedEarly() {
    gate_ = std::make_unique<Gate>(*failing_, *ledger_, *identity_, *reviews_, clock_, log_,
                                   metrics_, GateOptions{.observe = ObserveLeaves::kDecided});
    EXPECT_TRUE(gate_->set_policies(load(pack_files())));
  }
  bool logged(std::string_view event) const {
    const auto lines = log_.lines();
    return std::any_of(lines.begin(), lines.end(), [event](const std::string& line) {
      return line.find(event) != std::string::npos;
    });
  }
};

TEST_F(ObservedEarly, LeavesBeforeItsEntryIsDurableAndIsMissedWhenItIsLost) {
  const std::uint64_t before = size();
  failing_->fault = Fault::kCommit;
  const Decision lost = get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  EXPECT_EQ(lost.kind, VerdictKind::kAllow);
  // The writer takes one unit after the other.
  EXPECT_FALSE(decide(action_of(Effect::kChange, Tier::kDevelopment)));
  EXPECT_EQ(size(), before);
  EXPECT_TRUE(logged("gate.observed_unrecorded"));
  failing_->fault = Fault::kNone;

  const Decision next = get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  ASSERT_EQ(next.ledger_index, lost.ledger_index) << "its index is given again";
  std::promise<Result<void>> promise;
  gate_->record_outcome(lost.ledger_index, "req-of-the-lost", Outcome{},
                        [&promise](Result<void> result) { promise.set_value(std::move(result)); });
  EXPECT_FALSE(promise.get_future().get()) << "an outcome belongs to its own request only";
  EXPECT_TRUE(finish(next.ledger_index, Outcome{}));
}

TEST_F(ObservedEarly, NothingElseLeavesBeforeItsEntry) {
  for (const Fault fault : {Fault::kUnit, Fault::kCommit, Fault::kQueue}) {
    failing_->fault = fault;
    for (const Effect effect : {Effect::kReveal, Effect::kChange, Effect::kDestroy}) {
      EXPECT_FALSE(decide(action_of(effect, Tier::kDevelopment)));
    }
    Action unknown = action_of(Effect::kObserve, Tier::kDevelopment);
    unknown.understood = false;
    EXPECT_FALSE(decide(unknown));
    failing_->fault = Fault::kNone;
  }
  suspend("alice");
  EXPECT_EQ(get(decide(action_of(Effect::kObserve, Tier::kDevelopment))).kind, VerdictKind::kDeny);
}

TEST_F(Failure, PoliciesWhoseLoadingIsNotRecordedDoNotDecide) {
  const auto before = gate_->policies();
  for (const Fault fault : {Fault::kUnit, Fault::kCommit, Fault::kQueue}) {
    failing_->fault = fault;
    EXPECT_FALSE(
        gate_->set_policies(policies_of("@id(\"all\") permit (principal, action, resource);")));
    failing_->fault = Fault::kNone;
    EXPECT_EQ(gate_->policies(), before);
  }
  EXPECT_EQ(decide(action_of(Effect::kDestroy, Tier::kProduction))->kind, VerdictKind::kHold);
}

TEST_F(Failure, AReviewThatIsNotCommittedDoesNotCount) {
  const Decision held = get(decide(action_of(Effect::kChange, Tier::kProduction)));
  failing_->fault = Fault::kCommit;
  EXPECT_FALSE(review(held, "bob"));
  failing_->fault = Fault::kNone;
  EXPECT_TRUE(review(held, "bob"));
}

}  // namespace
}  // namespace keyturn::gate
