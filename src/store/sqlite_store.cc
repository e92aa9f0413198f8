// SQLite behind the Store interface: who opens what, in which order, and when checkpoints happen.
#include <filesystem>

#include "store/folder.h"
#include "store/migrations.h"
#include "store/readers.h"
#include "store/sqlite_connection.h"
#include "store/store.h"
#include "store/writer.h"

namespace keyturn::store {
namespace {

// A log this long is moved into the database even under load: some tens of milliseconds of work.
constexpr int kCheckpointPages = 4'096;
// Longer, and the file is cut as well. Only a reader that stays on an old state lets it grow so
// far.
constexpr int kTruncatePages = 16'384;

constexpr std::string_view kMigrationsTable =
    "CREATE TABLE IF NOT EXISTS store_migrations (room TEXT NOT NULL, number INTEGER NOT NULL, "
    "statements TEXT NOT NULL, applied INTEGER NOT NULL, PRIMARY KEY (room, number)) STRICT";

class SqliteWriteConnection final : public WriteConnection {
 public:
  SqliteWriteConnection(std::unique_ptr<SqliteConnection> connection, Log& log)
      : connection_(std::move(connection)), log_(log) {
    sqlite3_wal_hook(connection_->raw(), &note_log_pages, this);
  }
  ~SqliteWriteConnection() override { sqlite3_wal_hook(connection_->raw(), nullptr, nullptr); }

  Engine engine() const override { return Engine::kSqlite; }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    return connection_->execute(sql, parameters);
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    return connection_->query(sql, parameters);
  }

  Result<void> begin() override {
    connection_->count_from_zero();
    return connection_->control("BEGIN IMMEDIATE");
  }
  Result<void> set_savepoint() override { return connection_->control("SAVEPOINT unit"); }
  Result<void> release_savepoint() override { return connection_->control("RELEASE unit"); }
  Result<void> undo_savepoint() override {
    TRY_VOID(connection_->control("ROLLBACK TO unit"));
    return release_savepoint();
  }
  Result<void> commit() override { return connection_->control("COMMIT"); }
  void rollback() override {
    if (!in_transaction()) return;
    if (const auto result = connection_->control("ROLLBACK"); !result) {
      log_.warning("store.rollback_failed", {{"error", result.error().message}});
    }
  }
  bool in_transaction() const override { return connection_->in_transaction(); }
  std::size_t bytes_written() const override { return connection_->bytes_bound(); }
  bool disk_failed() const { return connection_->disk_failed() || checkpoint_failed_; }

  bool wants_idle_time() const override { return log_pages_ > 0; }
  void keep_house(Load load) override {
    if (load == Load::kIdle) {
      checkpoint(SQLITE_CHECKPOINT_PASSIVE);
      log_pages_ = 0;  // once per pause, whether readers let it finish or not
    } else if (log_pages_ >= kTruncatePages) {
      checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    } else if (log_pages_ >= next_checkpoint_) {
      checkpoint(SQLITE_CHECKPOINT_PASSIVE);
      // A reader may hold it back: try again only after as much has been added.
      next_checkpoint_ = log_pages_ + kCheckpointPages;
    }
  }

 private:
  static int note_log_pages(void* self, sqlite3*, const char*, int pages) {
    auto& connection = *static_cast<SqliteWriteConnection*>(self);
    if (pages < connection.log_pages_) connection.next_checkpoint_ = kCheckpointPages;
    connection.log_pages_ = pages;
    return SQLITE_OK;
  }

  void checkpoint(int mode) {
    const int code = sqlite3_wal_checkpoint_v2(connection_->raw(), nullptr, mode, nullptr, nullptr);
    // Busy is a reader on an old state; the next one will do.
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
      checkpoint_failed_ = true;
      log_.warning("store.checkpoint_failed", {{"error", sqlite3_errstr(code)}});
    }
  }

  std::unique_ptr<SqliteConnection> connection_;
  Log& log_;
  int log_pages_ = 0;
  int next_checkpoint_ = kCheckpointPages;
  bool checkpoint_failed_ = false;
};

class SqliteReadConnection final : public ReadConnection {
 public:
  explicit SqliteReadConnection(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)) {}
  Engine engine() const override { return Engine::kSqlite; }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    return connection_->execute(sql, parameters);
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    return connection_->query(sql, parameters);
  }
  Result<void> begin() override { return connection_->control("BEGIN"); }
  Result<void> end() override {
    if (!connection_->in_transaction()) return {};
    return connection_->control("ROLLBACK");
  }

 private:
  std::unique_ptr<SqliteConnection> connection_;
};

