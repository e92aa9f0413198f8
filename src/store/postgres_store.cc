// PostgreSQL behind the Store interface. One session writes, in turns with those of other members,
// and proves in each transaction that it is one; the others read.
#include "base/id.h"
#include "store/folder.h"
#include "store/migrations.h"
#include "store/postgres_connection.h"
#include "store/postgres_member.h"
#include "store/postgres_news.h"
#include "store/readers.h"
#include "store/writer.h"

namespace keyturn::store {
namespace {

constexpr std::int64_t kVersionMin = 150'000;
// How often a commit whose answer was lost is looked up, 200 ms apart, while the server still runs
// it.
constexpr int kLookupsMax = 25;

// Idle rounds of the writer, half a second each, from one sign of life to the next.
constexpr int kRenewRounds = 6;

constexpr std::string_view kMigrationsTable =
    "CREATE TABLE IF NOT EXISTS store_migrations (room TEXT NOT NULL, number INTEGER NOT NULL, "
    "statements TEXT NOT NULL, applied BIGINT NOT NULL, PRIMARY KEY (room, number))";
Result<std::string> setting(PostgresConnection& connection, std::string_view name) {
  TRY(const Rows rows, connection.query("SELECT current_setting(?1)", {std::string(name)}));
  return rows.at(0).text(0);
}

// A commit that was answered must survive a power failure.
Result<void> check_server(PostgresConnection& connection) {
  TRY(const Rows version,
      connection.query("SELECT current_setting('server_version_num')::bigint, version()"));
  if (version.at(0).integer(0) < kVersionMin) {
    return fail(Code::kUnavailable, "PostgreSQL 15 or newer is wanted; this is {}",
                version[0].text(1));
  }
  for (const std::string_view name : {"fsync", "full_page_writes"}) {
    TRY(const std::string value, setting(connection, name));
    if (value != "on") {
      return fail(Code::kUnavailable,
                  "PostgreSQL runs with {} = {}: it may lose what was committed; set it to on",
                  name, value);
    }
  }
  TRY(const std::string commit, setting(connection, "synchronous_commit"));
  TRY(const std::string standbys, setting(connection, "synchronous_standby_names"));
  const bool durable = commit == "on" || commit == "remote_apply" ||
                       (standbys.empty() && (commit == "local" || commit == "remote_write"));
  if (!durable) {
    return fail(Code::kUnavailable,
                "PostgreSQL runs with synchronous_commit = {}: it may lose what was committed; set "
                "it to on, or to remote_apply",
                commit);
  }
  return {};
}

constexpr std::string_view kMayNotMake =
    "the tables are not there, or not all, and this role may not make them; run `keyturn store "
    "migrate --dsn OWNER --role ROLE` with the role that owns the schema";

// Made when missing, and touched only then: a server's role may make nothing.
Result<void> prepare_schema(PostgresConnection& connection, const std::string& schema) {
  TRY(const Rows there,
      connection.query("SELECT 1 WHERE to_regnamespace(?1) IS NOT NULL", {Value(schema)}));
  if (there.empty()) {
    TRY_VOID(context(connection.control(fmt::format("CREATE SCHEMA IF NOT EXISTS \"{}\"", schema)),
                     kMayNotMake));
  }
  return context(PostgresMember::prepare(connection), kMayNotMake);
}

class PostgresWriteConnection final : public WriteConnection {
 public:
  PostgresWriteConnection(std::unique_ptr<PostgresConnection> connection, PostgresMember member,
                          Log& log)
      : connection_(std::move(connection)), member_(std::move(member)), log_(log) {}
  ~PostgresWriteConnection() override { member_.leave(*connection_); }
  PostgresWriteConnection(const PostgresWriteConnection&) = delete;
  PostgresWriteConnection& operator=(const PostgresWriteConnection&) = delete;

  Engine engine() const override { return Engine::kPostgres; }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    return connection_->execute(sql, parameters);
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    return connection_->query(sql, parameters);
  }
  std::int64_t writer() const override { return member_.number(); }
  Result<std::vector<std::int64_t>> other_writers() override {
    return member_.others(*connection_);
  }

  Result<void> begin() override {
    connection_->count_from_zero();
    idle_rounds_ = 0;
    Result<void> begun = begin_as_member();
    if (!begun) rollback();
    return begun;
  }
  Result<void> set_savepoint() override {
    connection_->defer("SAVEPOINT unit");
    return {};
  }
  Result<void> release_savepoint() override { return end_savepoint("RELEASE unit"); }
  Result<void> undo_savepoint() override { return end_savepoint("ROLLBACK TO unit; RELEASE unit"); }
  Result<void> commit() override {
    const auto done = connection_->control("COMMIT");
    begun_ = false;
    if (done && *done == "COMMIT") {
      member_.committed(*connection_);
      return {};
    }
    Result<void> found =
        done ? Result<void>(fail(Code::kUnavailable, "the database rolled the transaction back"))
        : connection_->is_connected() ? Result<void>(fail(Error(done.error())))
                                      : look_up_commit();
    if (!found) member_.rolled_back();
    return found;
  }
  void rollback() override {
    member_.rolled_back();
    if (!in_transaction()) return;
    begun_ = false;
    connection_->deferred().clear();
    if (const auto result = connection_->control("ROLLBACK"); !result) {
      log_.warning("store.rollback_failed", {{"error", result.error().message}});
    }
  }
  bool in_transaction() const override { return begun_ && connection_->is_connected(); }
  std::size_t bytes_written() const override { return connection_->bytes_bound(); }
  // A member with nothing to write says that it lives.
  void keep_house(Load load) override {
    if (load == Load::kBusy || ++idle_rounds_ < kRenewRounds) return;
    Result<void> renewed = begin();
    if (renewed) renewed = commit();
    if (!renewed) {
      log_.warning("store.renewal_failed", {{"error", renewed.error().message}});
    }
  }
  bool wants_idle_time() const override { return true; }

