// SQLite and our settings of it on a disk that fails: what was answered stays, what was not is
// whole or gone.
#include "faulty/disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "store/store.h"
#include "store/temporary_folder_test.h"

namespace keyturn::faulty {
namespace {

using store::Transaction;

class FaultyDisk : public testing::Test {
 protected:
  Result<void> open() {
    TRY(store_, store::open_sqlite({.path = path()}, clock_, log_, metrics_));
    const std::vector<store::Migration> steps = {
        {1, {"CREATE TABLE test_items (id INTEGER PRIMARY KEY, half INTEGER, data BLOB)"}}};
    return store_->migrate("test", steps);
  }
  std::string path() const { return folder_.path() + "/keyturn.db"; }
  // Two rows, which are there together or not at all.
  Result<void> insert(std::int64_t id) {
    return store_->run([id](Transaction& transaction) -> Result<void> {
      for (const std::int64_t half : {0, 1}) {
        TRY_VOID(transaction.execute("INSERT INTO test_items (id, half, data) VALUES (?1, ?2, ?3)",
                                     {2 * id + half, half, store::Blob{std::string(3'000, 'x')}}));
      }
      return {};
    });
  }
  std::set<std::int64_t> ids() {
    std::set<std::int64_t> found;
    EXPECT_TRUE(store_->read([&](Transaction& transaction) -> Result<void> {
      TRY(const auto rows, transaction.query("SELECT id FROM test_items"));
      for (const auto& row : rows) found.insert(row.integer(0));
      return {};
    }));
    std::set<std::int64_t> whole;
    for (const std::int64_t id : found) {
      EXPECT_TRUE(found.contains(id ^ 1)) << id << " without its other half";
      whole.insert(id / 2);
    }
    return whole;
  }
  // Nothing is finished, so the marker stays: the next start checks the whole database.
  Result<std::size_t> crash(unsigned kept_percent) {
    disk_.cut_power();
    store_.reset();
    EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/store.in-use"));
    return disk_.restore_power(kept_percent);
  }

  store::TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  Disk disk_{11};
  std::unique_ptr<store::Store> store_;
};

TEST_F(FaultyDisk, ASyncThatFailsIsAFailedCommitAndThePowerCutLosesNothingAcknowledged) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(insert(1));
  disk_.set_faults({.sync_fails_percent = 100});
  const auto failed = insert(2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kUnavailable);
  ASSERT_TRUE(crash(0));
  disk_.set_faults({});
  ASSERT_TRUE(open());
  EXPECT_EQ(ids(), std::set<std::int64_t>{1});
}

TEST_F(FaultyDisk, AStoreThatSawItsDiskFailIsCheckedAtTheNextStart) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(insert(1));
  disk_.set_faults({.sync_fails_percent = 100});
  EXPECT_FALSE(insert(2));
  disk_.set_faults({});
  ASSERT_TRUE(insert(3));
  store_.reset();
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/store.in-use"));
  ASSERT_TRUE(open());
  EXPECT_NE(log_.lines().back().find("store.unclean_stop"), std::string::npos);
  store_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/store.in-use"));
}

TEST_F(FaultyDisk, AFullDiskIsNoDiskThatFails) {
  ASSERT_TRUE(open());
  disk_.set_faults({.full_percent = 100});
  EXPECT_FALSE(insert(1));
  disk_.set_faults({});
  ASSERT_TRUE(insert(2));
  store_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/store.in-use"));
}

TEST_F(FaultyDisk, WhatWasNotSyncedIsLostInAPowerCut) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(insert(1));
  disk_.set_faults({.sync_lies_percent = 100});  // the disk says it synced
  ASSERT_TRUE(insert(2));
  const auto lost = crash(0);
  ASSERT_TRUE(lost);
  EXPECT_GT(*lost, 0U);
  disk_.set_faults({});
  ASSERT_TRUE(open());
  EXPECT_EQ(ids(), std::set<std::int64_t>{1}) << "a test of this disk: it does lose";
}

TEST_F(FaultyDisk, AFullDiskFailsCommitsAndIsGotOverWhenThereIsSpace) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(insert(1));
  disk_.set_faults({.full_percent = 100});
  const auto full = insert(2);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kExhausted);
  EXPECT_EQ(ids(), std::set<std::int64_t>{1}) << "reads go on";
  disk_.set_faults({});
  EXPECT_TRUE(insert(2));
  EXPECT_EQ(ids(), (std::set<std::int64_t>{1, 2}));
}

// The property that everything rests on, over many lives with torn writes.
TEST_F(FaultyDisk, NothingAcknowledgedIsEverLostAndNothingIsHalfThere) {
  std::set<std::int64_t> acknowledged;
  std::int64_t next = 0;
  std::size_t lost = 0;
  for (int life = 0; life < 60; ++life) {
    disk_.set_faults({});
    ASSERT_TRUE(open()) << "life " << life;
    const auto found = ids();
    EXPECT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()))
        << "life " << life;
    acknowledged.insert(found.begin(), found.end());  // seen by a reader: it may not go again
    const auto percent = static_cast<unsigned>(life % 5) * 10;
    disk_.set_faults({.sync_fails_percent = percent, .full_percent = percent / 4});
    for (int i = 0; i < 12; ++i, ++next) {
      if (insert(next)) acknowledged.insert(next);
    }
    const auto sectors = crash(static_cast<unsigned>(life % 4) * 33);
    ASSERT_TRUE(sectors);
    lost += *sectors;
  }
  EXPECT_GT(acknowledged.size(), 300U);
  EXPECT_GT(disk_.counts().failed_syncs, 50U);
  EXPECT_GT(lost, 100U) << "the power cuts took something";
}

}  // namespace
}  // namespace keyturn::faulty
