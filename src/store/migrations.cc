#include "store/migrations.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/json.h"
#include "store/catalogue.h"

namespace keyturn::store {
namespace {

// The statements as one text that no other list of statements has.
std::string text_of(const Migration& migration) {
  Json::Array statements;
  for (const std::string& statement : migration.statements) statements.push_back(statement);
  return to_text(statements);
}

Result<void> compare(std::string_view room, const Rows& done,
                     std::span<const Migration> migrations) {
  if (done.size() > migrations.size()) {
    return fail(Code::kConflict,
                "the database has {} migrations of `{}` and this program knows {}: a newer version "
                "wrote it; use that version or a newer one",
                done.size(), room, migrations.size());
  }
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (done[i].integer(0) != migrations[i].number) {
      return fail(Code::kCorrupt, "the database lacks migration {} of `{}` but has later ones",
                  migrations[i].number, room);
    }
    if (done[i].text(1) != text_of(migrations[i])) {
      return fail(Code::kConflict,
                  "migration {} of `{}` is not the one that ran on this database: another version "
                  "wrote it; use that version",
                  migrations[i].number, room);
    }
  }
  return {};
}

// A server's role may not make tables: that is the owner's.
Result<void> check_may_migrate(Store& store, std::string_view room, std::size_t steps) {
  if (store.engine() == Engine::kSqlite) return {};
  return store.read([&](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows,
        transaction.query("SELECT has_schema_privilege(current_schema(), 'CREATE')::int"));
    if (rows.at(0).integer(0) != 0) return {};
    return fail(Code::kConflict,
                "the database is older than this program: it lacks {} migrations of `{}`, and this "
                "role may not run them; stop the server and run `keyturn store migrate --dsn OWNER "
                "--role ROLE` with the role that owns the schema",
                steps, room);
  });
}

// Who runs with the tables as they were would not know what to do with others.
Result<void> refuse_others(Transaction& transaction) {
  TRY(const auto others, transaction.other_writers());
  if (others.empty()) return {};
  return fail(Code::kConflict,
              "the database is older than this program, and {} other gateways write to it; stop "
              "them all, start one of this version, and then the others",
              others.size());
}

}  // namespace

Result<void> prepare_migrations(Store& store, std::string_view sql) {
  return store.run([sql](Transaction& transaction) -> Result<void> {
    TRY(const bool there, has_table(transaction, "store_migrations"));
    if (!there) TRY_VOID(transaction.execute(sql));
    return {};
  });
}

Result<void> run_migrations(Store& store, const Clock& clock, std::string_view room,
                            std::span<const Migration> migrations) {
  TRY_VOID(check_handle(room));
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    CHECK(migrations[i].number == static_cast<int>(i) + 1);
  }
  Rows done;
  TRY_VOID(store.read([&](Transaction& transaction) -> Result<void> {
    TRY(done, transaction.query(
                  "SELECT number, statements FROM store_migrations WHERE room = ?1 ORDER BY number",
                  {std::string(room)}));
    return {};
  }));
  TRY_VOID(compare(room, done, migrations));
  if (done.size() < migrations.size()) {
    TRY_VOID(check_may_migrate(store, room, migrations.size() - done.size()));
  }
  for (const Migration& migration : migrations.subspan(done.size())) {
    const auto step = [&](Transaction& transaction) -> Result<void> {
      TRY_VOID(refuse_others(transaction));
      for (const std::string& statement : migration.statements) {
        TRY_VOID(transaction.execute(statement));
      }
      TRY_VOID(
          transaction.execute("INSERT INTO store_migrations (room, number, statements, applied) "
                              "VALUES (?1, ?2, ?3, ?4)",
                              {std::string(room), std::int64_t{migration.number},
                               text_of(migration), to_micros(clock.now())}));
      return {};
    };
    TRY_VOID(context(store.run(step), fmt::format("migration {} of `{}`", migration.number, room)));
  }
  return {};
}

}  // namespace keyturn::store
