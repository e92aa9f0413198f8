#include "aws/gateway_turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace keyturn::aws {
namespace {

class Bell final : public http::Exchange::Waker {
 public:
  void wake() override { ++rung; }
  std::atomic<int> rung{0};
};

TEST(Turns, ComeAtOnceWhileThereAreAny) {
  const auto turns = std::make_shared<Turns>(2);
  const auto first = turns->line_up();
  const auto second = turns->line_up();
  const auto third = turns->line_up();
  EXPECT_TRUE(first->has_come());
  EXPECT_TRUE(second->has_come());
  EXPECT_FALSE(third->has_come());
}

TEST(Turns, PassToWhoCameFirst) {
  const auto turns = std::make_shared<Turns>(1);
  auto first = turns->line_up();
  const auto second = turns->line_up();
  const auto third = turns->line_up();
  const auto bell = std::make_shared<Bell>();
  second->await(bell);
  first.reset();
  EXPECT_TRUE(second->has_come());
  EXPECT_FALSE(third->has_come());
  EXPECT_EQ(bell->rung, 1);
}

TEST(Turns, AreNotPassedToWhoLeftTheLine) {
  const auto turns = std::make_shared<Turns>(1);
  auto first = turns->line_up();
  auto second = turns->line_up();
  const auto third = turns->line_up();
  const auto bell = std::make_shared<Bell>();
  second->await(bell);
  second.reset();
  first.reset();
  EXPECT_TRUE(third->has_come());
  EXPECT_EQ(bell->rung, 0);
}

TEST(Turns, RingWhoAwaitsThemAfterTheyCame) {
  const auto turns = std::make_shared<Turns>(1);
  auto first = turns->line_up();
  const auto second = turns->line_up();
  first.reset();
  const auto bell = std::make_shared<Bell>();
  second->await(bell);
  EXPECT_EQ(bell->rung, 1);
}

TEST(Turns, AreFreeAgainOnceAllHaveEnded) {
  const auto turns = std::make_shared<Turns>(1);
  for (int i = 0; i < 3; ++i) {
    auto first = turns->line_up();
    const auto second = turns->line_up();
    EXPECT_TRUE(first->has_come()) << i;
    first.reset();
    EXPECT_TRUE(second->has_come()) << i;
  }
}

TEST(Turns, AreNeverHadByMoreAtOnceThanThereAre) {
  const auto turns = std::make_shared<Turns>(2);
  std::atomic<int> having{0};
  std::atomic<int> most{0};
  std::atomic<int> had{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        const auto turn = turns->line_up();
        if (round % 3 == 0 && !turn->has_come()) continue;  // left the line
        while (!turn->has_come()) std::this_thread::yield();
        const int now = ++having;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        ++had;
        --having;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
  EXPECT_GE(had, 4 * 332);
  EXPECT_TRUE(turns->line_up()->has_come());
}

}  // namespace
}  // namespace keyturn::aws
