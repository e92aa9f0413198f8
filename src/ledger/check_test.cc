#include "ledger/check.h"

#include "ledger/published_log_test.h"
#include "ledger/receipt.h"

namespace keyturn::ledger {
namespace {

using CheckTest = PublishedLog;

std::uint64_t draw(Random& random, std::uint64_t below) {
  const std::string bytes = random.bytes(8);
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value % below;
}

TEST_F(CheckTest, AFlippedByteOfAnyFileIsFound) {
  // Partial files of several sizes, some superseded.
  for (const std::uint64_t count : {100U, 40U, 300U, 261U, 5U}) append_and_publish(count);
  ASSERT_TRUE(check()) << check().error().message;
  const auto names = log_folder_.list().value();
  SeededRandom random(5);
  for (std::size_t round = 0; round < 40; ++round) {
    for (const std::string& name : names) {
      const std::string good = bytes_of(name);
      std::string bad = good;
      const std::size_t at = draw(random, bad.size());
      bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1 + draw(random, 255)));
      put(name, bad);
      EXPECT_FALSE(check()) << name << " byte " << at;
      const auto report = fsck(*ledger_, log_folder_, key().verifier(), Repair::kNo);
      EXPECT_TRUE(!report || !report->problems.empty()) << name << " byte " << at;
      put(name, good);
    }
  }
  EXPECT_TRUE(check());
}

TEST_F(CheckTest, AShortenedOrLengthenedFileIsFound) {
  append_and_publish(300);
  const auto names = log_folder_.list().value();
  for (const std::string& name : names) {
    const std::string good = bytes_of(name);
    for (const std::string& bad : {good.substr(0, good.size() - 1), good + "x", std::string()}) {
      put(name, bad);
      EXPECT_FALSE(check()) << name;
    }
    put(name, good);
  }
}

TEST_F(CheckTest, AMissingFileIsNamed) {
  append_and_publish(600);
  const auto names = log_folder_.list().value();
  for (const std::string& name : names) {
    const std::string good = bytes_of(name);
    std::filesystem::remove(path(name));
    const auto checked = check();
    ASSERT_FALSE(checked) << name;
    EXPECT_NE(checked.error().message.find(name), std::string::npos) << checked.error().message;
    put(name, good);
  }
}

TEST_F(CheckTest, MessagesNameTheFileAndTheEntry) {
  append_and_publish(600);
  std::string bundle = bytes_of("tile/entries/001");
  bundle[bundle.find("\"i\":300") + 4] = '9';
  put("tile/entries/001", bundle);
  EXPECT_EQ(check().error().message, "`tile/0/001` and entry 300 contradict each other");
  const Fsck report = fsck(*ledger_, log_folder_, key().verifier(), Repair::kNo).value();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_TRUE(report.problems[0].starts_with(
      "`tile/entries/001` is not what the ledger's entries 256 to 511 give, from byte "));
}

TEST_F(CheckTest, FsckRepairsFilesFromTheLedger) {
  append_and_publish(600);
  std::filesystem::remove(path("tile/0/001"));
  put("tile/entries/002.p/88", "torn");
  const Fsck found = fsck(*ledger_, log_folder_, key().verifier(), Repair::kNo).value();
  EXPECT_EQ(found.problems.size(), 2U);
  EXPECT_EQ(found.repaired, 0U);
  const Fsck repaired = fsck(*ledger_, log_folder_, key().verifier(), Repair::kYes).value();
  EXPECT_EQ(repaired.repaired, 2U);
  EXPECT_TRUE(check()) << check().error().message;
  EXPECT_TRUE(fsck(*ledger_, log_folder_, key().verifier(), Repair::kNo).value().problems.empty());
}

TEST_F(CheckTest, ATruncatedTailIsFoundAgainstAKeptCheckpoint) {
  append_and_publish(100);
  std::filesystem::copy(root_ + "/ledger", root_ + "/shorter",
                        std::filesystem::copy_options::recursive);
  append_and_publish(60);
  const Checkpoint kept = checkpoint();
  std::filesystem::remove_all(root_ + "/ledger");
  std::filesystem::rename(root_ + "/shorter", root_ + "/ledger");
  EXPECT_TRUE(check()) << "by itself the shorter log is flawless";
  const auto checked = check(kept);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("its end was cut off"), std::string::npos);
}

TEST_F(CheckTest, AnotherHistoryUnderTheSameKeyIsFoundAgainstAKeptCheckpoint) {
  append_and_publish(50);
  const Checkpoint kept = checkpoint();
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  for (const char* name : {"keyturn.db", "keyturn.db-wal", "keyturn.db-shm"}) {
    std::filesystem::remove(root_ + "/" + name);
  }
  std::filesystem::remove_all(root_ + "/ledger");
  open_store();
  append_and_publish(70);  // begins with other numbers
  EXPECT_TRUE(check());
  const auto checked = check(kept);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("its history was rewritten"), std::string::npos);
}

TEST_F(CheckTest, ForeignFilesAreListed) {
  append_and_publish(10);
  put("tile/0/000.p/11", std::string(11 * 32, 'x'));
  put("notes.txt", "x");
  EXPECT_EQ(check_other_files(log_folder_, 10).value(),
            (std::vector<std::string>{"notes.txt", "tile/0/000.p/11"}));
}

TEST_F(CheckTest, AReceiptOfAnyEntryVerifiesAndSurvivesItsText) {
  append_and_publish(700);
  for (const std::uint64_t index : {0U, 1U, 255U, 256U, 511U, 698U, 699U}) {
    const auto made = make_receipt(index, reader(), key().verifier());
    ASSERT_TRUE(made) << made.error().message;
    const Receipt read = Receipt::parse(made->text()).value();
    EXPECT_EQ(read.text(), made->text());
    EXPECT_EQ(verify_receipt(read, key().verifier()).value().size, 700U);
    EXPECT_EQ(read.entry, ledger_->read(index, 1).value()[0].text);
  }
  EXPECT_EQ(make_receipt(700, reader(), key().verifier()).error().code, Code::kNotFound);
  EXPECT_EQ(make_receipt(0, reader(), key(2).verifier()).error().code, Code::kDenied);
}

TEST_F(CheckTest, AReceiptWithAFlippedByteIsRefused) {
  append_and_publish(300);
  const std::string good = make_receipt(77, reader(), key().verifier()).value().text();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const auto read = Receipt::parse(bad);
    EXPECT_TRUE(!read || !verify_receipt(*read, key().verifier())) << at;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto read = Receipt::parse(good.substr(0, length));
    EXPECT_TRUE(!read || !verify_receipt(*read, key().verifier())) << length;
  }
}

TEST_F(CheckTest, AReceiptFromDamagedFilesIsNotMade) {
  append_and_publish(300);
  std::string tile = bytes_of("tile/0/000");
  tile[40] = static_cast<char>(tile[40] ^ 1);
  put("tile/0/000", tile);
  const auto made = make_receipt(0, reader(), key().verifier());
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("keyturn ledger fsck"), std::string::npos);
}

}  // namespace
}  // namespace keyturn::ledger
