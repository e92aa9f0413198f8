#include "ledger/contents.h"

#include <gmock/gmock.h>

#include "base/log.h"
#include "base/metrics.h"
#include "crypto/crypto.h"
#include "store/temporary_folder_test.h"

namespace keyturn::ledger {
namespace {

using testing::ElementsAre;

Content content_of(const std::string& text) { return {crypto::sha256(text), text}; }

class ContentsTest : public testing::Test {
 protected:
  ContentsTest() {
    store_ = store::open_sqlite({folder_.path() + "/keyturn.db"}, clock_, log_, metrics_).value();
    EXPECT_TRUE(store_->migrate(
        "ledger", std::vector<store::Migration>{{1, {contents_table(store_->engine())}}}));
  }
  ~ContentsTest() override { store_->close(); }
  void run(const store::Unit& unit) {
    const auto done = store_->run(unit);
    ASSERT_TRUE(done) << done.error().message;
  }

  store::TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(ContentsTest, AnEntryKeepsSeveralAndSeveralKeepTheSame) {
  run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(keep_content(transaction, 7, content_of("a")));
    TRY_VOID(keep_content(transaction, 7, content_of("b")));
    TRY_VOID(keep_content(transaction, 9, content_of("a")));
    TRY(const auto contents, load_contents(transaction, 7));
    EXPECT_EQ(contents.size(), 2U);
    TRY(const auto all, find_entries_with(transaction, contents, 10));
    EXPECT_THAT(all, ElementsAre(7, 9));
    TRY(const auto first, find_entries_with(transaction, contents, 1));
    EXPECT_THAT(first, ElementsAre(7));
    return {};
  });
}

TEST_F(ContentsTest, OneEntryKeepsAContentOnce) {
  EXPECT_FALSE(store_->run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(keep_content(transaction, 9, content_of("a")));
    return keep_content(transaction, 9, content_of("a"));
  }));
}

TEST_F(ContentsTest, ErasingTakesOneAndSaysWhetherItWasThere) {
  run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(keep_content(transaction, 7, content_of("a")));
    TRY_VOID(keep_content(transaction, 7, content_of("b")));
    TRY(const bool erased, erase_content(transaction, 7, crypto::sha256("a")));
    EXPECT_TRUE(erased);
    TRY(const bool again, erase_content(transaction, 7, crypto::sha256("a")));
    EXPECT_FALSE(again);
    TRY(const auto contents, load_contents(transaction, 7));
    EXPECT_EQ(contents.size(), 1U);
    TRY(const auto beyond, load_contents(transaction, UINT64_MAX));
    EXPECT_TRUE(beyond.empty());
    return {};
  });
}

TEST_F(ContentsTest, ATextThatIsNotWhatItsDigestSaysIsCorrupt) {
  run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(keep_content(transaction, 7, {crypto::sha256("a"), "b"}));
    const auto contents = load_contents(transaction, 7);
    EXPECT_FALSE(contents);
    if (!contents) {
      EXPECT_EQ(contents.error().code, Code::kCorrupt);
    }
    return {};
  });
}

}  // namespace
}  // namespace keyturn::ledger
