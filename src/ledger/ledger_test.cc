#include "ledger/ledger.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "base/random.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

using store::Transaction;

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    std::string name = testing::TempDir() + "keyturn-ledger-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    reopen();
  }
  ~LedgerTest() override {
    ledger_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void reopen() {
    ledger_.reset();
    store_.reset();
    store_ = store::open_sqlite({.path = folder_ + "/keyturn.db"}, clock_, log_, metrics_).value();
    ledger_ = Ledger::open(*store_, clock_).value();
  }
  Result<std::uint64_t> append(std::string_view kind, const Json& body) {
    std::uint64_t index = 0;
    TRY_VOID(store_->run([&](Transaction& transaction) -> Result<void> {
      TRY(index, ledger_->append(transaction, kind, body));
      return {};
    }));
    return index;
  }
  void append_some(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(append("test.happened", Json::object({{"i", i}})));
  }
  Result<void> execute(std::string_view sql) {
    return store_->run([sql](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    });
  }
  Digest root_of_texts() {
    RightEdge edge;
    const std::vector<Entry> entries = ledger_->read(0, 1'000).value();
    for (const Entry& entry : entries) edge.append(leaf_hash(entry.text));
    return edge.root();
  }

  std::string folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, BeginsEmpty) {
  const Head head = ledger_->head().value();
  EXPECT_EQ(head.size, 0U);
  EXPECT_EQ(head.root, RightEdge().root());
  EXPECT_TRUE(ledger_->read(0, 10).value().empty());
  EXPECT_EQ(ledger_->verify().value().size, 0U);
}

TEST_F(LedgerTest, PinsTheBytesOfAnEntry) {
  const Json body = Json::object({{"b", 1}, {"a", "ü\n"}, {"é", Json::array({true, nullptr})}});
  ASSERT_EQ(append("action.decided", body).value(), 0U);
  clock_.advance(std::chrono::microseconds(1));
  ASSERT_EQ(append("action.outcome", nullptr).value(), 1U);
  const std::vector<Entry> entries = ledger_->read(0, 10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].text,
            "{\"body\":{\"a\":\"ü\\n\",\"b\":1,\"é\":[true,null]},\"index\":0,"
            "\"kind\":\"action.decided\",\"time\":\"2025-11-23T00:00:00.000000Z\",\"v\":1}");
  EXPECT_EQ(entries[0].text, to_canonical(parse_strict(entries[0].text).value()));
  EXPECT_EQ(entries[0].leaf, leaf_hash(entries[0].text));
  EXPECT_EQ(entries[0].kind, "action.decided");
  EXPECT_EQ(entries[1].index, 1U);
  EXPECT_EQ(entries[1].time, clock_.now());
  EXPECT_EQ(entries[1].text,
            "{\"body\":null,\"index\":1,\"kind\":\"action.outcome\","
            "\"time\":\"2025-11-23T00:00:00.000001Z\",\"v\":1}");
  EXPECT_EQ(ledger_->head().value().root, root_of_texts());
}

TEST_F(LedgerTest, SeveralEntriesOfOneUnitFollowEachOther) {
  ASSERT_TRUE(store_->run([&](Transaction& transaction) -> Result<void> {
    for (std::uint64_t i = 0; i < 10; ++i) {
      TRY(const auto index, ledger_->append(transaction, "test.happened", nullptr));
      EXPECT_EQ(index, i);
    }
    return {};
  }));
  EXPECT_EQ(ledger_->verify().value().size, 10U);
}

// Invariant 1: an entry exists exactly when what it records does.
TEST_F(LedgerTest, AUnitThatFailsLeavesNoEntryAndNoGap) {
  SeededRandom random(21);
  std::promise<void> plugged;
  store_->submit(
      [&](Transaction&) -> Result<void> {
        plugged.get_future().wait();
        return {};
      },
      [](Result<void>) {});
  std::vector<int> kept;
  for (int i = 0; i < 400; ++i) {
    const bool fails = static_cast<unsigned char>(random.bytes(1)[0]) % 2 == 0;
    if (!fails) kept.push_back(i);
    store_->submit(
        [this, i, fails](Transaction& transaction) -> Result<void> {
          TRY_VOID(ledger_->append(transaction, "test.happened", Json::object({{"i", i}})));
          if (fails) return fail(Code::kDenied, "no");
          return {};
        },
        [](Result<void>) {});
  }
  plugged.set_value();
  ASSERT_TRUE(append("test.ended", nullptr));
  const std::vector<Entry> entries = ledger_->read(0, 1'000).value();
  ASSERT_EQ(entries.size(), kept.size() + 1);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(entries[i].index, i);
    EXPECT_TRUE(entries[i].text.starts_with(fmt::format(R"({{"body":{{"i":{}}},)", kept[i])));
  }
  const Head head = ledger_->verify().value();
  EXPECT_EQ(head.size, entries.size());
  EXPECT_EQ(head.root, root_of_texts());
}

