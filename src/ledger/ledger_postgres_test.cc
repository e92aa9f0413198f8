// The ledger over PostgreSQL: the same tree as over SQLite, and entries that are only ever added.
#include <gtest/gtest.h>

#include <fstream>

#include "base/random.h"
#include "ledger/ledger.h"
#include "store/postgres_cluster_test.h"

namespace keyturn::ledger {
namespace {

using store::Transaction;

class LedgerOverPostgres : public testing::Test {
 protected:
  using Opened = Result<std::unique_ptr<store::Store>>;
  Opened open_postgres() {
    return store::open_postgres({.url = store::postgres_cluster().url(),
                                 .schema = store::schema_for_folder(folder_.path())},
                                clock_, log_, metrics_);
  }
  static Result<void> append_some(store::Store& store, Ledger& ledger) {
    for (int i = 0; i < 70; ++i) {
      const auto unit = [&](Transaction& transaction) -> Result<void> {
        TRY_VOID(ledger.append(transaction, "test.happened", Json::object({{"i", i}})));
        if (i % 7 == 3) return fail(Code::kDenied, "undone");
        return {};
      };
      const auto appended = store.run(unit);
      if (!appended && appended.error().code != Code::kDenied) return appended;
    }
    return {};
  }

  store::TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST_F(LedgerOverPostgres, HasTheSameRootAsOverSqliteAlsoAfterReopening) {
  const auto sqlite =
      store::open_sqlite({.path = folder_.path() + "/keyturn.db"}, clock_, log_, metrics_).value();
  const auto expected = Ledger::open(*sqlite, clock_).value();
  ASSERT_TRUE(append_some(*sqlite, *expected));
  for (int round = 0; round < 2; ++round) {
    auto postgres = open_postgres();
    ASSERT_TRUE(postgres) << postgres.error().message;
    auto ledger = Ledger::open(**postgres, clock_);
    ASSERT_TRUE(ledger) << ledger.error().message;
    if (round == 0) {
      const auto appended = append_some(**postgres, **ledger);
      ASSERT_TRUE(appended) << appended.error().message;
    }
    const auto verified = (*ledger)->verify();
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ(verified->size, 60U);
    EXPECT_EQ(verified->root, expected->head().value().root);
  }
}

TEST_F(LedgerOverPostgres, EntriesAreOnlyAddedAtTheEnd) {
  auto store = open_postgres().value();
  auto ledger = Ledger::open(*store, clock_).value();
  ASSERT_TRUE(append_some(*store, *ledger));
  const std::vector<std::string> attacks = {
      "UPDATE ledger_entries SET kind = 'other' WHERE entry_index = 3",
      "DELETE FROM ledger_entries WHERE entry_index = 59",
      "DELETE FROM ledger_entries",
      "INSERT INTO ledger_entries (entry_index, time, kind, text, leaf) "
      "VALUES (61, 0, 'k', 't', ''::bytea)",
      "INSERT INTO ledger_entries (entry_index, time, kind, text, leaf) "
      "VALUES (-1, 0, 'k', 't', ''::bytea)",
      "UPDATE ledger_head SET size = 59",
      "DELETE FROM ledger_head",
      "WITH gone AS (DELETE FROM ledger_entries RETURNING 1) SELECT count(*) FROM gone"};
  for (const std::string& sql : attacks) {
    const auto attacked = store->run([&sql](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    });
    ASSERT_FALSE(attacked) << sql;
    EXPECT_EQ(attacked.error().code, Code::kConflict) << sql << ": " << attacked.error().message;
  }
  EXPECT_EQ(ledger->verify().value().size, 60U);
}

TEST_F(LedgerOverPostgres, ACorruptPageIsSaidToBeOneAndNothingIsTakenFromIt) {
  std::string file;
  {
    const auto store = open_postgres().value();
    const auto ledger = Ledger::open(*store, clock_).value();
    ASSERT_TRUE(append_some(*store, *ledger));
    const auto asked = store->read([&file](Transaction& transaction) -> Result<void> {
      TRY(const store::Rows rows,
          transaction.query("SELECT pg_relation_filepath('ledger_entries')"));
      file = rows.at(0).text(0);
      return {};
    });
    ASSERT_TRUE(asked) << asked.error().message;
  }
  store::postgres_cluster().restart([&file](const std::string& data) {
    std::fstream page(data + "/" + file, std::ios::binary | std::ios::in | std::ios::out);
    page.seekp(6'000);
    page << "not what was written";
    EXPECT_TRUE(page.good()) << file;
  });
  const auto store = open_postgres().value();
  const auto ledger = Ledger::open(*store, clock_);
  const auto found = ledger ? (*ledger)->verify() : Result<Head>(fail(Error(ledger.error())));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kCorrupt);
  EXPECT_NE(found.error().message.find("invalid page"), std::string::npos) << found.error().message;
}

}  // namespace
}  // namespace keyturn::ledger
