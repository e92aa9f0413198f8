// One SQLite connection with its prepared statements. Used by one thread at a time.
#pragma once

#include <sqlite3.h>

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/store.h"

namespace keyturn::store {

// kUnavailable for a SQLite with the WAL-reset bug (3.7.0 to 3.51.2; 3.52.0 was withdrawn).
Result<void> check_sqlite_version(int version);

class SqliteConnection {
 public:
  // Statements kept prepared: more than all rooms together have.
  static constexpr std::size_t kStatementsMax = 256;
  enum class Access { kWrite, kReadOnly };

  // Takes over an open handle; open() is the way to get one.
  explicit SqliteConnection(sqlite3* raw) : database_(raw) {}

  // Only one connection of a database may have kWrite: it alone writes and checkpoints, so that the
  // WAL-reset bug would find no second party.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Access access);

  Result<std::int64_t> execute(std::string_view sql, Transaction::Parameters parameters = {});
  Result<Rows> query(std::string_view sql, Transaction::Parameters parameters = {});
  // BEGIN, SAVEPOINT, pragmas and the like; they stay prepared.
  Result<void> control(std::string_view sql);
  // From now on execute() and query() refuse such statements.
  void forbid_control();

  bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  // Of parameters since the last count_from_zero().
  std::size_t bytes_bound() const { return bytes_bound_; }
  void count_from_zero() { bytes_bound_ = 0; }
  // Whether the disk ever failed, or gave back what is no database; a full one has not failed.
  bool disk_failed() const { return disk_failed_; }
  sqlite3* raw() const { return database_.get(); }

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Database = std::unique_ptr<sqlite3, CloseDatabase>;
  using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;
  struct Cached {
    std::string sql;
    Statement statement;
  };

  static int authorize(void* self, int action, const char*, const char*, const char*, const char*);
  Result<void> configure(Access access);
  Result<Statement> prepare(std::string_view sql);
  Result<sqlite3_stmt*> find_or_prepare(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, Transaction::Parameters parameters);
  Result<void> bind_one(sqlite3_stmt* statement, int number, const Value& value);
  Result<Row> read_row(sqlite3_stmt* statement);
  Error error(int code);

  Database database_;
  std::vector<std::pair<std::string, Statement>> controls_;  // a handful of fixed texts
  bool disk_failed_ = false;
  bool controlling_ = false;  // the authorizer lets control through
  std::list<Cached> cached_;  // the most recently used first
  std::unordered_map<std::string_view, std::list<Cached>::iterator> by_sql_;
  std::size_t bytes_bound_ = 0;
};

}  // namespace keyturn::store