 private:
  // A savepoint in which nothing happened is not sent at all.
  Result<void> end_savepoint(std::string_view sql) {
    std::vector<std::string>& deferred = connection_->deferred();
    if (!deferred.empty() && deferred.back() == "SAVEPOINT unit") {
      deferred.pop_back();
      return {};
    }
    for (std::string_view rest = sql; !rest.empty();) {
      const std::size_t end = std::min(rest.find("; "), rest.size());
      connection_->defer(std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    return {};
  }

  Result<void> begin_as_member() {
    if (!connection_->is_connected()) TRY_VOID(reconnect());
    begun_ = true;
    // Whatever the server's default is: each statement must see what the last turn committed.
    connection_->defer("BEGIN ISOLATION LEVEL READ COMMITTED");
    TRY(transaction_, member_.enter(*connection_));
    return {};
  }

  Result<void> reconnect() {
    TRY_VOID(connection_->connect());
    member_.attach(*connection_);
    log_.info("store.connected", {});
    return {};
  }

  // The answer to COMMIT was lost: the server knows what became of the transaction.
  Result<void> look_up_commit() {
    TRY_VOID(context(reconnect(), "whether the last batch was committed is not known"));
    for (int i = 0; i < kLookupsMax; ++i) {
      TRY(const Rows rows, connection_->query("SELECT pg_xact_status(?1::text::xid8)",
                                              {std::to_string(transaction_)}));
      const std::string status = rows.at(0).is_null(0) ? "unknown" : rows[0].text(0);
      if (status == "committed") {
        member_.committed(*connection_);
        return {};
      }
      if (status != "in progress") {
        return fail(Code::kUnavailable, "the connection was lost and the transaction with it");
      }
      TRY_VOID(connection_->query("SELECT 1 FROM pg_sleep(0.2)"));
    }
    return fail(Code::kUnavailable,
                "the connection was lost during a commit that the database still works on");
  }

  std::unique_ptr<PostgresConnection> connection_;
  PostgresMember member_;
  Log& log_;
  int idle_rounds_ = 0;
  bool begun_ = false;
  std::int64_t transaction_ = 0;
};

class PostgresReadConnection final : public ReadConnection {
 public:
  explicit PostgresReadConnection(std::unique_ptr<PostgresConnection> connection)
      : connection_(std::move(connection)) {}
  Engine engine() const override { return Engine::kPostgres; }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    return connection_->execute(sql, parameters);
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    return connection_->query(sql, parameters);
  }
  Result<void> begin() override {
    if (!connection_->is_connected()) TRY_VOID(connection_->connect());
    connection_->defer("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return {};
  }
  Result<void> end() override {
    if (!connection_->deferred().empty()) {
      connection_->deferred().clear();  // nothing was asked
      return {};
    }
    TRY_VOID(connection_->control("ROLLBACK"));
    return {};
  }

 private:
  std::unique_ptr<PostgresConnection> connection_;
};

class PostgresStore final : public Store {
 public:
  PostgresStore(PostgresOptions options, std::unique_ptr<Folder> folder,
                std::unique_ptr<Readers> readers, std::unique_ptr<WriteConnection> connection,
                const Clock& clock, Log& log, Metrics& metrics)
      : options_(std::move(options)),
        folder_(std::move(folder)),
        clock_(clock),
        readers_(std::move(readers)),
        writer_(std::move(connection), clock, log, metrics) {}
  ~PostgresStore() override { PostgresStore::close(); }

  Engine engine() const override { return Engine::kPostgres; }
  bool is_shared() const override { return true; }
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
  std::unique_ptr<News> listen_for_news() override { return listen_in_postgres(options_, clock_); }
  void close() override {
    const std::unique_ptr<WriteConnection> connection = writer_.close();
    readers_->close();
    folder_.reset();
  }

 private:
  bool on_writer_thread() const override { return writer_.is_this_thread(); }

  const PostgresOptions options_;
  std::unique_ptr<Folder> folder_;  // null: none
  const Clock& clock_;
  std::unique_ptr<Readers> readers_;
  Writer writer_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions& options, const Clock& clock,
                                             Log& log, Metrics& metrics) {
  CHECK(options.read_connections > 0);
  TRY_VOID(context(check_handle(options.schema), "the schema of the database"));
  std::unique_ptr<Folder> folder;
  if (!options.folder.empty()) {
    TRY(folder, Folder::lock(options.folder));
  }
  using Access = PostgresConnection::Access;
  TRY(auto connection, PostgresConnection::open(options, Access::kWrite));
  TRY_VOID(check_server(*connection));
  TRY_VOID(prepare_schema(*connection, options.schema));
  connection->forbid_control();
  std::vector<std::unique_ptr<ReadConnection>> reading;
  for (std::size_t i = 0; i < options.read_connections; ++i) {
    TRY(auto reader, PostgresConnection::open(options, Access::kReadOnly));
    reader->forbid_control();
    reading.push_back(std::make_unique<PostgresReadConnection>(std::move(reader)));
  }
  auto store = std::make_unique<PostgresStore>(
      options, std::move(folder), std::make_unique<Readers>(std::move(reading)),
      std::make_unique<PostgresWriteConnection>(
          std::move(connection), PostgresMember(options.silent_max, clock, log), log),
      clock, log, metrics);
  TRY_VOID(prepare_migrations(*store, kMigrationsTable));
  return store;
}

}  // namespace keyturn::store
