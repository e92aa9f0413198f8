// What only PostgreSQL can do wrong: settings that lose commits, several gateways, a lost session.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>
#include <thread>

#include "store/news.h"
#include "store/postgres_cluster_test.h"
#include "store/postgres_connection.h"

namespace keyturn::store {
namespace {

class PostgresStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> open(const std::string& schema,
                                      std::string_view user = "keyturn") {
    return open_postgres({.url = postgres_cluster().url(user), .schema = schema}, clock_, log_,
                         metrics_);
  }
  // What an administrator does beside the gateway.
  static void administer(std::string_view sql) {
    const auto connection = PostgresConnection::open({.url = postgres_cluster().url()},
                                                     PostgresConnection::Access::kWrite);
    ASSERT_TRUE(connection) << connection.error().message;
    const auto done = (*connection)->control(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  // Sessions that begin after this have it.
  static void wait_for_setting(std::string_view name, std::string_view wanted) {
    administer("SELECT pg_reload_conf()");
    for (int i = 0; i < 100; ++i) {
      auto connection = PostgresConnection::open({.url = postgres_cluster().url()},
                                                 PostgresConnection::Access::kWrite);
      ASSERT_TRUE(connection) << connection.error().message;
      const auto rows =
          (*connection)->query("SELECT current_setting(?1)", {Value(std::string(name))});
      ASSERT_TRUE(rows) << rows.error().message;
      if (rows->at(0).text(0) == wanted) return;
      ASSERT_TRUE((*connection)->query("SELECT 1 FROM pg_sleep(0.1)"));
    }
    FAIL() << name << " did not become " << wanted;
  }
  static void make_table(Store& store) {
    const std::vector<Migration> steps = {{1, {"CREATE TABLE test_items (id BIGINT PRIMARY KEY)"}}};
    const auto made = store.migrate("test", steps);
    ASSERT_TRUE(made) << made.error().message;
  }
  static Result<void> insert(Store& store, std::int64_t id) {
    return store.run([id](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (?1)", {id}));
      return {};
    });
  }
  static std::int64_t count(Store& store) {
    std::int64_t found = -1;
    const auto read = store.read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows rows, transaction.query("SELECT count(*) FROM test_items"));
      found = rows[0].integer(0);
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    return found;
  }

  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST_F(PostgresStoreTest, RefusesAServerThatAnswersCommitsBeforeTheyAreDurable) {
  administer("CREATE ROLE careless SUPERUSER LOGIN");
  administer("ALTER ROLE careless SET synchronous_commit = off");
  const auto store = open("careless", "careless");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("synchronous_commit = off"), std::string::npos)
      << store.error().message;
}

TEST_F(PostgresStoreTest, RefusesAServerThatDoesNotSyncOrTearsPages) {
  for (const std::string name : {"fsync", "full_page_writes"}) {
    administer(fmt::format("ALTER SYSTEM SET {} = off", name));
    wait_for_setting(name, "off");
    const auto store = open("unsafe");
    administer(fmt::format("ALTER SYSTEM RESET {}", name));
    wait_for_setting(name, "on");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Code::kUnavailable);
    EXPECT_NE(store.error().message.find(name + " = off"), std::string::npos)
        << store.error().message;
  }
  const auto store = open("unsafe");
  EXPECT_TRUE(store) << store.error().message;
}

TEST_F(PostgresStoreTest, RefusesAServerThatIsNotThere) {
  const auto store = open_postgres({.url = "host=/nowhere"}, clock_, log_, metrics_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kUnavailable);
}

// Each reads what is there and adds the next: two that did so at once would give one number twice.
TEST_F(PostgresStoreTest, SeveralWriteInTurnsAndEachSeesWhatTheOthersDid) {
  constexpr int kStores = 3;
  constexpr int kUnits = 200;
  administer("CREATE ROLE strict SUPERUSER LOGIN");
  administer("ALTER ROLE strict SET default_transaction_isolation = 'repeatable read'");
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kStores; ++i) {
    stores.push_back(open("turns", i == 0 ? "strict" : "keyturn").value());
    if (i == 0) make_table(*stores[0]);
  }
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  threads.reserve(stores.size());
  for (auto& store : stores) {
    threads.emplace_back([&failed, &store] {
      for (int i = 0; i < kUnits; ++i) {
        const auto added = store->run([](Transaction& transaction) -> Result<void> {
          TRY(const Rows rows,
              transaction.query("SELECT coalesce(max(id), 0) + 1 FROM test_items"));
          TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (?1)",
                                       {rows.at(0).integer(0)}));
          return {};
        });
        if (!added) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(count(*stores[0]), kStores * kUnits);
}

TEST_F(PostgresStoreTest, AFolderHasOneMaster) {
  const TemporaryFolder folder;
  const auto open_with = [&](const std::string& path) {
    return open_postgres({.url = postgres_cluster().url(), .schema = "folders", .folder = path},
                         clock_, log_, metrics_);
  };
  auto first = open_with(folder.path()).value();
  const auto second = open_with(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict) << second.error().message;
  EXPECT_TRUE(open_with(folder.path() + "/beside"));
  first->close();
  EXPECT_TRUE(open_with(folder.path()));
}

TEST_F(PostgresStoreTest, MembersKnowEachOtherByNumbersThatNobodyElseHad) {
  std::set<std::int64_t> all;
  const auto look = [&](Store& store) {
    std::pair<std::int64_t, std::vector<std::int64_t>> seen;
    const auto done = store.run([&](Transaction& transaction) -> Result<void> {
      seen.first = transaction.writer();
      TRY(seen.second, transaction.other_writers());
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    all.insert(seen.first);
    return seen;
  };
  auto first = open("members").value();
  auto second = open("members").value();
  const auto one = look(*first);
  const auto two = look(*second);
  EXPECT_NE(one.first, 0);
  EXPECT_EQ(one.second, std::vector{two.first});
  EXPECT_EQ(two.second, std::vector{one.first});
  second.reset();
  EXPECT_TRUE(look(*first).second.empty());
  const auto third = open("members").value();
  look(*third);
  EXPECT_EQ(all.size(), 3U);
}

TEST_F(PostgresStoreTest, WhoWasRemovedWritesOnUnderANewNumber) {
  auto store = open("removed").value();
  make_table(*store);
  ASSERT_TRUE(insert(*store, 1));
  administer("DELETE FROM removed.store_members");
  EXPECT_TRUE(insert(*store, 2));
  EXPECT_TRUE(insert(*store, 3));
  EXPECT_EQ(count(*store), 3);
  const std::vector<std::string> lines = log_.lines();
  const auto told = [](const std::string& line) {
    return line.find("store.joined_again") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), told), 1);
}

// The next one does not wait for the first to wake.
TEST_F(PostgresStoreTest, WhoStandsStillInItsTurnLosesItAndCommitsNothing) {
  auto still = open("stalled").value();
  make_table(*still);
  auto next = open("stalled").value();
  ASSERT_TRUE(insert(*still, 1));
  std::promise<void> stalled;
  std::promise<void> wakes;
  std::promise<Result<void>> answered;
  still->submit(
      [&](Transaction& transaction) -> Result<void> {
        TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (2)"));
        stalled.set_value();
        wakes.get_future().wait();
        return {};
      },
      [&](Result<void> result) { answered.set_value(std::move(result)); });
  stalled.get_future().wait();
  const auto other = insert(*next, 3);
  wakes.set_value();
  EXPECT_TRUE(other) << other.error().message;
  EXPECT_FALSE(answered.get_future().get());
  EXPECT_TRUE(insert(*still, 4));
  EXPECT_EQ(count(*next), 3);
}

TEST_F(PostgresStoreTest, WhoIsSilentIsRemovedByAnotherAndNotByWhoHasJustLooked) {
  auto store = open("silent").value();
  make_table(*store);
  const auto others = [&store] {
    std::size_t found = 0;
    const auto done = store->run([&](Transaction& transaction) -> Result<void> {
      TRY(const auto numbers, transaction.other_writers());
      found = numbers.size();
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return found;
  };
  administer("INSERT INTO silent.store_members (number, renewed) VALUES (900, 5), (901, 7)");
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(others(), 2U);
  clock_.advance(std::chrono::seconds(14));
  EXPECT_EQ(others(), 2U);
  administer("UPDATE silent.store_members SET renewed = 8 WHERE number = 901");
  clock_.advance(std::chrono::seconds(14));
  EXPECT_EQ(others(), 1U);
  clock_.advance(std::chrono::seconds(14));
  EXPECT_EQ(others(), 1U);
  clock_.advance(std::chrono::seconds(14));
  EXPECT_EQ(others(), 0U);
}

TEST_F(PostgresStoreTest, ADeadMemberIsRemovedByWhoJoins) {
  {
    EXPECT_TRUE(open("died"));
  }
  administer("INSERT INTO died.store_members (number, renewed) VALUES (900, 5)");
  auto store = open("died").value();
  make_table(*store);  // which nobody may do beside others
  EXPECT_TRUE(insert(*store, 1));
}

TEST_F(PostgresStoreTest, TablesAreNotChangedWhileOthersWrite) {
  auto first = open("busy").value();
  auto second = open("busy").value();
  const std::vector<Migration> steps = {{1, {"CREATE TABLE test_items (id BIGINT PRIMARY KEY)"}}};
  const auto refused = second->migrate("test", steps);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict) << refused.error().message;
  first.reset();
  EXPECT_TRUE(second->migrate("test", steps));
  first = open("busy").value();
  EXPECT_TRUE(first->migrate("test", steps)) << "nothing is left to be done";
}

TEST_F(PostgresStoreTest, WhatIsAnnouncedWakesWhoListensOnTheSameSchemaOnceItIsCommitted) {
  auto store = open("loud").value();
  const auto quiet = open("quiet").value();
  const auto news = store->listen_for_news();
  const auto elsewhere = quiet->listen_for_news();
  const auto seconds_until_told = [](News& listener, Duration timeout) {
    const auto begin = std::chrono::steady_clock::now();
    listener.wait(timeout);
    return std::chrono::steady_clock::now() - begin;
  };
  constexpr auto kShort = std::chrono::milliseconds(200);
  constexpr auto kLong = std::chrono::seconds(20);
  EXPECT_GE(seconds_until_told(*news, kShort), kShort);
  EXPECT_GE(seconds_until_told(*elsewhere, kShort), kShort);
  EXPECT_FALSE(store->run([](Transaction& transaction) -> Result<void> {
    TRY_VOID(announce(transaction));
    return fail(Code::kInvalid, "no");
  }));
  EXPECT_GE(seconds_until_told(*news, kShort), kShort);
  EXPECT_TRUE(store->run([](Transaction& transaction) { return announce(transaction); }));
  EXPECT_LT(seconds_until_told(*news, kLong), kLong);
  EXPECT_GE(seconds_until_told(*elsewhere, kShort), kShort);
  // A listener whose session is cut listens again.
  administer(
      "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE query = 'LISTEN keyturn'; END $$");
  EXPECT_GE(seconds_until_told(*news, kShort), kShort);
  EXPECT_GE(seconds_until_told(*news, kShort), kShort);
  EXPECT_TRUE(store->run([](Transaction& transaction) { return announce(transaction); }));
  EXPECT_LT(seconds_until_told(*news, kLong), kLong);
}

TEST_F(PostgresStoreTest, ALostSessionFailsItsBatchAndTheNextOneGoesOn) {
  auto store = open("lost").value();
  make_table(*store);
  ASSERT_TRUE(insert(*store, 1));
  const Result<void> lost = store->run([](Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (2)"));
    TRY_VOID(transaction.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    return {};
  });
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::kUnavailable) << lost.error().message;
  const auto again = insert(*store, 3);
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_EQ(count(*store), 2);
}

TEST_F(PostgresStoreTest, ReadersComeBackAfterTheServerCutsThem) {
  auto store = open("cut").value();
  make_table(*store);
  EXPECT_EQ(count(*store), 0);
  administer(
      "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE application_name = 'keyturn' AND pid <> pg_backend_pid(); END $$");
  // Each reader finds out by its first question.
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(store->read([](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.query("SELECT 1"));
      return {};
    }));
  }
  EXPECT_EQ(count(*store), 0);
}

TEST_F(PostgresStoreTest, ACommitThatDiesIsLookedUpAndNotGuessed) {
  auto store = open("doubt").value();
  make_table(*store);
  const std::vector<Migration> steps = {
      {1,
       {"CREATE FUNCTION test_die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER test_last AFTER INSERT ON test_items DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW WHEN (NEW.id = 666) EXECUTE FUNCTION test_die()"}}};
  const auto made = store->migrate("test2", steps);
  ASSERT_TRUE(made) << made.error().message;
  const auto died = insert(*store, 666);
  ASSERT_FALSE(died);
  EXPECT_NE(died.error().message.find("the transaction with it"), std::string::npos)
      << died.error().message;
  EXPECT_TRUE(insert(*store, 1));
  EXPECT_EQ(count(*store), 1);
}

TEST_F(PostgresStoreTest, TextOfAStatementMayHoldQuestionMarks) {
  auto store = open("marks").value();
  const auto read = store->read([](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows, transaction.query("SELECT '?1', ?1::text, '''?2'''", {std::string("x")}));
    EXPECT_EQ(rows[0].text(0), "?1");
    EXPECT_EQ(rows[0].text(1), "x");
    EXPECT_EQ(rows[0].text(2), "'?2'");
    return {};
  });
  EXPECT_TRUE(read) << read.error().message;
}

}  // namespace
}  // namespace keyturn::store
