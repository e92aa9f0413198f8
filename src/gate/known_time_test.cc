#include "gate/known_time.h"

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

class KnownTimeTest : public GateTest {
 protected:
  KnownTime known() { return get(read_known_time(*store_, *ledger_)); }
};

TEST_F(KnownTimeTest, IsThatOfTheLatestEntryAndDecisionWhateverCameAfterThem) {
  const Time start = clock_.now();
  EXPECT_TRUE(decide(action_of(Effect::kObserve, Tier::kProduction)));
  clock_.advance(std::chrono::hours(1));
  EXPECT_TRUE(decide(action_of(Effect::kObserve, Tier::kProduction)));
  const Time latest = clock_.now();
  clock_.step_wall(-std::chrono::minutes(50));
  EXPECT_TRUE(decide(action_of(Effect::kObserve, Tier::kProduction)));
  EXPECT_EQ(known().decided, latest);
  EXPECT_EQ(known().latest, latest);
  EXPECT_LT(start, clock_.now());
}

TEST_F(KnownTimeTest, GoesOnWithEachSweepThoughNothingIsRecorded) {
  clock_.advance(std::chrono::hours(3));
  EXPECT_TRUE(gate_->sweep());
  const Time latest = clock_.now();
  clock_.step_wall(-std::chrono::hours(2));
  EXPECT_TRUE(gate_->sweep());
  EXPECT_EQ(known().latest, latest);
}

TEST_F(KnownTimeTest, IsForgottenWhenAnOperatorSaysSoAndThatIsRecorded) {
  clock_.advance(std::chrono::hours(24 * 365 * 4));
  EXPECT_TRUE(gate_->sweep());
  clock_.step_wall(-std::chrono::hours(24 * 365 * 4));
  const KnownTime wrong = known();
  ASSERT_TRUE(accept_clock(*store_, *ledger_, wrong, clock_.now()));
  EXPECT_EQ(known().latest, clock_.now());
  const auto entries = get(ledger_->read(get(ledger_->head()).size - 1, 1));
  EXPECT_EQ(entries.front().kind, "clock.accepted");
  EXPECT_NE(entries.front().text.find(format_time(wrong.latest)), std::string::npos);
}

}  // namespace
}  // namespace keyturn::gate