TEST_F(LedgerTest, ContinuesAfterAReopen) {
  append_some(7);
  const Head before = ledger_->head().value();
  reopen();
  EXPECT_EQ(ledger_->head().value().root, before.root);
  EXPECT_EQ(append("test.happened", nullptr).value(), 7U);
  EXPECT_EQ(ledger_->verify().value().size, 8U);
}

TEST_F(LedgerTest, KeepsItsOrderWhenTheClockGoesBack) {
  append_some(3);
  clock_.step_wall(-std::chrono::hours(48));
  append_some(3);
  reopen();
  EXPECT_EQ(append("test.happened", nullptr).value(), 6U);
  const auto entries = ledger_->read(0, 10).value();
  EXPECT_LT(entries[3].time, entries[2].time);
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].index, i);
  EXPECT_EQ(ledger_->verify().value().root, root_of_texts());
}

TEST_F(LedgerTest, TellsItsListenersTheSizeAfterEachCommitThatAppended) {
  std::vector<std::uint64_t> sizes;
  ledger_->on_appended([&](std::uint64_t size) {
    sizes.push_back(size);
    EXPECT_EQ(ledger_->head().value().size, size);
  });
  append_some(2);
  ASSERT_FALSE(store_->run([&](Transaction& transaction) -> Result<void> {
    TRY_VOID(ledger_->append(transaction, "test.happened", nullptr));
    return fail(Code::kDenied, "no");
  }));
  ASSERT_TRUE(store_->run([](Transaction&) -> Result<void> { return {}; }));
  ASSERT_TRUE(store_->run([&](Transaction& transaction) -> Result<void> {
    TRY_VOID(ledger_->append(transaction, "test.happened", nullptr));
    TRY_VOID(ledger_->append(transaction, "test.happened", nullptr));
    return {};
  }));
  store_->close();
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{1, 2, 4}));
}

TEST_F(LedgerTest, ReadsInPagesAndNotPastTheEnd) {
  append_some(30);
  EXPECT_EQ(ledger_->read(0, 7).value().size(), 7U);
  EXPECT_EQ(ledger_->read(28, 7).value().size(), 2U);
  EXPECT_EQ(ledger_->read(28, 7).value().front().index, 28U);
  EXPECT_TRUE(ledger_->read(30, 7).value().empty());
  EXPECT_TRUE(ledger_->read(UINT64_MAX, 7).value().empty());
  EXPECT_TRUE(ledger_->read(0, 0).value().empty());
}

TEST_F(LedgerTest, TakesAnEntryOf65535BytesAndNoLonger) {
  ASSERT_TRUE(append("test.happened", std::string(100, 'x')));
  const std::size_t others = ledger_->read(0, 1).value()[0].text.size() - 100;
  EXPECT_EQ(append("test.happened", std::string(kEntryBytesMax - others, 'x')).value(), 1U);
  EXPECT_EQ(ledger_->read(1, 1).value()[0].text.size(), kEntryBytesMax);
  const auto refused = append("test.happened", std::string(kEntryBytesMax - others + 1, 'x'));
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_EQ(ledger_->verify().value().size, 2U);
}

TEST_F(LedgerTest, RefusesTextThatIsNotUtf8AndKindsThatAreNone) {
  EXPECT_EQ(append("test.happened", "\xff").error().code, Code::kInvalid);
  for (const char* kind : {"", "Test", "a b", "a\"b", "a\nb", "a1"}) {
    EXPECT_EQ(append(kind, nullptr).error().code, Code::kInvalid) << kind;
  }
  EXPECT_EQ(append(std::string(65, 'a'), nullptr).error().code, Code::kInvalid);
  EXPECT_EQ(ledger_->head().value().size, 0U);
}

TEST_F(LedgerTest, KeepsHostileTextInsideItsString) {
  const std::string hostile = "\",\"index\":9,\"kind\":\"grant.issued\"}\n\u2028\x01\x7f";
  ASSERT_TRUE(append("test.happened", Json::object({{"words", hostile}})));
  const Json read = parse_strict(ledger_->read(0, 1).value()[0].text).value();
  EXPECT_EQ(read.get_integer("index").value(), 0);
  EXPECT_EQ(read.find("body")->get_string("words").value(), hostile);
}

