#include "ledger/publisher.h"

#include "ledger/published_log_test.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

using PublisherTest = PublishedLog;

TEST_F(PublisherTest, AnEmptyLogHasASignedCheckpointOfSizeZero) {
  append_and_publish(0);
  const Checkpoint signed_one = check().value();
  EXPECT_EQ(signed_one.size, 0U);
  EXPECT_EQ(signed_one.root, RightEdge().root());
}

TEST_F(PublisherTest, TheFilesVerifyAtEverySizeAroundATile) {
  for (const std::uint64_t count : {1U, 1U, 253U, 1U, 1U, 255U, 300U}) {
    append_and_publish(count);
    const auto checked = check();
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(checked->size, ledger_->head().value().size);
    EXPECT_EQ(checked->root, ledger_->head().value().root);
  }
}

TEST_F(PublisherTest, NamesAndContentsAreThoseOfTlogTiles) {
  append_and_publish(600);
  EXPECT_EQ(bytes_of("tile/0/000").size(), 8'192U);
  EXPECT_EQ(bytes_of("tile/0/002.p/88").size(), 88U * 32);
  EXPECT_EQ(bytes_of("tile/1/000.p/2").size(), 64U);
  EXPECT_EQ(unbundle_entries(bytes_of("tile/entries/002.p/88"), 88).value()[0],
            ledger_->read(512, 1).value()[0].text);
}

TEST_F(PublisherTest, GoesOnAfterARestartWhereItStopped) {
  append_and_publish(300);
  const Checkpoint kept = checkpoint();
  open_store();
  append_and_publish(500);
  const auto checked = check(kept);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->size, 800U);
}

TEST_F(PublisherTest, WithoutNewEntriesTheCheckpointStaysAsItIs) {
  append_and_publish(3);
  const std::string before = bytes_of(kCheckpointFile);
  ASSERT_TRUE(publisher_->publish());
  EXPECT_EQ(bytes_of(kCheckpointFile), before);
}

// A crash leaves any prefix of the writes: here, after each single one.
TEST_F(PublisherTest, ACrashBetweenAnyTwoFilesIsMadeGood) {
  append_and_publish(500);
  const auto before = log_folder_.list().value();
  std::filesystem::copy(root_ + "/ledger", root_ + "/before",
                        std::filesystem::copy_options::recursive);
  append_and_publish(600);
  const auto after = log_folder_.list().value();
  std::filesystem::rename(root_ + "/ledger", root_ + "/after");
  std::vector<std::string> added;
  for (const std::string& name : after) {
    if (std::find(before.begin(), before.end(), name) == before.end()) added.push_back(name);
  }
  ASSERT_GT(added.size(), 8U);
  for (std::size_t written = 0; written <= added.size(); ++written) {
    std::filesystem::remove_all(root_ + "/ledger");
    std::filesystem::copy(root_ + "/before", root_ + "/ledger",
                          std::filesystem::copy_options::recursive);
    for (std::size_t i = 0; i < written; ++i) {
      std::filesystem::create_directories(std::filesystem::path(path(added[i])).parent_path());
      std::filesystem::copy_file(root_ + "/after/" + added[i], path(added[i]));
    }
    put("tile/0/004.p/76.new", "torn");
    ASSERT_TRUE(open_publisher());
    ASSERT_TRUE(publisher_->publish());
    std::filesystem::remove(path("tile/0/004.p/76.new"));
    const auto checked = check();
    ASSERT_TRUE(checked) << written << ": " << checked.error().message;
    EXPECT_EQ(checked->root, ledger_->head().value().root);
  }
}

TEST_F(PublisherTest, DamagedPartialTilesAreMadeAgainFromTheDatabase) {
  append_and_publish(300);
  put("tile/0/001.p/44", std::string(44 * 32, 'x'));
  std::filesystem::remove(path("tile/1/000.p/1"));
  ASSERT_TRUE(open_publisher());
  append_and_publish(1);
  EXPECT_TRUE(check()) << check().error().message;
  EXPECT_NE(log_.lines().back().find("ledger.tiles_remade"), std::string::npos);
}

