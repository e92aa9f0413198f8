// The second entry of an executed action, and what remains without one after a crash.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"
#include "gate/known_time.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;

class OutcomeOf : public GateTest {};

TEST_F(OutcomeOf, AnAllowedActionIsRecordedOnce) {
  const Decision allowed = get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  ASSERT_TRUE(finish(allowed.ledger_index, {Outcome::Kind::kAnswered, 200, "upstream-7", 12}));
  EXPECT_EQ(kinds().back(), "action.outcome");
  const Json entry = body(size() - 1);
  EXPECT_EQ(*entry.find("decided")->if_integer(), static_cast<std::int64_t>(allowed.ledger_index));
  EXPECT_EQ(*entry.find("status")->if_integer(), 200);
  EXPECT_FALSE(finish(allowed.ledger_index, {Outcome::Kind::kAnswered, 500, "", 0}));
}

TEST_F(OutcomeOf, WhatWasNotAllowedCannotHaveAnOutcome) {
  const Decision held = get(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  EXPECT_FALSE(finish(held.ledger_index, {Outcome::Kind::kAnswered, 200, "", 0}));
  EXPECT_FALSE(finish(99'999, {Outcome::Kind::kAnswered, 200, "", 0}));
}

TEST_F(OutcomeOf, WhatACrashLeftIsUnknownAndListedOnce) {
  const Decision done = get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  ASSERT_TRUE(finish(done.ledger_index, {Outcome::Kind::kAnswered, 200, "", 0}));
  const Decision lost = get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  EXPECT_THAT(get(gate_->settle_after_crash()), ElementsAre(lost.ledger_index));
  EXPECT_EQ(body(size() - 1).string_or("outcome", ""), "unknown");
  EXPECT_TRUE(get(gate_->settle_after_crash()).empty());
  EXPECT_FALSE(finish(lost.ledger_index, {Outcome::Kind::kAnswered, 200, "", 0}));
}

TEST_F(OutcomeOf, TheLastDecisionIsFoundBehindWhateverCameLater) {
  EXPECT_EQ(get(read_known_time(*store_, *ledger_)).decided, std::nullopt);
  get(decide(action_of(Effect::kObserve, Tier::kProduction)));
  const Time then = clock_.now();
  clock_.advance(std::chrono::minutes(1));
  write([this](store::Transaction& transaction) {
    for (int i = 0; i < 1'200; ++i) {
      EXPECT_TRUE(ledger_->append(transaction, "policy.loaded", Json::object({{"n", i}})));
    }
  });
  EXPECT_EQ(get(read_known_time(*store_, *ledger_)).decided, then);
}

TEST_F(OutcomeOf, ARefusalIsRecordedWithItsTextMadeSafe) {
  std::promise<Result<void>> promise;
  gate_->refuse({"req-1", "aws", "SignatureDoesNotMatch", std::string(100'000, '\x1b'), "ASIA\xff",
                 "127.0.0.1:9"},
                [&promise](Result<void> result) { promise.set_value(std::move(result)); });
  ASSERT_TRUE(promise.get_future().get());
  EXPECT_EQ(kinds().back(), "action.refused");
  EXPECT_EQ(body(size() - 1).string_or("code", ""), "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace keyturn::gate
