// What every engine behind the Store interface must do: values, transactions, reads, migrations. An
// engine's own test includes this file and conformance_batch_test.h, and instantiates the suite.
#pragma once

#include "store/conformance_fixture_test.h"

namespace keyturn::store {

TEST_P(StoreConformance, ValuesComeBackExactly) {
  make_table();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""}, {"ü 字 🜁", std::string("\0\xff\x00z", 4)}, {"'; DROP TABLE", "''"}};
  for (const auto& [text, bytes] : cases) {
    for (const std::int64_t number : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
      ASSERT_EQ(store_->run([&](Transaction& transaction) -> Result<void> {
        TRY(const auto changed,
            transaction.execute("INSERT INTO test_items (id, name, data) VALUES (?1, ?2, ?3)",
                                {number, text, Blob{bytes}}));
        EXPECT_EQ(changed, 1);
        TRY(const Rows rows,
            transaction.query("SELECT id, name, data, NULL FROM test_items WHERE id = ?1",
                              {number}));
        EXPECT_EQ(rows.size(), 1U);
        EXPECT_EQ(rows[0].integer(0), number);
        EXPECT_EQ(rows[0].text(1), text);
        EXPECT_EQ(rows[0].blob(2), bytes);
        EXPECT_TRUE(rows[0].is_null(3));
        TRY(const auto gone, transaction.execute("DELETE FROM test_items WHERE id = ?1", {number}));
        EXPECT_EQ(gone, 1);
        TRY(const auto none, transaction.execute("DELETE FROM test_items WHERE id = ?1", {number}));
        EXPECT_EQ(none, 0);
        return {};
      }),
                kDone);
    }
  }
}

TEST_P(StoreConformance, TextThatIsNotPlainUtf8IsRefused) {
  make_table();
  for (const std::string& bad :
       {std::string("a\0b", 3), std::string("\xff"), std::string("\xc3")}) {
    EXPECT_EQ(
        code_of(store_->run([&](Transaction& transaction) -> Result<void> {
          TRY_VOID(transaction.execute("INSERT INTO test_items (id, name) VALUES (1, ?1)", {bad}));
          return {};
        })),
        Code::kInvalid);
  }
  EXPECT_TRUE(ids().empty());
}

TEST_P(StoreConformance, AFailedStatementLosesItsUnitWhateverItReturns) {
  make_table();
  ASSERT_EQ(store_->run(insert(1)), kDone);
  const Result<void> result = store_->run([](Transaction& transaction) -> Result<void> {
    TRY_VOID(insert(2)(transaction));
    const auto conflict = insert(1)(transaction);
    EXPECT_EQ(code_of(conflict), Code::kConflict);
    EXPECT_EQ(code_of(insert(3)(transaction)), Code::kConflict);
    EXPECT_EQ(transaction.query("SELECT 1").error().code, Code::kConflict);
    return {};
  });
  EXPECT_EQ(code_of(result), Code::kConflict);
  EXPECT_EQ(ids(), std::vector<std::int64_t>{1});
}

TEST_P(StoreConformance, AReadSeesOneStateAndOnlyWhatIsCommitted) {
  make_table();
  ASSERT_EQ(store_->run(insert(1)), kDone);
  ASSERT_EQ(store_->read([&](Transaction& transaction) -> Result<void> {
    TRY(const Rows before, transaction.query("SELECT count(*) FROM test_items"));
    EXPECT_EQ(store_->run(insert(2)), kDone);
    TRY(const Rows after, transaction.query("SELECT count(*) FROM test_items"));
    EXPECT_EQ(before[0].integer(0), after[0].integer(0));
    return {};
  }),
            kDone);
  ASSERT_EQ(store_->run([&](Transaction& transaction) -> Result<void> {
    TRY_VOID(insert(3)(transaction));
    EXPECT_EQ(ids(), (std::vector<std::int64_t>{1, 2}));
    return {};
  }),
            kDone);
  EXPECT_EQ(ids().size(), 3U);
}

TEST_P(StoreConformance, ClosingWaitsForReadsInProgress) {
  make_table();
  std::promise<void> reading;
  std::promise<void> go_on;
  std::atomic<bool> closed{false};
  std::vector<std::thread> threads;
  std::atomic<int> entered{0};
  std::shared_future<void> gate = go_on.get_future().share();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, gate] {
      EXPECT_EQ(store_->read([&](Transaction& transaction) -> Result<void> {
        if (++entered == 4) reading.set_value();
        gate.wait();
        EXPECT_FALSE(closed);
        TRY_VOID(transaction.query("SELECT count(*) FROM test_items"));
        return {};
      }),
                kDone);
    });
  }
  reading.get_future().wait();
  threads.emplace_back([&] {
    store_->close();
    closed = true;
  });
  go_on.set_value();
  for (std::thread& thread : threads) thread.join();
}

