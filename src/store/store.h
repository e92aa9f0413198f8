// Durable storage: connections, transactions, migrations. One writer thread commits units of work
// in groups; readers use connections of their own and see only committed state. The store knows no
// table but its own; every room owns its tables, whose names begin with the room's. SQL stays in
// the subset that SQLite and PostgreSQL share, with `?1` placeholders.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"

namespace keyturn::store {

enum class Engine { kSqlite, kPostgres };

// Bytes, as opposed to text.
struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};
// null, INTEGER, TEXT, BLOB. There are no floating-point columns.
using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;

// One row of a result. Reading a column as another type than it has is a broken invariant.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  bool is_null(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;
  const std::string& text(std::size_t column) const;
  const std::string& blob(std::size_t column) const;
  const std::vector<Value>& values() const { return values_; }

 private:
  std::vector<Value> values_;
};
using Rows = std::vector<Row>;

// Valid only during the function it is given to, on that thread. After a statement has failed in a
// unit of work, the unit is lost: further statements return the same error, and so does the unit,
// whatever it returns itself. Text is UTF-8 without NUL; anything else is a Blob, or kInvalid.
class Transaction {
 public:
  using Parameters = std::initializer_list<Value>;
  static constexpr std::size_t kQueryRowsMax = 100'000;  // page through more
  virtual ~Transaction() = default;
  virtual Engine engine() const = 0;
  // One statement. Returns the rows changed. kConflict on a violated constraint; kExhausted when
  // the disk is full; kInternal on wrong SQL or a wrong number of parameters.
  virtual Result<std::int64_t> execute(std::string_view sql, Parameters parameters = {}) = 0;
  virtual Result<Rows> query(std::string_view sql, Parameters parameters = {}) = 0;
  // Where several write to one database, within a unit of work: which of them this is, a number
  // that no other has had, and the others that count as living. 0, and none, where one alone does.
  virtual std::int64_t writer() const { return 0; }
  virtual Result<std::vector<std::int64_t>> other_writers() { return std::vector<std::int64_t>(); }
  // Another number whenever something that was written in this transaction may have been undone,
  // and in every other one: as long as it stays, what was written here is what was written last.
  // Nothing where that is not known.
  virtual std::optional<std::uint64_t> generation() const { return std::nullopt; }
};

// One numbered step of a room's schema; numbers start at 1 without gaps. One statement per entry.
// Never change a step that has been released: add one.
struct Migration {
  int number = 0;
  std::vector<std::string> statements;
};

// All-or-nothing work. It must not wait on anything else. An error rolls this unit back alone.
using Unit = std::function<Result<void>(Transaction&)>;
// Called once, on the writer thread, after the commit is durable or has failed (or at once, on the
// calling thread, when the unit is refused). It must not block. After an error the unit has no
// effect, with one exception: a commit that the disk failed may still be found whole after a crash.
using Committed = std::function<void(Result<void>)>;

// Where a store commits that has no thread of its own: on the one thread that also runs everything
// else. A simulator is one, and decides when and in which groups units are committed.
class WriterHost {
 public:
  virtual ~WriterHost() = default;
  // Units wait where none did. Arrange for `commit` to be called later, on this thread and before
  // the store is closed; not within this call. It commits one batch, and asks again if more wait.
  virtual void schedule(std::function<void()> commit) = 0;
};

class News;  // store/news.h

class Store {
 public:
  static constexpr std::size_t kBatchUnitsMax = 512;     // measured: the knee of group commit
  static constexpr std::size_t kQueueUnitsMax = 16'384;  // some seconds of work; beyond it we deny
  virtual ~Store();

  virtual Engine engine() const = 0;
  // Whether other stores, of other processes, may write to the same database.
  virtual bool is_shared() const { return false; }
  // Brings a room's tables up to date, each step in a transaction of its own. kConflict when the
  // database is newer than the list, a step's text has changed since it ran, or another writes to
  // the database that is to change.
  virtual Result<void> migrate(std::string_view room, std::span<const Migration> migrations) = 0;
  // Queues a unit. kExhausted through `done` when the queue is full, kUnavailable after close().
  // Any thread.
  virtual void submit(Unit unit, Committed done) = 0;
  // The same, waiting; `done`, when given, is called before this returns. Not to be called on an
  // event loop; inside a unit or a Committed it aborts.
  Result<void> run(Unit unit, const Committed& done = {});
  // A consistent read-only view. May be called from any thread, also on an event loop (reads are
  // short), but not inside another read. kUnavailable after close().
  virtual Result<void> read(const Unit& unit) = 0;
  // `step` runs last inside every transaction that is about to commit; its error fails the whole
  // batch. `done` is called after that commit or its failure, before the batch's units are
  // answered. Set once.
  virtual void set_batch_step(Unit step, Committed done) = 0;
  // News of what others commit; null where none comes.
  virtual std::unique_ptr<News> listen_for_news();
  // Finishes what is queued, then refuses. Not to be called inside a unit or a Committed.
  virtual void close() = 0;

 private:
  virtual bool on_writer_thread() const = 0;
  // Commits a batch, where the store has no thread for that; whether there was one.
  virtual bool commit_here() { return false; }
};

struct SqliteOptions {
  std::string path;  // of the database file; its folder is locked with flock
  std::size_t read_connections = 4;
  WriterHost* host = nullptr;  // null: a thread of its own
};
// Creates folder and file when missing. Refuses, with the reason: a library with the WAL-reset bug,
// a data folder in use, a database that fails its integrity check after an unclean stop.
Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, const Clock& clock,
                                           Log& log, Metrics& metrics);

struct PostgresOptions {
  std::string url;                 // a libpq connection string; passwords rather in a pgpass file
  std::string schema = "keyturn";  // of the tables; created when missing
  std::string folder = {};  // of what else the process keeps, locked with flock; empty: nothing
  std::size_t read_connections = 4;
  // How long another writer may be silent before it is removed. Each says every 3 s that it lives.
  std::chrono::seconds silent_max{15};
};
// PostgreSQL 15 or newer. Refuses, with the reason: a server that may lose commits (fsync,
// full_page_writes or synchronous_commit off). Several stores may write to one schema, in turns: a
// unit sees all that was committed before, whoever did it. Who is removed for its silence loses the
// batch it was in, and writes the next one under a new number.
Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions& options, const Clock& clock,
                                             Log& log, Metrics& metrics);

}  // namespace keyturn::store
