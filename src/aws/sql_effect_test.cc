#include "aws/sql_effect.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyturn::aws {
namespace {

void expect_each(Effect effect, const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) {
    const SqlEffect found = effect_of_sql(sql);
    EXPECT_EQ(found.effect, effect) << sql << ": " << found.why;
    EXPECT_FALSE(found.why.empty());
  }
}

TEST(Sql, ThatOnlyReadsObserves) {
  expect_each(Effect::kObserve,
              {"SELECT 1", "select * from orders where id = :id", "SHOW search_path",
               "SELECT count(*), max(total) FROM orders GROUP BY day",
               "WITH recent AS (SELECT * FROM orders) SELECT upper(name) FROM recent",
               "SELECT 'DROP TABLE orders; --x' FROM t", "EXPLAIN SELECT * FROM orders",
               "SELECT :a::text, \"drop table\" FROM t"});
}

TEST(Sql, ThatWritesChanges) {
  expect_each(Effect::kChange,
              {"INSERT INTO orders VALUES (1)", "UPDATE orders SET paid = true WHERE id = :id",
               "CREATE TABLE t (id int)", "SELECT * INTO copy FROM orders",
               "CREATE TABLE copy AS SELECT * FROM orders", "ALTER TABLE t ADD COLUMN c int",
               "SELECT * FROM orders FOR UPDATE", "BEGIN; INSERT INTO t VALUES (1); COMMIT"});
}

TEST(Sql, ThatRemovesDestroys) {
  expect_each(Effect::kDestroy,
              {"DROP TABLE orders", "TRUNCATE orders", "DELETE FROM orders",
               "DELETE FROM orders WHERE id = 1", "UPDATE orders SET paid = true",
               "UPDATE orders SET paid = true WHERE 1 = 1", "ALTER TABLE t DROP COLUMN c",
               "SELECT 1; DROP TABLE orders", "DROP DATABASE prod", "VACUUM FULL orders",
               "ALTER TABLE t ADD COLUMN c int, DROP COLUMN d", "CALL clean_up()", "DO 'BEGIN END'",
               "COPY t FROM PROGRAM 'rm'"});
}

TEST(Sql, ThatHidesWhatItDoesDestroys) {
  expect_each(Effect::kDestroy,
              {"WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
               "SELECT pg_terminate_backend(1)", "SELECT dblink_exec('x', 'DROP TABLE t')",
               "SELECT lo_unlink(1)", "SELECT myschema.count(1)", "EXPLAIN ANALYZE DELETE FROM t",
               "PREPARE p AS DROP TABLE t", "EXECUTE p"});
}

// What PostgreSQL reads as a comment or a text, MySQL may run.
TEST(Sql, ThatAnotherDialectCouldReadDifferentlyDestroys) {
  expect_each(Effect::kDestroy,
              {"SELECT 1 /*! ; DROP TABLE orders */", "SELECT 1 --1 ; DROP TABLE t",
               "SELECT '\\' , ' ; DROP TABLE t '", "SELECT $$ ; DROP TABLE t; $$",
               "SELECT 1 # ; DROP TABLE t", "SELECT `a` FROM t", std::string("SELECT 1\0;DROP", 14),
               "SELECT E'\\047; DROP TABLE t; SELECT \\047'"});
}

TEST(Sql, ThatCannotBeReadDestroys) {
  expect_each(Effect::kDestroy,
              {"", ";", "SELEC 1", "DROP", "SELECT 'open", "MERGE",
               std::string(kSqlBytesMax + 1, ' '), "SELECT " + std::string(20'000, '(') + "1"});
}

TEST(Sql, ThatAltersRightsGrants) {
  expect_each(Effect::kGrant, {"GRANT ALL ON orders TO bob", "REVOKE ALL ON orders FROM bob",
                               "CREATE ROLE admin", "ALTER ROLE bob SUPERUSER",
                               "GRANT admin TO bob", "DROP TABLE t; GRANT ALL ON x TO y"});
}

}  // namespace
}  // namespace keyturn::aws
