#include "aws/gateway_replay.h"

#include <gtest/gtest.h>

namespace keyturn::aws {
namespace {

constexpr Duration kWindow = std::chrono::minutes(15);

class Replay : public testing::Test {
 protected:
  ReplayGuard::Sending sending(std::string signature, std::string invocation = "") {
    return {.signature = std::move(signature),
            .invocation = std::move(invocation),
            .peer = "10.0.0.1",
            .signed_at = signed_at_,
            .valid_from = signed_at_};
  }
  bool begins(const ReplayGuard::Sending& s) { return guard_.begin(s, now_).has_value(); }

  ReplayGuard guard_{kWindow};
  Time signed_at_{std::chrono::seconds(1'763'856'000)};
  Time now_ = signed_at_;
};

TEST_F(Replay, OfAnExecutedRequestIsRefused) {
  EXPECT_TRUE(begins(sending("a")));
  const auto again = guard_.begin(sending("a"), now_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::kRequestExpired);
  now_ += kWindow;
  EXPECT_FALSE(begins(sending("a")));
  EXPECT_TRUE(begins(sending("b")));
}

TEST_F(Replay, OfARequestThatWasNotExecutedIsAnswered) {
  EXPECT_TRUE(begins(sending("a")));
  guard_.release(sending("a"));
  EXPECT_TRUE(begins(sending("a")));
  EXPECT_FALSE(begins(sending("a")));
}

TEST_F(Replay, EqualCallsOfOneSecondPassByTheirInvocation) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(begins(sending("a", fmt::format("call-{}", i))));
  EXPECT_FALSE(begins(sending("a", "call-3")));
  EXPECT_FALSE(begins(sending("a")));
  now_ += std::chrono::seconds(3);
  EXPECT_FALSE(begins(sending("a", "made up later")));
}

// The field is not signed: whoever copies the bytes elsewhere can make it up.
TEST_F(Replay, WithAnInvocationMadeUpElsewhereIsRefused) {
  EXPECT_TRUE(begins(sending("a", "call-1")));
  auto copied = sending("a", "made up");
  copied.peer = "10.0.0.2";
  EXPECT_FALSE(begins(copied));
  EXPECT_TRUE(begins(sending("a", "call-2")));
}

TEST_F(Replay, OfWhatWasSignedBeforeTheLastDecisionOfAnEarlierProcessIsRefused) {
  ReplayGuard restarted(kWindow, signed_at_ + std::chrono::milliseconds(300));
  EXPECT_FALSE(restarted.begin(sending("a"), now_));
  signed_at_ += std::chrono::seconds(1);
  EXPECT_TRUE(restarted.begin(sending("b"), now_));
}

TEST_F(Replay, ReleasingOneInvocationKeepsTheOthers) {
  EXPECT_TRUE(begins(sending("a", "1")));
  EXPECT_TRUE(begins(sending("a", "2")));
  guard_.release(sending("a", "1"));
  EXPECT_FALSE(begins(sending("a", "2")));
  EXPECT_TRUE(begins(sending("a", "1")));
}

TEST_F(Replay, IsForgottenOnceVerificationWouldRefuseItAnyway) {
  EXPECT_TRUE(begins(sending("a")));
  now_ += kWindow + std::chrono::seconds(1);
  signed_at_ = now_;
  EXPECT_TRUE(begins(sending("b")));
  EXPECT_EQ(guard_.size(), 1U);
}

TEST_F(Replay, OfWhatWasForgottenIsRefusedAlsoWhenTheClockGoesBack) {
  const auto executed = sending("a");
  EXPECT_TRUE(begins(executed));
  const Time then = now_;
  now_ += 2 * kWindow;
  signed_at_ = now_;
  EXPECT_TRUE(begins(sending("b")));
  now_ = then;
  EXPECT_FALSE(begins(executed));
  now_ += std::chrono::minutes(1);
  signed_at_ = now_;
  EXPECT_TRUE(begins(sending("c")));
}

TEST_F(Replay, OfWhatWasSignedBeforeTheRecordsLatestTimeNamesTheClock) {
  ReplayGuard restarted(kWindow, now_ + std::chrono::hours(1));
  const auto refused = restarted.begin(sending("a"), now_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("clock is behind"), std::string::npos);
}

TEST_F(Replay, OfWhatWasForgottenForLackOfRoomIsRefused) {
  const auto first = sending("first");
  EXPECT_TRUE(begins(first));
  signed_at_ += std::chrono::seconds(1);
  for (std::size_t i = 0; i < ReplayGuard::kEntriesMax; ++i) {
    ASSERT_TRUE(begins(sending(fmt::format("{}", i))));
  }
  EXPECT_EQ(guard_.size(), ReplayGuard::kEntriesMax);
  EXPECT_FALSE(begins(first));
}

TEST_F(Replay, ABoundlessLoopOfInvocationsIsBounded) {
  std::size_t passed = 0;
  for (std::size_t i = 0; i < 2 * gate::kInvocationsMax; ++i) {
    if (begins(sending("a", fmt::format("{}", i)))) ++passed;
  }
  EXPECT_EQ(passed, gate::kInvocationsMax);
}

}  // namespace
}  // namespace keyturn::aws
