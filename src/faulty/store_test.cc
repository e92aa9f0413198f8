// Each fault of a faulty store does what it says, and no more.
#include "faulty/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "store/temporary_folder_test.h"

namespace keyturn::faulty {
namespace {

using store::Transaction;

class FaultyStore : public testing::Test {
 protected:
  FaultyStore() { EXPECT_TRUE(store_.migrate("test", kSteps)); }
  static store::Unit insert(std::int64_t id) {
    return [id](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (?1)", {id}));
      return {};
    };
  }
  std::set<std::int64_t> ids() {
    std::set<std::int64_t> found;
    EXPECT_TRUE(store_.read([&](Transaction& transaction) -> Result<void> {
      TRY(const auto rows, transaction.query("SELECT id FROM test_items"));
      for (const auto& row : rows) found.insert(row.integer(0));
      return {};
    }));
    return found;
  }

  inline static const std::vector<store::Migration> kSteps = {
      {1, {"CREATE TABLE test_items (id INTEGER PRIMARY KEY)"}}};
  store::TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  Store store_{
      store::open_sqlite({.path = folder_.path() + "/keyturn.db"}, clock_, log_, metrics_).value(),
      7};
};

TEST_F(FaultyStore, ARefusedCommitLeavesNothing) {
  store_.set_faults({.refused_percent = 100});
  const auto result = store_.run(insert(1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_TRUE(ids().empty());
  store_.set_faults({});
  EXPECT_TRUE(store_.run(insert(1)));
  EXPECT_EQ(ids(), std::set<std::int64_t>{1});
  EXPECT_EQ(store_.counts().refused, 1U);
}

TEST_F(FaultyStore, ADoubtfulCommitIsDurableAndSaysThatItFailed) {
  int failures = 0;
  store_.set_batch_step([](Transaction&) -> Result<void> { return {}; },
                        [&](const Result<void>& result) { failures += result ? 0 : 1; });
  store_.set_faults({.doubtful_percent = 100});
  const auto result = store_.run(insert(1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_EQ(ids(), std::set<std::int64_t>{1});
  EXPECT_EQ(failures, 1) << "the batch step hears what its units hear";
}

TEST_F(FaultyStore, AUnitThatFailedByItselfKeepsItsReasonInADoubtfulBatch) {
  store_.set_faults({.doubtful_percent = 100});
  const auto result =
      store_.run([](Transaction&) -> Result<void> { return fail(Code::kDenied, "no"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kDenied);
}

TEST_F(FaultyStore, AFullDiskFailsWhatWritesAndNotWhatReads) {
  store_.set_faults({.full_percent = 100});
  const auto result = store_.run([](Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.query("SELECT id FROM test_items"));
    static_cast<void>(transaction.execute("INSERT INTO test_items (id) VALUES (1)"));
    return {};  // a careless unit is lost all the same
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kExhausted);
  EXPECT_TRUE(ids().empty());
}

TEST_F(FaultyStore, ALateAnswerComesAfterOthersAndIsNeverLost) {
  store_.set_faults({.late_percent = 50});
  constexpr int kUnits = 300;
  std::vector<std::int64_t> answered;  // the writer thread's until close()
  for (std::int64_t id = 0; id < kUnits; ++id) {
    store_.submit(insert(id), [&answered, id](const Result<void>& result) {
      EXPECT_TRUE(result);
      answered.push_back(id);
    });
  }
  // Batches for the late ones to wait for; closing answers what still waits.
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(store_.run([](Transaction&) -> Result<void> { return {}; }));
  }
  store_.close();
  EXPECT_EQ(std::set<std::int64_t>(answered.begin(), answered.end()).size(), answered.size());
  EXPECT_EQ(answered.size(), static_cast<std::size_t>(kUnits));
  EXPECT_FALSE(std::is_sorted(answered.begin(), answered.end()));
  EXPECT_GT(store_.counts().late, 100U);
}

TEST_F(FaultyStore, WithAllFaultsAtOnceAcknowledgedUnitsAreThereAndRefusedOnesAreNot) {
  store_.set_faults(
      {.refused_percent = 20, .doubtful_percent = 0, .full_percent = 20, .late_percent = 20});
  std::set<std::int64_t> acknowledged;
  for (std::int64_t id = 0; id < 300; ++id) {
    if (store_.run(insert(id))) acknowledged.insert(id);
  }
  EXPECT_EQ(ids(), acknowledged);
  store_.set_faults({.doubtful_percent = 50, .late_percent = 20});
  for (std::int64_t id = 300; id < 400; ++id) {
    if (store_.run(insert(id))) acknowledged.insert(id);
  }
  const auto found = ids();
  EXPECT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
  EXPECT_GT(found.size(), acknowledged.size()) << "in doubt, and there";
  EXPECT_GT(store_.counts().refused, 20U);
  EXPECT_GT(store_.counts().full, 20U);
}

TEST_F(FaultyStore, TheSameSeedFailsInTheSamePlaces) {
  const auto outcomes = [&](std::uint64_t seed) {
    store::TemporaryFolder folder;
    Store store(
        store::open_sqlite({.path = folder.path() + "/keyturn.db"}, clock_, log_, metrics_).value(),
        seed);
    EXPECT_TRUE(store.migrate("test", kSteps));
    store.set_faults({.refused_percent = 30, .full_percent = 30});
    std::string text;
    for (std::int64_t id = 0; id < 100; ++id) text += store.run(insert(id)) ? '+' : '-';
    return text;
  };
  EXPECT_EQ(outcomes(3), outcomes(3));
  EXPECT_NE(outcomes(3), outcomes(4));
}

}  // namespace
}  // namespace keyturn::faulty
