// What a session destroyed and makes again.
#include "gate/destroyed.h"

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

// Everything of one name is one thing.
std::vector<std::string> same_name(const Action& action, const std::vector<Destroyed>& destroyed) {
  std::vector<std::string> pairs;
  for (const Destroyed& gone : destroyed) {
    if (gone.resource == action.resources.front().name) pairs.push_back(gone.resource + " again");
  }
  return pairs;
}

class Recreation : public GateTest {
 protected:
  Result<Decision> create(const std::string& name, Tier tier = Tier::kDevelopment,
                          std::shared_ptr<const identity::KeyHolder> holder = nullptr) {
    Action action = action_of(Effect::kChange, tier, name);
    action.operation = "CreateTable";
    std::promise<Result<Decision>> promise;
    gate_->decide(
        {holder ? holder : holder_, action, "req-1", "because", {}, same_name},
        [&promise](Result<Decision> decision) { promise.set_value(std::move(decision)); });
    return promise.get_future().get();
  }
  Decision destroy(const std::string& name) {
    return get(decide(action_of(Effect::kDestroy, Tier::kDevelopment, name)));
  }
  // The words of the last decision's record.
  std::string recorded() {
    const Json last = body(size() - 1);
    const Json* attributes = last.find("action")->find("attributes");
    const Json* pairs = attributes == nullptr ? nullptr : attributes->find(kRecreateAttribute);
    return pairs == nullptr ? "" : to_canonical(*pairs);
  }
};

TEST_F(Recreation, IsMarkedInTheRecordWithThePair) {
  EXPECT_EQ(get(create("orders")).kind, VerdictKind::kAllow);
  EXPECT_EQ(recorded(), "");
  EXPECT_EQ(destroy("orders").kind, VerdictKind::kAllow);
  EXPECT_EQ(get(create("orders")).kind, VerdictKind::kAllow);
  EXPECT_NE(recorded().find("table/orders again"), std::string::npos) << recorded();
  EXPECT_EQ(get(create("others")).kind, VerdictKind::kAllow);
  EXPECT_EQ(recorded(), "");
}

TEST_F(Recreation, OfProductionTakesTwoReviewsAndReviewersReadIt) {
  EXPECT_EQ(destroy("orders").kind, VerdictKind::kAllow);
  // The same name, since then found to be production.
  const Decision held = get(create("orders", Tier::kProduction));
  ASSERT_EQ(held.kind, VerdictKind::kHold);
  EXPECT_EQ(held.change->approvals_needed, 2);
  EXPECT_NE(to_canonical(held.change->action).find("orders again"), std::string::npos);
  EXPECT_TRUE(review(held, "bob"));
  EXPECT_EQ(get(create("orders", Tier::kProduction)).kind, VerdictKind::kHold);
  EXPECT_TRUE(review(held, "carol"));
  EXPECT_EQ(get(create("orders", Tier::kProduction)).kind, VerdictKind::kAllow);
}

TEST_F(Recreation, AnApprovalGivenBeforeTheDestructionDoesNotSuffice) {
  const Decision held = get(create("orders", Tier::kProduction));
  ASSERT_EQ(held.kind, VerdictKind::kHold);
  EXPECT_EQ(held.change->approvals_needed, 1);
  EXPECT_TRUE(review(held, "bob"));
  EXPECT_EQ(destroy("orders").kind, VerdictKind::kAllow);
  const Decision again = get(create("orders", Tier::kProduction));
  ASSERT_EQ(again.kind, VerdictKind::kHold);
  EXPECT_EQ(again.change->approvals_needed, 2);
}

TEST_F(Recreation, AChangeThatWaitsWhenItsThingIsDestroyedIsPutAnew) {
  const Decision before = get(create("orders", Tier::kProduction));
  ASSERT_EQ(before.kind, VerdictKind::kHold);
  EXPECT_EQ(destroy("orders").kind, VerdictKind::kAllow);
  const Decision now = get(create("orders", Tier::kProduction));
  ASSERT_EQ(now.kind, VerdictKind::kHold);
  EXPECT_NE(now.change->id, before.change->id);
  EXPECT_EQ(now.change->approvals_needed, 2);
  EXPECT_FALSE(review(before, "bob")) << "nobody agrees to less than what it is";
}

TEST_F(Recreation, IsNotOfWhatUpstreamRefusedToDestroyNorOfAnotherSession) {
  const Decision gone = destroy("orders");
  const auto other = start_session("alice");
  EXPECT_EQ(get(create("orders", Tier::kDevelopment, other)).kind, VerdictKind::kAllow);
  EXPECT_EQ(recorded(), "");
  Outcome refused;
  refused.status = 400;
  EXPECT_TRUE(finish(gone.ledger_index, refused));
  EXPECT_EQ(get(create("orders")).kind, VerdictKind::kAllow);
  EXPECT_EQ(recorded(), "");
}

TEST_F(Recreation, IsRememberedWhenTheOutcomeIsUnknownAndAfterARestart) {
  const Decision gone = destroy("orders");
  Outcome unknown;
  unknown.kind = Outcome::Kind::kUnknown;
  EXPECT_TRUE(finish(gone.ledger_index, unknown));
  gate_ = std::make_unique<Gate>(*failing_, *ledger_, *identity_, *reviews_, clock_, log_, metrics_,
                                 GateOptions{});
  EXPECT_TRUE(gate_->set_policies(load(pack_files())));
  EXPECT_EQ(get(create("orders")).kind, VerdictKind::kAllow);
  EXPECT_NE(recorded(), "");
}

TEST_F(Recreation, WhatWasHeldOnlyIsNotDestroyed) {
  EXPECT_EQ(get(decide(action_of(Effect::kDestroy, Tier::kProduction, "orders"))).kind,
            VerdictKind::kHold);
  EXPECT_EQ(get(create("orders")).kind, VerdictKind::kAllow);
  EXPECT_EQ(recorded(), "");
}

TEST_F(Recreation, IsForgottenWhenItsSessionCannotLiveAnyMore) {
  destroy("orders");
  const auto remembered = [this] {
    std::size_t rows = 0;
    write([&rows](store::Transaction& transaction) {
      const auto found = transaction.query("SELECT 1 FROM gate_destroyed");
      ASSERT_TRUE(found);
      rows = found->size();
    });
    return rows;
  };
  EXPECT_EQ(remembered(), 1U);
  clock_.advance(identity::kSessionLifetimeMax + std::chrono::seconds(1));
  EXPECT_TRUE(gate_->sweep());
  EXPECT_EQ(remembered(), 0U);
}

}  // namespace
}  // namespace keyturn::gate
