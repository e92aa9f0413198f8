#include "store/postgres_lease.h"

namespace keyturn::store {
namespace {

// `session` is the writer's process id in the server, `renewed` microseconds since 1970.
constexpr std::string_view kTable =
    "CREATE TABLE IF NOT EXISTS store_lease (id INTEGER PRIMARY KEY CHECK (id = 1), epoch BIGINT "
    "NOT NULL, session BIGINT NOT NULL, renewed BIGINT NOT NULL)";
constexpr std::string_view kHasTable = "SELECT 1 WHERE to_regclass('store_lease') IS NOT NULL";
// Asked first, because a server's role may neither create nor insert. Not ON CONFLICT: that would
// wait for a stalled writer's open transaction.
constexpr std::string_view kHasRow = "SELECT 1 FROM store_lease";
constexpr std::string_view kFirst =
    "INSERT INTO store_lease (id, epoch, session, renewed) SELECT 1, 0, 0, 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM store_lease)";

#define KEYTURN_NOW "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#define KEYTURN_LOCK "hashtextextended('keyturn:' || current_schema(), 0)"

// Waits as long as lock_timeout says: the server needs a moment to see that a process has died.
constexpr std::string_view kLock = "SELECT 1 FROM pg_advisory_lock(" KEYTURN_LOCK ")";
constexpr std::string_view kUnlock = "SELECT pg_advisory_unlock(" KEYTURN_LOCK ")";
constexpr std::string_view kTakeAny =
    "UPDATE store_lease SET epoch = epoch + 1, session = pg_backend_pid(), renewed = " KEYTURN_NOW
    " WHERE id = 1 RETURNING epoch";
constexpr std::string_view kTakeSame =
    "UPDATE store_lease SET epoch = epoch + 1, session = pg_backend_pid(), renewed = " KEYTURN_NOW
    " WHERE id = 1 AND epoch = ?1 RETURNING epoch";
constexpr std::string_view kRenew = "UPDATE store_lease SET renewed = " KEYTURN_NOW
                                    " WHERE id = 1 AND epoch = ?1 "
                                    "RETURNING pg_current_xact_id()::text::bigint";
// Only a session that still holds the lock is ended: process ids are used again.
constexpr std::string_view kEndStalled =
    "SELECT pg_terminate_backend(l.session::integer) FROM store_lease l JOIN pg_locks k "
    "ON k.pid = l.session AND k.locktype = 'advisory' AND k.granted "
    "WHERE l.renewed <= " KEYTURN_NOW " - ?1";

#undef KEYTURN_NOW
#undef KEYTURN_LOCK

Error held() {
  return {Code::kConflict,
          "another gateway writes to this schema of the database; this one can take over when that "
          "one has stopped, or use a schema of its own"};
}

// kConflict when someone holds it.
Result<void> lock(PostgresConnection& connection, std::chrono::seconds stalled_after) {
  const auto locked = connection.query(kLock);
  if (locked) return {};
  if (!connection.is_connected()) return fail(Error(locked.error()));
  TRY(const Rows ended,
      connection.query(kEndStalled,
                       {std::int64_t{std::chrono::microseconds(stalled_after).count()}}));
  if (ended.empty()) return fail(held());
  if (!connection.query(kLock)) return fail(held());
  return {};
}

}  // namespace

Result<void> PostgresLease::prepare(PostgresConnection& connection) {
  TRY(const Rows table, connection.query(kHasTable));
  if (table.empty()) TRY_VOID(connection.execute(kTable));
  TRY(const Rows row, connection.query(kHasRow));
  if (row.empty()) TRY_VOID(connection.execute(kFirst));
  return {};
}

Error PostgresLease::lost() {
  lost_ = true;
  return {Code::kConflict,
          "another gateway has taken over writing to this database; nothing more is written from "
          "here until this one is started anew"};
}

Result<void> PostgresLease::take(PostgresConnection& connection) {
  if (lost_) return fail(lost());
  const auto locked = lock(connection, stalled_after_);
  if (!locked) {
    if (epoch_ && locked.error().code == Code::kConflict) return fail(lost());
    return locked;
  }
  TRY(const Rows rows,
      epoch_ ? connection.query(kTakeSame, {*epoch_}) : connection.query(kTakeAny));
  if (rows.empty()) {
    TRY_VOID(connection.query(kUnlock));
    return fail(lost());
  }
  epoch_ = rows[0].integer(0);
  return {};
}

Result<std::int64_t> PostgresLease::renew(PostgresConnection& connection) {
  if (lost_) return fail(lost());
  CHECK(epoch_);
  TRY(const Rows rows, connection.query(kRenew, {*epoch_}));
  if (rows.empty()) return fail(lost());
  return rows[0].integer(0);
}

}  // namespace keyturn::store
