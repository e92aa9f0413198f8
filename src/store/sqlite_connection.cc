#include "store/sqlite_connection.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/bytes.h"
#include "store/storable.h"

namespace keyturn::store {
namespace {

constexpr int kFirstFixedVersion = 3'051'003;
constexpr int kWithdrawnVersion = 3'052'000;

// Resets a statement however its use ends, so that none stays open across a savepoint.
class Reset {
 public:
  explicit Reset(sqlite3_stmt* statement) : statement_(statement) {}
  ~Reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Reset(const Reset&) = delete;
  Reset& operator=(const Reset&) = delete;

 private:
  sqlite3_stmt* const statement_;
};

Code code_of(int code, int system_error) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      // A value of a wrong type is no conflict with the data but a defect of the caller.
      return code == SQLITE_CONSTRAINT_DATATYPE ? Code::kInternal : Code::kConflict;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return Code::kExhausted;
    case SQLITE_IOERR:
      // SQLite calls only ENOSPC full; a quota and a file-size limit are no different to us.
      return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG
                 ? Code::kExhausted
                 : Code::kUnavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
      return Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorrupt;
    default:
      return Code::kInternal;
  }
}

}  // namespace

Result<void> check_sqlite_version(int version) {
  if (version >= kFirstFixedVersion && version != kWithdrawnVersion) return {};
  return fail(Code::kUnavailable,
              "SQLite {}.{}.{} can corrupt a database in WAL mode; run with 3.51.3 or newer, but "
              "not 3.52.0",
              version / 1'000'000, version / 1'000 % 1'000, version % 1'000);
}

Error SqliteConnection::error(int code) {
  const int system_error = sqlite3_system_errno(database_.get());
  std::string message = fmt::format("database: {}", sqlite3_errmsg(database_.get()));
  if ((code & 0xFF) == SQLITE_IOERR && system_error != 0) {
    message += fmt::format(" ({})", std::strerror(system_error));
  }
  const Code meaning = code_of(code, system_error);
  // What is full heals by itself; any other failure of the disk may have left something behind.
  if (meaning == Code::kCorrupt ||
      ((code & 0xFF) == SQLITE_IOERR && meaning == Code::kUnavailable)) {
    disk_failed_ = true;
  }
  return {meaning, std::move(message)};
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path,
                                                                 Access access) {
  sqlite3* raw = nullptr;
  const int flags = access == Access::kWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int opened = sqlite3_open_v2(path.c_str(), &raw,
                                     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  CHECK(raw != nullptr);
  auto connection = std::make_unique<SqliteConnection>(raw);
  if (opened != SQLITE_OK) {
    return fail(connection->error(opened).context(fmt::format("open `{}`", path)));
  }
  TRY_VOID(context(connection->configure(access), fmt::format("open `{}`", path)));
  return connection;
}

Result<void> SqliteConnection::configure(Access access) {
  const auto set = [this](int option, int value) {
    CHECK(sqlite3_db_config(raw(), option, value, nullptr) == SQLITE_OK);
  };
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  set(SQLITE_DBCONFIG_ENABLE_FKEY, 1);
  if (access == Access::kReadOnly) {
    set(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
    TRY_VOID(query("PRAGMA query_only = 1"));
    TRY_VOID(query("PRAGMA wal_autocheckpoint = 0"));
    return {};
  }
  TRY(const Rows mode, query("PRAGMA journal_mode = WAL"));
  if (mode.size() != 1 || mode[0].text(0) != "wal") {
    return fail(Code::kUnavailable, "the file system does not support SQLite's write-ahead log");
  }
  // FULL: a commit is on the disk before it is answered. Checkpoints are keep_house()'s.
  TRY_VOID(query("PRAGMA synchronous = FULL"));
  TRY_VOID(query("PRAGMA wal_autocheckpoint = 0"));
  // Else REPLACE would delete rows without running the triggers that forbid it.
  // What is erased is overwritten, not only forgotten.
  TRY_VOID(query("PRAGMA secure_delete = 1"));
  TRY_VOID(query("PRAGMA recursive_triggers = 1"));
  return {};
}

int SqliteConnection::authorize(void* self, int action, const char* name, const char*, const char*,
                                const char*) {
  // What tables look like may be asked, and SQLite itself checks those that get a column; such a
  // pragma changes nothing.
  if (action == SQLITE_PRAGMA && name != nullptr &&
      (std::strcmp(name, "table_info") == 0 || std::strcmp(name, "foreign_key_list") == 0 ||
       std::strcmp(name, "quick_check") == 0)) {
    return SQLITE_OK;
  }
  const bool is_control = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT ||
                          action == SQLITE_PRAGMA || action == SQLITE_ATTACH ||
                          action == SQLITE_DETACH;
  const bool allowed = !is_control || static_cast<SqliteConnection*>(self)->controlling_;
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

void SqliteConnection::forbid_control() {
  CHECK(sqlite3_set_authorizer(raw(), &authorize, this) == SQLITE_OK);
}

Result<void> SqliteConnection::control(std::string_view sql) {
  controlling_ = true;
  auto found = std::find_if(controls_.begin(), controls_.end(),
                            [sql](const auto& control) { return control.first == sql; });
  if (found == controls_.end()) {
    auto statement = prepare(sql);
    if (!statement) {
      controlling_ = false;
      return fail(std::move(statement.error()));
    }
    found = controls_.emplace(controls_.end(), std::string(sql), std::move(*statement));
  }
  const Reset reset(found->second.get());
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(found->second.get());
  controlling_ = false;
  if (code != SQLITE_DONE) return fail(error(code));
  return {};
}

Result<SqliteConnection::Statement> SqliteConnection::prepare(std::string_view sql) {
  CHECK(sql.size() < INT_MAX);
  sqlite3_stmt* raw_statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(raw(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw_statement, &rest);
  Statement statement(raw_statement);
  if (code != SQLITE_OK) return fail(error(code));
  const std::string_view tail = sql.substr(static_cast<std::size_t>(rest - sql.data()));
  if (statement == nullptr || tail.find_first_not_of(" \n\t;") != std::string_view::npos) {
    return fail(Code::kInternal, "database: `{}` is not one statement", printable(sql, 200));
  }
  return statement;
}

Result<sqlite3_stmt*> SqliteConnection::find_or_prepare(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    cached_.splice(cached_.begin(), cached_, found->second);
    return found->second->statement.get();
  }
  TRY(Statement statement, prepare(sql));
  if (cached_.size() == kStatementsMax) {
    by_sql_.erase(cached_.back().sql);
    cached_.pop_back();
  }
  cached_.push_front({std::string(sql), std::move(statement)});
  by_sql_.emplace(cached_.front().sql, cached_.begin());
  return cached_.front().statement.get();
}

Result<void> SqliteConnection::bind_one(sqlite3_stmt* statement, int number, const Value& value) {
  int code = SQLITE_OK;
  bytes_bound_ += sizeof(std::int64_t);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    code = sqlite3_bind_int64(statement, number, *integer);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    if (!is_storable_text(*text)) {
      return fail(Code::kInvalid, "parameter {} is no UTF-8 text without NUL; store it as bytes",
                  number);
    }
    bytes_bound_ += text->size();
    code = sqlite3_bind_text64(statement, number, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    bytes_bound_ += blob->bytes.size();
    // A null pointer would be NULL, and an empty string need not have an address.
    code = blob->bytes.empty() ? sqlite3_bind_zeroblob(statement, number, 0)
                               : sqlite3_bind_blob64(statement, number, blob->bytes.data(),
                                                     blob->bytes.size(), SQLITE_STATIC);
  }
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

Result<void> SqliteConnection::bind(sqlite3_stmt* statement, Transaction::Parameters parameters) {
  const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement));
  if (wanted != parameters.size()) {
    return fail(Code::kInternal, "database: `{}` takes {} parameters, not {}",
                printable(sqlite3_sql(statement), 200), wanted, parameters.size());
  }
  int number = 0;
  for (const Value& value : parameters) TRY_VOID(bind_one(statement, ++number, value));
  return {};
}

Result<Row> SqliteConnection::read_row(sqlite3_stmt* statement) {
  std::vector<Value> values;
  const int columns = sqlite3_column_count(statement);
  values.reserve(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    const auto size = [&] {
      return static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    };
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_NULL:
        values.emplace_back();
        break;
      case SQLITE_INTEGER:
        values.emplace_back(std::int64_t{sqlite3_column_int64(statement, column)});
        break;
      case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        values.emplace_back(std::string(text, size()));
        break;
      }
      case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        values.emplace_back(Blob{bytes == nullptr ? "" : std::string(bytes, size())});
        break;
      }
      default:
        return fail(Code::kInternal, "database: `{}` gives a floating-point number",
                    printable(sqlite3_sql(statement), 200));
    }
  }
  return Row(std::move(values));
}

Result<std::int64_t> SqliteConnection::execute(std::string_view sql,
                                               Transaction::Parameters parameters) {
  TRY(sqlite3_stmt * statement, find_or_prepare(sql));
  const Reset reset(statement);
  TRY_VOID(bind(statement, parameters));
  const std::int64_t before = sqlite3_total_changes64(raw());
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) return fail(error(code));
  // A statement that changes nothing leaves sqlite3_changes as the one before it did.
  return sqlite3_total_changes64(raw()) == before ? 0 : sqlite3_changes64(raw());
}

Result<Rows> SqliteConnection::query(std::string_view sql, Transaction::Parameters parameters) {
  TRY(sqlite3_stmt * statement, find_or_prepare(sql));
  const Reset reset(statement);
  TRY_VOID(bind(statement, parameters));
  Rows rows;
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return rows;
    if (code != SQLITE_ROW) return fail(error(code));
    if (rows.size() == Transaction::kQueryRowsMax) {
      return fail(Code::kExhausted, "database: `{}` gives more than {} rows; page through them",
                  printable(sql, 200), Transaction::kQueryRowsMax);
    }
    TRY(Row row, read_row(statement));
    rows.push_back(std::move(row));
  }
}

}  // namespace keyturn::store
