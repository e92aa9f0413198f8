// Two real roles: one owns the tables, the other works on them and cannot reach further.
#include "store/postgres_roles.h"

#include <gtest/gtest.h>

#include <array>

#include "store/postgres_cluster_test.h"
#include "store/postgres_connection.h"

namespace keyturn::store {
namespace {

constexpr std::array<TableRights, 1> kLog = {{{"test_log", "SELECT, INSERT"}}};

class PostgresRoles : public testing::Test {
 protected:
  static PostgresOptions options(const std::string& schema, std::string_view user) {
    return {.url = postgres_cluster().url(user), .schema = schema};
  }
  Result<std::unique_ptr<Store>> open(const std::string& schema, std::string_view user) {
    return open_postgres(options(schema, user), clock_, log_, metrics_);
  }
  static void administer(std::string_view sql) {
    const auto connection =
        PostgresConnection::open(options("public", "keyturn"), PostgresConnection::Access::kWrite);
    ASSERT_TRUE(connection) << connection.error().message;
    const auto done = (*connection)->control(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  static void make_role(const std::string& role) {
    administer(fmt::format("DROP ROLE IF EXISTS \"{}\"", role));
    administer(fmt::format("CREATE ROLE \"{}\" LOGIN", role));
  }
  static std::vector<Migration> steps(int count) {
    std::vector<Migration> all = {{1,
                                   {"CREATE TABLE test_log (id BIGINT PRIMARY KEY)",
                                    "CREATE TABLE test_items (id BIGINT PRIMARY KEY)"}},
                                  {2, {"CREATE TABLE test_more (id BIGINT PRIMARY KEY)"}}};
    all.resize(static_cast<std::size_t>(count));
    return all;
  }
  // As the owner, with the rights of `role`.
  void migrate(const std::string& schema, const std::string& role, int count) {
    auto store = open(schema, "keyturn");
    ASSERT_TRUE(store) << store.error().message;
    const auto made = (*store)->migrate("test", steps(count));
    ASSERT_TRUE(made) << made.error().message;
    store->reset();
    const auto granted = grant_server_role(options(schema, "keyturn"), role, kLog);
    ASSERT_TRUE(granted) << granted.error().message;
  }
  static Result<void> execute(Store& store, const std::string& sql) {
    return store.run([&sql](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    });
  }

  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST_F(PostgresRoles, TheServersRoleAddsToTheLogAndCannotChangeIt) {
  make_role("server_a");
  migrate("roles_a", "server_a", 2);
  auto opened = open("roles_a", "server_a");
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  const auto known = store.migrate("test", steps(2));
  ASSERT_TRUE(known) << known.error().message;
  for (const char* sql :
       {"INSERT INTO test_log (id) VALUES (1)", "INSERT INTO test_items (id) VALUES (1)",
        "UPDATE test_items SET id = 2", "DELETE FROM test_items"}) {
    const auto done = execute(store, sql);
    EXPECT_TRUE(done) << sql << ": " << done.error().message;
  }
  for (const char* sql :
       {"UPDATE test_log SET id = 2", "DELETE FROM test_log", "DROP TABLE test_log",
        "ALTER TABLE test_log ADD COLUMN more BIGINT", "CREATE TABLE other (id BIGINT)",
        "INSERT INTO test_log (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 9",
        "WITH gone AS (DELETE FROM test_log RETURNING 1) SELECT 1 FROM gone",
        "DELETE FROM store_lease", "DELETE FROM store_migrations",
        "UPDATE store_migrations SET number = 9"}) {
    const auto done = execute(store, sql);
    ASSERT_FALSE(done) << sql;
    const std::string& why = done.error().message;
    EXPECT_TRUE(why.find("permission denied") != std::string::npos ||
                why.find("must be owner") != std::string::npos)
        << sql << ": " << why;
  }
}

// Not through the store, which takes no such statement from anyone.
TEST_F(PostgresRoles, TheServersRoleCanNeitherEmptyTheLogNorDropItsGuardsNorGiveItselfRights) {
  make_role("server_b");
  migrate("roles_b", "server_b", 2);
  const auto connection =
      PostgresConnection::open(options("roles_b", "server_b"), PostgresConnection::Access::kWrite);
  ASSERT_TRUE(connection) << connection.error().message;
  for (const char* sql :
       {"TRUNCATE test_log", "GRANT ALL ON test_log TO server_b", "SET ROLE keyturn",
        "ALTER TABLE test_log DISABLE TRIGGER ALL", "SET session_replication_role = replica",
        "CREATE TRIGGER t BEFORE INSERT ON test_log EXECUTE FUNCTION "
        "suppress_redundant_updates_trigger()",
        "REASSIGN OWNED BY keyturn TO server_b"}) {
    (*connection)->control(sql).and_then([sql](const std::string& done) -> Result<void> {
      // GRANT without a right to give warns and gives nothing.
      EXPECT_EQ(done, "GRANT") << sql;
      return {};
    });
  }
  const auto rows = (*connection)->query("SELECT has_table_privilege('test_log', 'DELETE')::int");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->at(0).integer(0), 0);
}

TEST_F(PostgresRoles, TheServersRoleRefusesADatabaseThatNobodyHasMigrated) {
  make_role("server_c");
  const auto store = open("roles_c", "server_c");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("keyturn store migrate"), std::string::npos)
      << store.error().message;
}

TEST_F(PostgresRoles, TheServersRoleRefusesAnOlderSchemaUntilItsOwnerHasMigratedIt) {
  make_role("server_d");
  migrate("roles_d", "server_d", 1);
  {
    auto store = open("roles_d", "server_d");
    ASSERT_TRUE(store) << store.error().message;
    const auto older = (*store)->migrate("test", steps(2));
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, Code::kConflict);
    EXPECT_NE(older.error().message.find("lacks 1 migrations of `test`"), std::string::npos)
        << older.error().message;
  }
  migrate("roles_d", "server_d", 2);
  auto store = open("roles_d", "server_d");
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->migrate("test", steps(2)));
  EXPECT_TRUE(execute(**store, "INSERT INTO test_more (id) VALUES (1)"));
}

TEST_F(PostgresRoles, TakesBackWhatTheServersRoleHadBefore) {
  make_role("server_e");
  migrate("roles_e", "server_e", 1);
  administer("GRANT ALL ON roles_e.test_log TO server_e");
  administer("GRANT ALL ON SCHEMA roles_e TO server_e");
  migrate("roles_e", "server_e", 1);
  auto store = open("roles_e", "server_e");
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_FALSE(execute(**store, "DELETE FROM test_log"));
  EXPECT_FALSE(execute(**store, "CREATE TABLE other (id BIGINT)"));
}

TEST_F(PostgresRoles, RefusesARoleFromWhichNothingCanBeKept) {
  migrate(
      "roles_f",
      [] {
        make_role("server_f");
        return std::string("server_f");
      }(),
      1);
  const PostgresOptions owner = options("roles_f", "keyturn");
  EXPECT_EQ(grant_server_role(owner, "keyturn", kLog).error().code, Code::kInvalid);
  EXPECT_EQ(grant_server_role(owner, "nobody", kLog).error().code, Code::kNotFound);
  EXPECT_EQ(grant_server_role(owner, "\"; DROP ROLE server_f; --", kLog).error().code,
            Code::kNotFound);
  administer("CREATE ROLE roles_owner NOLOGIN");
  administer("ALTER TABLE roles_f.test_log OWNER TO roles_owner");
  administer("GRANT roles_owner TO server_f");
  EXPECT_EQ(grant_server_role(owner, "server_f", kLog).error().code, Code::kInvalid);
}

TEST_F(PostgresRoles, TakesARoleWhoseNameNeedsQuotes) {
  make_role("Keyturn server");
  migrate("roles_g", "Keyturn server", 1);
  auto store =
      open_postgres({.url = postgres_cluster().url("'Keyturn server'"), .schema = "roles_g"},
                    clock_, log_, metrics_);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(execute(**store, "INSERT INTO test_log (id) VALUES (1)"));
}

}  // namespace
}  // namespace keyturn::store
