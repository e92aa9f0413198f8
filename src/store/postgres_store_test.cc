// What only PostgreSQL can do wrong: settings that lose commits, a second gateway, a lost session.
#include <gtest/gtest.h>

#include <future>

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

TEST_F(PostgresStoreTest, ASecondGatewayIsRefusedWhileTheFirstLives) {
  auto first = open("shared").value();
  const auto second = open("shared");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict) << second.error().message;
  make_table(*first);
  EXPECT_TRUE(insert(*first, 1));
  first.reset();
  EXPECT_TRUE(open("shared"));
}

TEST_F(PostgresStoreTest, AWriterWhoseEpochHasPassedCommitsNothing) {
  auto store = open("passed").value();
  make_table(*store);
  administer("UPDATE passed.store_lease SET epoch = epoch + 1");
  for (std::int64_t id = 1; id <= 2; ++id) {
    const auto late = insert(*store, id);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::kConflict) << late.error().message;
  }
  EXPECT_EQ(count(*store), 0);
  EXPECT_EQ(log_.take_errors().size(), 1U);
}

// The old writer's transaction is open, and its epoch compared, when the other takes over.
TEST_F(PostgresStoreTest, AStalledWriterThatWakesCommitsNothingAndDoesNotTakeOverAgain) {
  auto old = open("stalled").value();
  make_table(*old);
  ASSERT_TRUE(insert(*old, 1));
  std::promise<void> stalled;
  std::promise<void> wakes;
  std::promise<Result<void>> answered;
  old->submit(
      [&](Transaction& transaction) -> Result<void> {
        TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (2)"));
        stalled.set_value();
        wakes.get_future().wait();
        return {};
      },
      [&](Result<void> result) { answered.set_value(std::move(result)); });
  stalled.get_future().wait();
  auto opened = open_postgres({.url = postgres_cluster().url(),
                               .schema = "stalled",
                               .stalled_after = std::chrono::seconds(0)},
                              clock_, log_, metrics_);
  wakes.set_value();
  EXPECT_FALSE(answered.get_future().get());
  ASSERT_TRUE(opened) << opened.error().message;
  Store& next = **opened;
  ASSERT_TRUE(insert(next, 3));
  EXPECT_FALSE(insert(*old, 4));
  ASSERT_TRUE(insert(next, 5));
  EXPECT_EQ(count(next), 3);
  // Nobody writes now; yet the old one has not seen what the next one wrote.
  next.close();
  EXPECT_FALSE(insert(*old, 6));
  EXPECT_EQ(log_.take_errors().size(), 1U);
  old.reset();
  auto anew = open("stalled").value();
  EXPECT_TRUE(insert(*anew, 6));
  EXPECT_EQ(count(*anew), 4);
}

TEST_F(PostgresStoreTest, AWriterThatRenewsItsLeaseIsNotStalled) {
  auto store = open("renews").value();
  make_table(*store);
  administer("UPDATE renews.store_lease SET renewed = 0");
  ASSERT_TRUE(insert(*store, 1));
  const auto second = open("renews");
  ASSERT_FALSE(second);
  EXPECT_TRUE(insert(*store, 2));
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