Result<std::unique_ptr<Readers>> open_readers(const std::string& path, std::size_t count) {
  std::vector<std::unique_ptr<ReadConnection>> connections;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(auto connection, SqliteConnection::open(path, SqliteConnection::Access::kReadOnly));
    connection->forbid_control();
    connections.push_back(std::make_unique<SqliteReadConnection>(std::move(connection)));
  }
  return std::make_unique<Readers>(std::move(connections));
}

Result<void> check_integrity(SqliteConnection& connection, const std::string& path) {
  const auto rows = connection.query("PRAGMA integrity_check(1)");
  std::string fault;
  if (!rows) {
    fault = rows.error().message;
  } else if (rows->size() != 1 || rows->front().text(0) != "ok") {
    fault = rows->empty() ? "no answer" : rows->front().text(0);
  }
  if (fault.empty()) return {};
  return fail(Code::kCorrupt,
              "the database `{}` fails its integrity check after an unclean stop ({}); keep the "
              "files and restore a backup",
              path, fault);
}

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, std::unique_ptr<Folder> folder, std::unique_ptr<Readers> readers,
              std::unique_ptr<SqliteConnection> connection, WriterHost* host, const Clock& clock,
              Log& log, Metrics& metrics)
      : path_(std::move(path)),
        clock_(clock),
        log_(log),
        folder_(std::move(folder)),
        readers_(std::move(readers)),
        writer_(std::make_unique<SqliteWriteConnection>(std::move(connection), log), clock, log,
                metrics, host) {}
  ~SqliteStore() override { SqliteStore::close(); }

  Engine engine() const override { return Engine::kSqlite; }
  Result<void> migrate(std::string_view room, std::span<const Migration> migrations) override {
    return run_migrations(*this, clock_, room, migrations);
  }
  void submit(Unit unit, Committed done) override {
    writer_.submit(std::move(unit), std::move(done));
  }
  Result<void> read(const Unit& unit) override { return readers_->read(unit); }
  void set_batch_step(Unit step, Committed done) override {
    writer_.set_batch_step(std::move(step), std::move(done));
  }
  void close() override {
    // Readers first: the last connection to close empties and removes the log.
    std::unique_ptr<WriteConnection> connection = writer_.close();
    readers_->close();
    if (connection == nullptr) return;
    const bool failed = static_cast<const SqliteWriteConnection&>(*connection).disk_failed();
    connection.reset();
    // A log that is left was not moved into the database whole. The next start looks at all of it.
    std::error_code error;
    if (failed || std::filesystem::exists(path_ + "-wal", error)) {
      log_.warning("store.marker_stays", {{"error", "the disk failed while the store was open"}});
      folder_.reset();
      return;
    }
    if (const auto marked = folder_->mark_clean(); !marked) {
      log_.warning("store.marker_stays", {{"error", marked.error().message}});
    }
    folder_.reset();  // another may have it now
  }

 private:
  bool on_writer_thread() const override { return writer_.is_this_thread(); }
  bool commit_here() override { return writer_.commit_here(); }

  const std::string path_;
  const Clock& clock_;
  Log& log_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Readers> readers_;
  Writer writer_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, const Clock& clock,
                                           Log& log, Metrics& metrics) {
  CHECK(options.read_connections > 0);
  TRY_VOID(check_sqlite_version(sqlite3_libversion_number()));
  const std::filesystem::path path(options.path);
  if (!path.has_filename()) {
    return fail(Code::kInvalid, "`{}` does not name a database file", options.path);
  }
  const std::string folder_path = path.has_parent_path() ? path.parent_path().string() : ".";
  TRY(std::unique_ptr<Folder> folder, Folder::lock(folder_path));
  const bool unclean = folder->was_left_unclean();
  TRY_VOID(folder->mark_in_use());
  TRY_VOID(folder->create_file(path.filename().string()));
  TRY(auto connection, SqliteConnection::open(options.path, SqliteConnection::Access::kWrite));
  if (unclean) {
    log.warning("store.unclean_stop", {{"database", options.path}});
    TRY_VOID(check_integrity(*connection, options.path));
  }
  connection->forbid_control();
  TRY(auto readers, open_readers(options.path, options.read_connections));
  auto store =
      std::make_unique<SqliteStore>(options.path, std::move(folder), std::move(readers),
                                    std::move(connection), options.host, clock, log, metrics);
  TRY_VOID(prepare_migrations(*store, kMigrationsTable));
  return store;
}

}  // namespace keyturn::store
