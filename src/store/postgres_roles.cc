#include "store/postgres_roles.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/id.h"
#include "store/postgres_connection.h"

namespace keyturn::store {
namespace {

constexpr std::string_view kOrdinary = "SELECT, INSERT, UPDATE, DELETE";
constexpr std::array<TableRights, 2> kOwn = {
    {{"store_lease", "SELECT, UPDATE"}, {"store_migrations", "SELECT"}}};

std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

Result<void> check_role(PostgresConnection& connection, const std::string& role) {
  TRY(const Rows rows,
      connection.query("SELECT rolsuper::int FROM pg_roles WHERE rolname = ?1", {Value(role)}));
  if (rows.empty()) {
    return fail(Code::kNotFound, "the database has no role `{}`; make it with CREATE ROLE first",
                printable(role, 64));
  }
  TRY(const Rows owned,
      connection.query("SELECT 1 FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                       "current_schema()::regnamespace AND pg_has_role(?1, relowner, 'MEMBER') "
                       "LIMIT 1",
                       {Value(role)}));
  if (rows[0].integer(0) == 0 && owned.empty()) return {};
  return fail(Code::kInvalid,
              "the role `{}` is a superuser, or owns the tables or belongs to their owner, so no "
              "right can be kept from it; give the server a role of its own",
              printable(role, 64));
}

std::string_view rights_of(std::string_view table, std::span<const TableRights> special) {
  const auto is_it = [table](const TableRights& rights) { return rights.table == table; };
  if (const auto own = std::find_if(kOwn.begin(), kOwn.end(), is_it); own != kOwn.end()) {
    return own->rights;
  }
  const auto found = std::find_if(special.begin(), special.end(), is_it);
  return found == special.end() ? kOrdinary : found->rights;
}

}  // namespace

Result<void> grant_server_role(const PostgresOptions& options, const std::string& role,
                               std::span<const TableRights> special) {
  TRY_VOID(context(check_handle(options.schema), "the schema of the database"));
  TRY(const auto connection, PostgresConnection::open(options, PostgresConnection::Access::kWrite));
  TRY_VOID(check_role(*connection, role));
  TRY(const Rows tables,
      connection->query("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                        "current_schema()::regnamespace ORDER BY 1"));
  const std::string to = quoted(role);
  const std::string schema = quoted(options.schema);
  connection->defer("BEGIN");
  connection->defer(fmt::format("REVOKE ALL ON SCHEMA {} FROM {}", schema, to));
  connection->defer(fmt::format("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}", schema, to));
  connection->defer(fmt::format("GRANT USAGE ON SCHEMA {} TO {}", schema, to));
  for (const Row& row : tables) {
    connection->defer(fmt::format("GRANT {} ON {}.{} TO {}", rights_of(row.text(0), special),
                                  schema, quoted(row.text(0)), to));
  }
  TRY(const std::string done, connection->control("COMMIT"));
  if (done == "COMMIT") return {};
  return fail(Code::kUnavailable, "the database rolled the rights back");
}

}  // namespace keyturn::store
