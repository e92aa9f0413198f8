#include "ledger/anchors.h"

#include "ledger/published_log_test.h"

namespace keyturn::ledger {
namespace {

class AnchorsTest : public PublishedLog {
 protected:
  AnchorsTest() {
    std::filesystem::create_directory(root_ + "/disk");
    file_ = root_ + "/disk/keyturn.anchor";
  }
  Anchors anchors() const { return anchors_in({file_}); }
  Anchors anchors_in(const std::vector<std::string>& files) const {
    Anchors::Places places;
    for (const std::string& file : files) places.push_back(anchor_file(file));
    return {*publisher_, std::move(places)};
  }
  std::string anchored() const {
    std::ifstream file(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string file_;
};

TEST_F(AnchorsTest, HoldTheNewestCheckpointAndMoveOnlyWhenItSaysMore) {
  append_and_publish(3);
  EXPECT_EQ(anchors().advance(1).written, std::vector<std::string>{file_});
  EXPECT_EQ(anchored(), publisher_->checkpoint());
  const std::string first = anchored();
  append_and_publish(1);
  EXPECT_TRUE(anchors().advance(1).written.empty()) << "one entry is the record of the last round";
  EXPECT_EQ(anchored(), first);
  EXPECT_EQ(anchors().advance(0).written.size(), 1U);
  append_and_publish(300);
  const Anchors::Round round = anchors().advance(1);
  EXPECT_EQ(round.tree.size, 304U);
  EXPECT_EQ(anchored(), publisher_->checkpoint());
  EXPECT_TRUE(anchors().check().faults.empty());
}

TEST_F(AnchorsTest, FindThatAnOlderCopyOfEverythingWasPutBack) {
  append_and_publish(5);
  publisher_.reset();
  ledger_.reset();
  store_->close();
  std::filesystem::copy(root_, root_ + ".older", std::filesystem::copy_options::recursive);
  open_store();
  append_and_publish(5);
  ASSERT_EQ(anchors().advance(0).written.size(), 1U);
  const std::string newest = anchored();
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  for (const char* name : {"/keyturn.db", "/keyturn.db-wal", "/keyturn.db-shm", "/ledger"}) {
    std::filesystem::remove_all(root_ + name);
    if (std::filesystem::exists(root_ + ".older" + name)) {
      std::filesystem::copy(root_ + ".older" + name, root_ + name,
                            std::filesystem::copy_options::recursive);
    }
  }
  std::filesystem::remove_all(root_ + ".older");
  open_store();
  ASSERT_TRUE(open_publisher()) << "the folder agrees with itself";
  const Anchors::Round round = anchors().check();
  EXPECT_TRUE(round.contradicted);
  ASSERT_EQ(round.faults.size(), 1U);
  EXPECT_NE(round.faults[0].find("over 10 entries, but the log has only 5"), std::string::npos)
      << round.faults[0];
  EXPECT_TRUE(anchors().advance(0).contradicted);
  EXPECT_EQ(anchored(), newest) << "an anchor never goes back";
}

TEST_F(AnchorsTest, FindASecondHistoryThatIsLonger) {
  append_and_publish(10);
  ASSERT_EQ(anchors().advance(0).written.size(), 1U);
  const std::string first = anchored();
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  for (const char* name : {"/keyturn.db", "/keyturn.db-wal", "/keyturn.db-shm", "/ledger"}) {
    std::filesystem::remove_all(root_ + name);
  }
  next_ = 1'000;
  open_store();
  append_and_publish(40);
  const Anchors::Round round = anchors().advance(0);
  EXPECT_TRUE(round.contradicted);
  ASSERT_EQ(round.faults.size(), 1U);
  EXPECT_NE(round.faults[0].find("another history"), std::string::npos) << round.faults[0];
  EXPECT_EQ(anchored(), first);
}

TEST_F(AnchorsTest, AreFoundDamagedOrSignedByAnotherKey) {
  append_and_publish(10);
  ASSERT_EQ(anchors().advance(0).written.size(), 1U);
  const std::string good = anchored();
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    std::ofstream(file_, std::ios::binary) << bad;
    const Anchors::Round round = anchors().check();
    EXPECT_TRUE(round.contradicted) << at;
    EXPECT_TRUE(anchors().advance(0).contradicted) << at;
    EXPECT_EQ(anchored(), bad) << "evidence stays";
  }
  std::ofstream(file_, std::ios::binary) << "";
  EXPECT_TRUE(anchors().check().contradicted);
}

TEST_F(AnchorsTest, ADiskThatIsAwayIsAFaultAndNotMadeUpFor) {
  append_and_publish(10);
  std::filesystem::remove_all(root_ + "/disk");
  const Anchors::Round round = anchors().advance(0);
  EXPECT_FALSE(round.contradicted);
  ASSERT_EQ(round.faults.size(), 1U);
  EXPECT_NE(round.faults[0].find("is its disk there"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/disk"));
  std::filesystem::create_directory(root_ + "/disk");
  std::filesystem::create_directory(file_);
  EXPECT_EQ(anchors().advance(0).faults.size(), 1U) << "a folder under its name";
}

}  // namespace
}  // namespace keyturn::ledger
