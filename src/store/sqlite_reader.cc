#include "store/sqlite_reader.h"

namespace keyturn::store {
namespace {

class ReadTransaction final : public Transaction {
 public:
  explicit ReadTransaction(SqliteConnection& connection) : connection_(connection) {}
  Engine engine() const override { return Engine::kSqlite; }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    return connection_.execute(sql, parameters);
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    return connection_.query(sql, parameters);
  }

 private:
  SqliteConnection& connection_;
};

}  // namespace

Result<std::unique_ptr<SqliteReaders>> SqliteReaders::open(const std::string& path,
                                                           std::size_t count) {
  std::vector<Connection> connections;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(Connection connection, SqliteConnection::open(path, SqliteConnection::Access::kReadOnly));
    connection->forbid_control();
    connections.push_back(std::move(connection));
  }
  return std::make_unique<SqliteReaders>(std::move(connections));
}

Result<SqliteReaders::Connection> SqliteReaders::take() {
  std::unique_lock lock(mutex_);
  given_back_.wait(lock, [this] { return closed_ || !free_.empty(); });
  if (closed_) return fail(Code::kUnavailable, "the store is closed");
  Connection connection = std::move(free_.back());
  free_.pop_back();
  ++taken_;
  return connection;
}

void SqliteReaders::give_back(Connection connection) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(connection));
  --taken_;
  // Also close() may be waiting.
  given_back_.notify_all();
}

Result<void> SqliteReaders::read(const Unit& unit) {
  TRY(Connection connection, take());
  Result<void> result = connection->control("BEGIN");
  if (result) {
    ReadTransaction transaction(*connection);
    result = unit(transaction);
  }
  if (connection->in_transaction()) {
    const Result<void> ended = connection->control("ROLLBACK");
    if (result) result = ended;
  }
  give_back(std::move(connection));
  return result;
}

void SqliteReaders::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  given_back_.notify_all();
  given_back_.wait(lock, [this] { return taken_ == 0; });
  free_.clear();
}

}  // namespace keyturn::store
