#include "store/postgres_member.h"

namespace keyturn::store {
namespace {

// How often a member looks for others that are silent.
constexpr Duration kLookInterval = std::chrono::seconds(3);

constexpr std::string_view kLeaseTable =
    "CREATE TABLE IF NOT EXISTS store_lease (id INTEGER PRIMARY KEY CHECK (id = 1), epoch BIGINT "
    "NOT NULL)";
// `renewed` is in microseconds since 1970, by the database's clock; it is only ever compared with
// what it was.
constexpr std::string_view kMembersTable =
    "CREATE TABLE IF NOT EXISTS store_members (number BIGINT PRIMARY KEY, renewed BIGINT NOT NULL)";
constexpr std::string_view kHasTables =
    "SELECT 1 WHERE to_regclass('store_lease') IS NOT NULL AND to_regclass('store_members') IS NOT "
    "NULL";
// Asked first, because a server's role may neither create nor insert.
constexpr std::string_view kHasRow = "SELECT 1 FROM store_lease";
constexpr std::string_view kFirst = "INSERT INTO store_lease (id, epoch) VALUES (1, 0)";

#define KEYTURN_NOW "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#define KEYTURN_KEY(number) \
  "hashtextextended('keyturn:' || current_schema() || ':' || " number "::text, 0)"

constexpr std::string_view kWaitForTurn = "SELECT 1 FROM store_lease WHERE id = 1 FOR UPDATE";
constexpr std::string_view kRenew = "UPDATE store_members SET renewed = " KEYTURN_NOW
                                    " FROM store_lease l WHERE l.id = 1 AND number = ?1 "
                                    "RETURNING pg_current_xact_id()::text::bigint";
constexpr std::string_view kRemoveDead =
    "DELETE FROM store_members WHERE pg_try_advisory_xact_lock(" KEYTURN_KEY("number") ")";
constexpr std::string_view kNumber =
    "UPDATE store_lease SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";
constexpr std::string_view kJoin =
    "INSERT INTO store_members (number, renewed) VALUES (?1, " KEYTURN_NOW
    ") RETURNING pg_current_xact_id()::text::bigint";
// Not waiting: who has it meanwhile is the server's end of our last session.
constexpr std::string_view kLock = "SELECT pg_try_advisory_lock(" KEYTURN_KEY("?1") ")::int";
constexpr std::string_view kOthers =
    "SELECT number, renewed FROM store_members WHERE number <> ?1 ORDER BY number";
constexpr std::string_view kRemove = "DELETE FROM store_members WHERE number = ?1";

#undef KEYTURN_KEY
#undef KEYTURN_NOW

}  // namespace

Result<void> PostgresMember::prepare(PostgresConnection& connection) {
  TRY(const Rows tables, connection.query(kHasTables));
  if (tables.empty()) {
    TRY_VOID(connection.execute(kLeaseTable));
    TRY_VOID(connection.execute(kMembersTable));
  }
  TRY(const Rows row, connection.query(kHasRow));
  if (!row.empty()) return {};
  // Two may open a new database at once.
  const auto made = connection.execute(kFirst);
  if (made || made.error().code == Code::kConflict) return {};
  return fail(Error(made.error()));
}

void PostgresMember::attach(PostgresConnection& connection) {
  signs_.clear();
  looked_.reset();
  if (!number_) return;
  if (const auto locked = connection.query(kLock, {*number_}); !locked) {
    log_.warning("store.session_not_marked", {{"error", locked.error().message}});
  }
}

Result<std::int64_t> PostgresMember::enter(PostgresConnection& connection) {
  connection.defer(std::string(kWaitForTurn));
  TRY(const Rows rows, connection.query(kRenew, {number_.value_or(0)}));
  if (rows.empty()) return join(connection);
  TRY_VOID(remove_silent(connection));
  return rows[0].integer(0);
}

Result<std::int64_t> PostgresMember::join(PostgresConnection& connection) {
  TRY_VOID(connection.execute(kRemoveDead));
  TRY(const Rows number, connection.query(kNumber));
  if (number.empty()) return fail(Code::kCorrupt, "the table `store_lease` has lost its row");
  TRY(const Rows rows, connection.query(kJoin, {number[0].integer(0)}));
  joining_ = number[0].integer(0);
  return rows.at(0).integer(0);
}

void PostgresMember::committed(PostgresConnection& connection) {
  if (!joining_) return;
  const bool again = number_.has_value();
  number_ = std::exchange(joining_, std::nullopt);
  if (again) {
    log_.warning("store.joined_again",
                 {{"number", fmt::to_string(*number_)},
                  {"note",
                   "this gateway was silent, or cut off from the database, and others went on "
                   "without it; what it had sent and not recorded counts as outcome unknown"}});
  }
  attach(connection);
}

void PostgresMember::leave(PostgresConnection& connection) {
  if (!number_ || !connection.is_connected()) return;
  connection.defer("BEGIN");
  connection.defer(std::string(kWaitForTurn));
  // Whoever joins next finds out all the same.
  static_cast<void>(connection.execute(kRemove, {*number_}));
  static_cast<void>(connection.control("COMMIT"));
}

Result<std::vector<std::int64_t>> PostgresMember::others(PostgresConnection& connection) const {
  TRY(const Rows rows, connection.query(kOthers, {number()}));
  std::vector<std::int64_t> numbers;
  for (const Row& row : rows) numbers.push_back(row.integer(0));
  return numbers;
}

// What a clock says is no sign of life, but that the row changes is: so no two clocks are compared.
Result<void> PostgresMember::remove_silent(PostgresConnection& connection) {
  const Instant now = clock_.monotonic();
  if (looked_ && now - *looked_ < kLookInterval) return {};
  looked_ = now;
  TRY(const Rows rows, connection.query(kOthers, {number()}));
  std::map<std::int64_t, Sign> seen;
  for (const Row& row : rows) {
    Sign sign{row.integer(1), now};
    const auto before = signs_.find(row.integer(0));
    if (before != signs_.end() && before->second.renewed == sign.renewed) sign = before->second;
    if (now - sign.since < silent_max_) {
      seen.emplace(row.integer(0), sign);
      continue;
    }
    TRY_VOID(connection.execute(kRemove, {row.integer(0)}));
    log_.warning("store.member_removed",
                 {{"number", fmt::to_string(row.integer(0))},
                  {"note", "another gateway has been silent for too long"}});
  }
  signs_ = std::move(seen);
  return {};
}

}  // namespace keyturn::store