TEST_F(PublisherTest, ADatabaseOlderThanTheCheckpointIsRefused) {
  append_and_publish(300);
  store_->close();
  open_store();  // leaves no journal beside the file
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  std::filesystem::copy(root_ + "/keyturn.db", root_ + "/old.db");
  open_store();
  append_and_publish(10);
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  std::filesystem::remove(root_ + "/keyturn.db-wal");
  std::filesystem::remove(root_ + "/keyturn.db-shm");
  std::filesystem::rename(root_ + "/old.db", root_ + "/keyturn.db");
  open_store();
  const auto opened = open_publisher();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_NE(opened.error().message.find("310 entries, but the database has only 300"),
            std::string::npos)
      << opened.error().message;
}

TEST_F(PublisherTest, ARewrittenDatabaseGetsNoSecondCheckpoint) {
  append_and_publish(20);
  const std::string before = bytes_of(kCheckpointFile);
  // As whoever owns the database can: text, leaf and head, all to match.
  ASSERT_TRUE(execute("DROP TRIGGER ledger_entries_update"));
  ASSERT_TRUE(
      execute("UPDATE ledger_entries SET text = replace(text, '\"i\":7', '\"i\":8') "
              "WHERE entry_index = 7"));
  RightEdge edge;
  const auto entries = ledger_->read(0, 100).value();
  ASSERT_TRUE(store_->run([&](store::Transaction& transaction) -> Result<void> {
    for (const Entry& entry : entries) {
      const Digest leaf = leaf_hash(entry.text);
      edge.append(leaf);
      TRY_VOID(transaction.execute(
          "UPDATE ledger_entries SET leaf = ?1 WHERE entry_index = ?2",
          {store::Blob{std::string(leaf.view())}, static_cast<std::int64_t>(entry.index)}));
    }
    TRY_VOID(transaction.execute("UPDATE ledger_head SET edge = ?1", {store::Blob{edge.bytes()}}));
    return {};
  }));
  ASSERT_TRUE(ledger_->verify()) << "the forgery is complete";
  EXPECT_EQ(publisher_->publish().error().code, Code::kCorrupt);
  append(5);
  EXPECT_EQ(publisher_->publish().error().code, Code::kCorrupt);
  EXPECT_EQ(bytes_of(kCheckpointFile), before);
  // Also when it has to start from the database because the tiles are gone.
  std::filesystem::remove_all(path("tile"));
  const auto opened = open_publisher();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("first 20 entries are not those"), std::string::npos)
      << opened.error().message;
}

TEST_F(PublisherTest, AnotherKeyOrAnotherLogsCheckpointIsRefused) {
  append_and_publish(5);
  const auto opened = open_publisher(2);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kDenied);
  EXPECT_NE(opened.error().message.find("another log's, or this is the wrong key"),
            std::string::npos);
}

TEST_F(PublisherTest, ADamagedCheckpointIsRefusedAndNotReplaced) {
  append_and_publish(5);
  std::string bytes = bytes_of(kCheckpointFile);
  bytes.resize(bytes.size() - 3);
  put(kCheckpointFile, bytes);
  EXPECT_FALSE(open_publisher());
  EXPECT_EQ(bytes_of(kCheckpointFile), bytes);
}

TEST_F(PublisherTest, AFolderInAFilesPlaceFailsAndIsRecoveredFrom) {
  append_and_publish(250);
  const std::string before = bytes_of(kCheckpointFile);
  std::filesystem::create_directories(path("tile/0/001.p/4/x"));
  append(10);
  EXPECT_EQ(publisher_->publish().error().code, Code::kUnavailable);
  EXPECT_EQ(bytes_of(kCheckpointFile), before);
  std::filesystem::remove_all(path("tile/0/001.p/4"));
  append(1);
  ASSERT_TRUE(publisher_->publish());
  EXPECT_EQ(check_log(reader(), key().verifier(), std::nullopt).value().size, 261U);
}

TEST_F(PublisherTest, ALogKeySurvivesItsText) {
  const LogKey one = key();
  const LogKey again = LogKey::parse(one.text().view()).value();
  EXPECT_EQ(again.verifier(), one.verifier());
  const Checkpoint checkpoint{one.origin(), 1, leaf_hash("x")};
  EXPECT_EQ(again.sign(checkpoint).value(), one.sign(checkpoint).value());
  std::string other(one.text().view());
  for (std::size_t i = 0; i + 1 < other.size(); i += 3) {
    std::string bad = other;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(LogKey::parse(bad)) << i;
  }
}

}  // namespace
}  // namespace keyturn::ledger
