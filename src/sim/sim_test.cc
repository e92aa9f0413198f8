// Each check of the simulator must be able to fail: a part is broken on purpose, and the sentence
// that names it must be among the faults of a few seeds.
#include "sim/sim.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace keyturn::sim {
namespace {

constexpr std::uint64_t kSeeds = 12;  // a broken part need not show in every run

// In memory where there is such a place: a run writes and syncs a lot.
std::string scratch() { return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir(); }

Options options_of(std::uint64_t seed, Broken broken = Broken::kNothing) {
  static const std::shared_ptr<const aws::Model> model = aws::load_embedded_model().value();
  return {.seed = seed, .scratch = scratch(), .broken = broken, .model = model};
}

// The first fault that has `words`, among the runs of a few seeds.
std::string find_fault(Broken broken, std::string_view words) {
  std::string others;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Report report = run(options_of(seed, broken));
    for (const std::string& fault : report.faults) {
      if (fault.find(words) != std::string::npos) return fault;
      others += fault + "\n";
    }
  }
  return "not found; the faults were:\n" + others;
}

TEST(Simulator, FindsNothingWhereNothingIsBroken) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Report report = run(options_of(seed));
    EXPECT_TRUE(report.faults.empty()) << seed << ": " << report.faults.front();
    EXPECT_GT(report.calls, 0U);
    EXPECT_GT(report.entries, 0U);
  }
}

TEST(Simulator, RunsASeedTwiceToEqualBytes) {
  const Report first = run(options_of(5));
  const Report second = run(options_of(5));
  EXPECT_EQ(first.trace, second.trace);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_NE(first.digest, run(options_of(6)).digest);
}

TEST(Simulator, SeesChanceThatDoesNotComeFromTheSeed) {
  EXPECT_NE(run(options_of(5, Broken::kUnseeded)).digest,
            run(options_of(5, Broken::kUnseeded)).digest);
}

TEST(Simulator, FindsAGateThatForwardsBeforeItRecords) {
  EXPECT_NE(find_fault(Broken::kForwardsFirst, "reached upstream").find("decisions that allow it"),
            std::string::npos);
}

TEST(Simulator, FindsAStoreThatAcknowledgesBeforeDurability) {
  // Whether the database still starts, or lacks what was published.
  const std::string lost = find_fault(Broken::kAcknowledgesEarly, "were committed, and");
  const std::string refused = find_fault(Broken::kAcknowledgesEarly, "a sound database is refused");
  EXPECT_FALSE(lost.starts_with("not found") && refused.starts_with("not found")) << lost;
}

TEST(Simulator, FindsAGrantThatIsUsedTwice) {
  const std::string fault = find_fault(Broken::kGrantStaysGood, "was used twice");
  EXPECT_TRUE(fault.starts_with("the grant")) << fault;
}

TEST(Simulator, FindsAnEntryThatIsNotWhatWasHashed) {
  const std::string fault = find_fault(Broken::kLedgerAltered, "entry");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsAnActionWithTwoOutcomes) {
  const std::string fault = find_fault(Broken::kOutcomeForgotten, "has one already");
  EXPECT_TRUE(fault.starts_with("an outcome")) << fault;
}

TEST(Simulator, FindsARequestThatNeverEnds) {
  const std::string fault = find_fault(Broken::kHeldForEver, "has not ended");
  EXPECT_TRUE(fault.starts_with("request")) << fault;
}

TEST(Simulator, FindsASecondGatewayOnOneDataFolder) {
  const std::string fault = find_fault(Broken::kNotLocked, "two gateways run");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsAGatewayWithAHistoryOfItsOwn) {
  const std::string fault = find_fault(Broken::kForked, "decisions that allow it");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsGatewaysThatDoNotKnowOfEachOther) {
  const std::string fault = find_fault(Broken::kUnaware, "times and was signed");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsMoreWaitingRequestsThanMay) {
  const std::string fault = find_fault(Broken::kLimitless, "of one session wait");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsACopyThatIsCarriedOut) {
  const std::string fault = find_fault(Broken::kCopiesPass, "and was signed");
  EXPECT_FALSE(fault.starts_with("not found")) << fault;
}

TEST(Simulator, FindsAnErrorInTheLog) {
  const std::string fault = find_fault(Broken::kErrorLogged, "sim.broken");
  EXPECT_TRUE(fault.starts_with("logged:")) << fault;
}

}  // namespace
}  // namespace keyturn::sim