TEST_F(LedgerTest, EntriesCannotBeChangedDeletedReplacedOrInserted) {
  append_some(3);
  const Digest root = ledger_->head().value().root;
  for (const char* sql : {
           "UPDATE ledger_entries SET text = 'x' WHERE entry_index = 1",
           "UPDATE ledger_entries SET entry_index = 7 WHERE entry_index = 2",
           "DELETE FROM ledger_entries WHERE entry_index = 2",
           "DELETE FROM ledger_entries",
           "INSERT OR REPLACE INTO ledger_entries VALUES (1, 0, 'k', 't', x'00')",
           "REPLACE INTO ledger_entries VALUES (2, 0, 'k', 't', x'00')",
           "INSERT INTO ledger_entries VALUES (1, 0, 'k', 't', x'00')",
           "INSERT INTO ledger_entries VALUES (5, 0, 'k', 't', x'00')",
           "INSERT INTO ledger_entries VALUES (-1, 0, 'k', 't', x'00')",
           "INSERT INTO ledger_entries (time, kind, text, leaf) VALUES (0, 'k', 't', x'00')",
           "INSERT INTO ledger_entries VALUES (1, 0, 'k', 't', x'00') ON CONFLICT DO UPDATE SET "
           "text = 'x'",
           "UPDATE OR REPLACE ledger_entries SET entry_index = 1 WHERE entry_index = 2",
           "UPDATE ledger_head SET size = 2",
           "DELETE FROM ledger_head",
           "INSERT OR REPLACE INTO ledger_head VALUES (1, 0, x'')",
       }) {
    EXPECT_EQ(execute(sql).error().code, Code::kConflict) << sql;
  }
  EXPECT_EQ(ledger_->verify().value().root, root);
}

// Each of these is done by someone who has the file and the SQL shell: the triggers are gone first.
class TamperedLedger : public LedgerTest {
 protected:
  void tamper(std::string_view sql) {
    append_some(10);
    for (const char* trigger :
         {"entries_insert", "entries_update", "entries_delete", "head_update", "head_delete"}) {
      ASSERT_TRUE(execute(fmt::format("DROP TRIGGER ledger_{}", trigger)));
    }
    ASSERT_TRUE(execute(sql));
  }
  std::string found() {
    const auto verified = ledger_->verify();
    EXPECT_FALSE(verified);
    EXPECT_EQ(verified.error().code, Code::kCorrupt);
    return verified.error().message;
  }
};

TEST_F(TamperedLedger, AChangedTextIsFoundAndNamed) {
  tamper("UPDATE ledger_entries SET text = replace(text, '4}', '5}') WHERE entry_index = 4");
  EXPECT_EQ(found(), "ledger entry 4 is not what its leaf hash says");
}

TEST_F(TamperedLedger, AChangedLeafIsFoundAndNamed) {
  tamper("UPDATE ledger_entries SET leaf = zeroblob(32) WHERE entry_index = 6");
  EXPECT_EQ(found(), "ledger entry 6 is not what its leaf hash says");
}

TEST_F(TamperedLedger, AMissingEntryIsFoundAndNamed) {
  tamper("DELETE FROM ledger_entries WHERE entry_index = 3");
  EXPECT_EQ(found(), "ledger entry 3 is missing");
}

TEST_F(TamperedLedger, AMissingTailIsFoundAndTheLedgerDoesNotOpen) {
  tamper("DELETE FROM ledger_entries WHERE entry_index >= 8");
  EXPECT_EQ(found(), "ledger entry 8 is missing");
  ledger_.reset();
  store_.reset();
  store_ = store::open_sqlite({.path = folder_ + "/keyturn.db"}, clock_, log_, metrics_).value();
  EXPECT_EQ(
      Ledger::open(*store_, clock_).error(),
      (Error{Code::kCorrupt, "open the ledger: the ledger has 8 entries, but its head says 10"}));
}

TEST_F(TamperedLedger, AnEntryUnderAnotherKindIsFoundAndNamed) {
  tamper("UPDATE ledger_entries SET kind = 'happened' WHERE entry_index = 2");
  EXPECT_EQ(found(), "ledger entry 2 is listed under another index, kind or time");
}

TEST_F(TamperedLedger, TwoEntriesThatChangedPlacesAreFound) {
  tamper(
      "UPDATE ledger_entries SET entry_index = CASE entry_index WHEN 1 THEN -1 ELSE 1 END "
      "WHERE entry_index IN (1)");
  EXPECT_EQ(found(), "ledger entry 1 is missing");
}

TEST_F(TamperedLedger, AnEntryReplacedTogetherWithItsLeafChangesTheRoot) {
  append_some(1);
  Entry entry = ledger_->read(0, 1).value()[0];
  entry.text.replace(entry.text.find("0}"), 2, "9}");
  tamper(fmt::format("UPDATE ledger_entries SET text = '{}', leaf = x'{}' WHERE entry_index = 0",
                     entry.text, leaf_hash(entry.text).hex()));
  EXPECT_NE(found().find("entries were replaced together with their leaf hashes"),
            std::string::npos);
}

TEST_F(TamperedLedger, AHeadOfAnotherTreeIsFound) {
  tamper("UPDATE ledger_head SET edge = zeroblob(length(edge))");
  EXPECT_NE(found().find("but its head says"), std::string::npos);
}

TEST_F(TamperedLedger, AHeadThatIsGoneStopsEveryCommit) {
  tamper("DELETE FROM ledger_head");
  EXPECT_EQ(append("test.happened", nullptr).error().code, Code::kCorrupt);
  EXPECT_EQ(log_.take_errors().size(), 1U);
  EXPECT_EQ(ledger_->read(0, 100).value().size(), 10U);
}

}  // namespace
}  // namespace keyturn::ledger