TEST_P(StoreConformance, AReadCannotWrite) {
  make_table();
  for (const char* sql : {"INSERT INTO test_items (id) VALUES (9)", "DROP TABLE test_items",
                          "CREATE TABLE test_more (id INTEGER)", "PRAGMA query_only = 0"}) {
    EXPECT_FALSE(store_->read([&](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    })) << sql;
  }
  EXPECT_EQ(store_->read([&](Transaction&) -> Result<void> { return fail(Code::kDenied, "x"); })
                .error()
                .code,
            Code::kDenied);
  EXPECT_TRUE(ids().empty());
}

TEST_P(StoreConformance, AUnitCannotEndOrNestTheTransaction) {
  make_table();
  Plug plug(*store_);
  store_->submit(insert(1), [](Result<void> result) { EXPECT_TRUE(result); });
  for (const char* sql : {"COMMIT", "ROLLBACK", "BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT unit",
                          "ROLLBACK TO unit", "RELEASE unit", "END", "PRAGMA synchronous = OFF",
                          "PRAGMA foreign_keys = 0", "ATTACH 'x' AS y", "VACUUM"}) {
    store_->submit(
        [sql](Transaction& transaction) -> Result<void> {
          TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (99)"));
          TRY_VOID(transaction.execute(sql));
          return {};
        },
        [sql](Result<void> result) { EXPECT_FALSE(result) << sql; });
  }
  store_->submit(insert(2), [](Result<void> result) { EXPECT_TRUE(result); });
  plug.open();
  ASSERT_EQ(store_->run(insert(3)), kDone);
  EXPECT_EQ(ids(), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_P(StoreConformance, WrongSqlIsADefectOfOursAndSaysSo) {
  make_table();
  const auto run = [&](std::string_view sql, Transaction::Parameters parameters) {
    return store_->run([&](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql, parameters));
      return {};
    });
  };
  EXPECT_EQ(code_of(run("SELEC 1", {})), Code::kInternal);
  EXPECT_EQ(code_of(run("", {})), Code::kInternal);
  EXPECT_EQ(code_of(run("DELETE FROM test_items; DELETE FROM test_items", {})), Code::kInternal);
  EXPECT_EQ(code_of(run("DELETE FROM test_items WHERE id = ?1", {})), Code::kInternal);
  EXPECT_EQ(code_of(run("DELETE FROM test_items", {std::int64_t{1}})), Code::kInternal);
  EXPECT_EQ(code_of(run("DELETE FROM test_none", {})), Code::kInternal);
  EXPECT_EQ(code_of(store_->run([&](Transaction& transaction) -> Result<void> {
              TRY_VOID(transaction.query("SELECT 1.5"));
              return {};
            })),
            Code::kInternal);
}

TEST_P(StoreConformance, MigrationsRunOnceAndInOrder) {
  std::vector<Migration> steps = {
      {1, {"CREATE TABLE test_a (id INTEGER)", "INSERT INTO test_a (id) VALUES (1)"}}};
  ASSERT_EQ(store_->migrate("test", steps), kDone);
  ASSERT_EQ(store_->migrate("test", steps), kDone);
  steps.push_back({2, {"INSERT INTO test_a (id) SELECT id + 1 FROM test_a"}});
  reopen();
  ASSERT_EQ(store_->migrate("test", steps), kDone);
  ASSERT_EQ(store_->migrate("other", {}), kDone);
  ASSERT_EQ(store_->read([](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows, transaction.query("SELECT id FROM test_a ORDER BY id"));
    EXPECT_EQ(rows.size(), 2U);
    return {};
  }),
            kDone);
}

TEST_P(StoreConformance, AFailingMigrationLeavesNothingAndMayBeRetried) {
  std::vector<Migration> steps = {{1, {"CREATE TABLE test_a (id INTEGER)"}},
                                  {2, {"CREATE TABLE test_b (id INTEGER)", "SELEC 1"}}};
  const Result<void> failed = store_->migrate("test", steps);
  EXPECT_EQ(code_of(failed), Code::kInternal);
  EXPECT_TRUE(failed.error().message.starts_with("migration 2 of `test`: "));
  steps[1].statements[1] = "CREATE TABLE test_c (id INTEGER)";
  EXPECT_EQ(store_->migrate("test", steps), kDone);
}

TEST_P(StoreConformance, AChangedMigrationOrANewerDatabaseIsRefused) {
  std::vector<Migration> steps = {{1, {"CREATE TABLE test_a (id INTEGER)"}},
                                  {2, {"CREATE TABLE test_b (id INTEGER)"}}};
  ASSERT_EQ(store_->migrate("test", steps), kDone);
  reopen();
  EXPECT_EQ(code_of(store_->migrate("test", std::span(steps).first(1))), Code::kConflict);
  steps[0].statements[0] += " ";
  EXPECT_EQ(code_of(store_->migrate("test", steps)), Code::kConflict);
}

}  // namespace keyturn::store
