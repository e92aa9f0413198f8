// Invariant 7: a grant executes at most once, whoever races for it.
#include <latch>
#include <thread>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

class Invariant7 : public GateTest {};

TEST_F(Invariant7, OfManyRetriesOfAnApprovedActionExactlyOneIsAllowed) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    const Action action = action_of(Effect::kChange, Tier::kProduction, fmt::format("r{}", round));
    const Decision held = get(decide(action));
    ASSERT_TRUE(review(held, "bob"));
    std::atomic<int> allowed{0};
    std::atomic<int> others{0};
    std::latch start(kThreads);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
          start.arrive_and_wait();
          const auto decision = decide(action);
          const bool allow = decision && decision->kind == VerdictKind::kAllow;
          (allow ? allowed : others).fetch_add(1);
        });
      }
    }
    EXPECT_EQ(allowed.load(), 1);
    EXPECT_EQ(others.load(), kThreads - 1);
  }
}

TEST_F(Invariant7, AUsedGrantStaysUsedAfterARestart) {
  const Action action = action_of(Effect::kChange, Tier::kProduction);
  ASSERT_TRUE(review(get(decide(action)), "bob"));
  ASSERT_EQ(decide(action)->kind, VerdictKind::kAllow);
  const auto policies = gate_->policies();
  gate_ = std::make_unique<Gate>(*failing_, *ledger_, *identity_, *reviews_, clock_, log_, metrics_,
                                 GateOptions{});
  ASSERT_EQ(get(gate_->settle_after_crash()).size(), 1U);
  ASSERT_TRUE(gate_->set_policies(policies));
  EXPECT_EQ(decide(action)->kind, VerdictKind::kHold);
}

TEST_F(Invariant7, ReviewsAndRetriesMayRaceWithoutASecondExecution) {
  const Action action = action_of(Effect::kDestroy, Tier::kProduction);
  const Decision held = get(decide(action));
  std::atomic<int> allowed{0};
  {
    std::vector<std::jthread> threads;
    for (const char* person : {"bob", "carol", "dave", "alice"}) {
      threads.emplace_back([this, &held, person] { (void)review(held, person); });
    }
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 5; ++j) {
          const auto decision = decide(action);
          if (decision && decision->kind == VerdictKind::kAllow) allowed.fetch_add(1);
        }
      });
    }
  }
  const auto last = decide(action);
  if (last && last->kind == VerdictKind::kAllow) allowed.fetch_add(1);
  EXPECT_EQ(allowed.load(), 1);
}

TEST_F(Invariant7, PoliciesMaySwapWhileRequestsAreDecided) {
  const auto strict = gate_->policies();
  const auto none = policies_of("");
  std::jthread swapper([&] {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(gate_->set_policies(i % 2 == 0 ? none : strict));
  });
  for (int i = 0; i < 30; ++i) {
    const auto decision = decide(action_of(Effect::kObserve, Tier::kProduction));
    ASSERT_TRUE(decision);
    const auto digest =
        Digest::from_hex(body(decision->ledger_index).string_or("policy_digest", ""));
    const bool by_strict = *digest == strict->digest();
    EXPECT_EQ(decision->kind, by_strict ? VerdictKind::kAllow : VerdictKind::kDeny);
  }
}

}  // namespace
}  // namespace keyturn::gate
