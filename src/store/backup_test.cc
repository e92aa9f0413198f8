// A backup beside a store that works.
#include "store/backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/store.h"
#include "store/temporary_folder_test.h"

namespace keyturn::store {
namespace {

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = open_sqlite({.path = path()}, clock_, log_, metrics_).value();
    const std::vector<Migration> steps = {
        {1, {"CREATE TABLE test_items (id INTEGER PRIMARY KEY, data BLOB)"}}};
    ASSERT_TRUE(store_->migrate("test", steps));
    ASSERT_TRUE(insert(0, 2'000));
  }
  std::string path() const { return folder_.path() + "/keyturn.db"; }
  std::string copy() const { return copies_.path() + "/keyturn.db"; }
  Result<void> insert(std::int64_t from, std::int64_t to) {
    return store_->run([=](Transaction& transaction) -> Result<void> {
      for (std::int64_t id = from; id < to; ++id) {
        TRY_VOID(transaction.execute("INSERT INTO test_items (id, data) VALUES (?1, ?2)",
                                     {id, Blob{std::string(4'000, 'x')}}));
      }
      return {};
    });
  }

  TemporaryFolder folder_;
  TemporaryFolder copies_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::unique_ptr<Store> store_;
};

TEST_F(BackupTest, HoldsOneStateWhateverIsCommittedMeanwhile) {
  std::int64_t next = 2'000;
  int reports = 0;
  const auto done = back_up_sqlite({path(), copy()}, [&](std::uint64_t, std::uint64_t) {
    ++reports;
    EXPECT_TRUE(insert(next, next + 10)) << "the server goes on";
    next += 10;
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_GT(reports, 1);
  struct stat facts = {};
  ASSERT_EQ(stat(copy().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  const auto opened = open_sqlite({.path = copy()}, clock_, log_, metrics_);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->read([](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows, transaction.query("SELECT count(*), max(id) FROM test_items"));
    EXPECT_EQ(rows[0].integer(0), 2'000);
    EXPECT_EQ(rows[0].integer(1), 1'999);
    return {};
  }));
}

TEST_F(BackupTest, NeverWritesOverAFile) {
  ASSERT_TRUE(back_up_sqlite({path(), copy()}, {}));
  const auto again = back_up_sqlite({path(), copy()}, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
}

TEST_F(BackupTest, OfNothingIsAnError) {
  EXPECT_FALSE(back_up_sqlite({folder_.path() + "/other.db", copy()}, {}));
  EXPECT_FALSE(back_up_sqlite({path(), copies_.path() + "/no/folder"}, {}));
}

}  // namespace
}  // namespace keyturn::store
