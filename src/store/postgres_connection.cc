#include "store/postgres_connection.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "store/storable.h"

namespace keyturn::store {
namespace {

// pg_type.dat of PostgreSQL 15.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kVarchar = 1043;
constexpr Oid kAny = 0;  // PostgreSQL infers it

constexpr int kBinary = 1;

// What a unit of work may do; anything else would reach around its transaction.
constexpr std::array<std::string_view, 8> kWords = {"select", "insert", "update", "delete",
                                                    "with",   "create", "alter",  "drop"};

// By SQLSTATE, appendix A of PostgreSQL's manual.
Code code_of(std::string_view state) {
  const std::string_view group = state.substr(0, 2);
  // P0001: a trigger of ours refuses, as RAISE(ABORT) does in SQLite.
  if (group == "23" || state == "P0001") return Code::kConflict;
  if (group == "53" || group == "54") return Code::kExhausted;
  if (group == "XX") return Code::kCorrupt;
  if (state == "22021") return Code::kInvalid;
  if (group == "08" || group == "57" || group == "40" || group == "58" || state == "25P03" ||
      state == "55P03") {
    return Code::kUnavailable;
  }
  return Code::kInternal;
}

// Without the newline that libpq ends its messages with, on one line.
std::string one_line(const char* message) {
  std::string text(message == nullptr ? "" : message);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return printable(text, 1'000);
}

std::string first_word(std::string_view sql) {
  const std::size_t begin = std::min(sql.find_first_not_of(" \n\t("), sql.size());
  const std::size_t end = std::min(sql.find_first_of(" \n\t(;", begin), sql.size());
  return to_lower(sql.substr(begin, end - begin));
}

// `?1` to `$1` outside quotes; the highest number.
struct Translated {
  std::string sql;
  std::size_t parameters = 0;
};
Translated translate(std::string_view sql) {
  Translated out;
  char quote = '\0';
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '?') {
      std::size_t number = 0;
      for (std::size_t k = i + 1; k < sql.size() && sql[k] >= '0' && sql[k] <= '9'; ++k) {
        number = number * 10 + static_cast<std::size_t>(sql[k] - '0');
      }
      out.parameters = std::max(out.parameters, number);
      out.sql += '$';
      continue;
    }
    out.sql += c;
  }
  return out;
}

std::string big_endian(std::int64_t value) {
  std::string bytes(sizeof value, '\0');
  auto rest = std::bit_cast<std::uint64_t>(value);
  for (std::size_t i = bytes.size(); i-- > 0; rest >>= 8U) bytes[i] = static_cast<char>(rest);
  return bytes;
}

std::int64_t from_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  const auto unused = static_cast<unsigned>(64 - 8 * bytes.size());
  return std::bit_cast<std::int64_t>(value << unused) >> unused;  // keeps the sign
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresOptions& options,
                                                                     Access access) {
  auto connection = std::make_unique<PostgresConnection>(options, access);
  TRY_VOID(connection->connect());
  return connection;
}

void PostgresConnection::disconnect() {
  connection_.reset();
  deferred_.clear();
  by_key_.clear();
  statements_.clear();
}

Result<void> PostgresConnection::connect() {
  disconnect();
  // A session that stops in the middle of a transaction loses it after 3 s: nobody waits for its
  // turn longer, and when it comes back it can commit nothing.
  const std::string settings = fmt::format(
      "-c search_path=\"{}\" -c idle_in_transaction_session_timeout=3s -c lock_timeout=5s "
      "-c statement_timeout=30s -c client_min_messages=error -c standard_conforming_strings=on -c "
      "default_transaction_read_only={}",
      options_.schema, access_ == Access::kReadOnly ? "on" : "off");
  const std::array keywords = {"dbname",
                               "options",
                               "application_name",
                               "connect_timeout",
                               "tcp_user_timeout",
                               "client_encoding",
                               static_cast<const char*>(nullptr)};
  const std::array values = {options_.url.c_str(),
                             settings.c_str(),
                             "keyturn",
                             "5",
                             "10000",
                             "UTF8",
                             static_cast<const char*>(nullptr)};
  connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
  CHECK(connection_ != nullptr);
  if (!is_connected()) {
    return fail(Code::kUnavailable, "connect to PostgreSQL: {}", one_line(PQerrorMessage(raw())));
  }
  CHECK(PQenterPipelineMode(raw()) == 1);
  return {};
}

Error PostgresConnection::connection_error() const {
  return {Code::kUnavailable,
          fmt::format("database: the connection is lost: {}", one_line(PQerrorMessage(raw())))};
}

Result<PostgresConnection::Bound> PostgresConnection::bind(Transaction::Parameters parameters) {
  Bound bound;
  bound.bytes.reserve(parameters.size());
  for (const Value& value : parameters) {
    std::string bytes;
    Oid type = kAny;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      type = kInt8;
      bytes = big_endian(*integer);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      if (!is_storable_text(*text)) {
        return fail(Code::kInvalid, "parameter {} is no UTF-8 text without NUL; store it as bytes",
                    bound.bytes.size() + 1);
      }
      type = kText;
      bytes = *text;
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      type = kBytea;
      bytes = blob->bytes;
    }
    bytes_bound_ += sizeof(std::int64_t) + bytes.size();
    bound.lengths.push_back(static_cast<int>(bytes.size()));
    bound.bytes.push_back(std::move(bytes));
    bound.values.push_back(type == kAny ? nullptr : bound.bytes.back().data());
    bound.formats.push_back(kBinary);
    bound.types.push_back(type);
  }
  return bound;
}

void PostgresConnection::forget(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto place = found->second;
  by_key_.erase(found);
  statements_.erase(place);
}

Result<PostgresConnection::Statement*> PostgresConnection::find_or_add(std::string_view sql,
                                                                       const Bound& bound) {
  std::string key(sql);
  for (const Oid type : bound.types) key += fmt::format("\n{}", type);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return &*found->second;
  }
  if (statements_.size() == kStatementsMax) {
    if (statements_.back().prepared) defer("DEALLOCATE " + statements_.back().name);
    forget(std::string(statements_.back().key));
  }
  statements_.push_front({std::move(key), fmt::format("s{}", next_name_++), 0, false});
  by_key_.emplace(statements_.front().key, statements_.begin());
  return &statements_.front();
}

Result<std::size_t> PostgresConnection::send_deferred() {
  std::size_t count = 0;
  for (const std::string& sql : deferred_) {
    if (PQsendQueryParams(raw(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) {
      return fail(connection_error());
    }
    ++count;
  }
  deferred_.clear();
  return count;
}

Result<PostgresConnection::Answer> PostgresConnection::receive(std::size_t count) {
  if (PQpipelineSync(raw()) != 1) return fail(connection_error());
  Answer last;
  std::optional<Error> error;
  for (std::size_t i = 0; i < count; ++i) {
    Answer answer(PQgetResult(raw()));
    if (answer == nullptr) return fail(connection_error());
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !error) {
      failed_at_ = i;
      const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
      const char* message = PQresultErrorField(answer.get(), PG_DIAG_MESSAGE_PRIMARY);
      if (status == PGRES_EMPTY_QUERY) {
        error = Error{Code::kInternal, "database: an empty text is no statement"};
      } else if (state == nullptr) {
        error = connection_error();
      } else {
        error = Error{code_of(state), fmt::format("database: {}", one_line(message))};
      }
    }
    last = std::move(answer);
    while (Answer(PQgetResult(raw())) != nullptr) {
    }
    if (!is_connected()) return fail(error.value_or(connection_error()));
  }
  const Answer sync(PQgetResult(raw()));
  if (sync == nullptr || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) {
    return fail(error.value_or(connection_error()));
  }
  if (error) return fail(std::move(*error));
  return last;
}

Result<std::string> PostgresConnection::control(std::string_view sql) {
  defer(std::string(sql));
  TRY(const std::size_t count, send_deferred());
  TRY(const Answer answer, receive(count));
  return std::string(PQcmdStatus(answer.get()));
}

Result<PostgresConnection::Answer> PostgresConnection::run(std::string_view sql,
                                                           Transaction::Parameters parameters) {
  const std::string word = first_word(sql);
  if (control_forbidden_ && std::find(kWords.begin(), kWords.end(), word) == kWords.end()) {
    return fail(Code::kInternal, "database: `{}` is not for a unit of work", printable(sql, 200));
  }
  TRY(const Bound bound, bind(parameters));
  TRY(Statement * statement, find_or_add(sql, bound));
  TRY(std::size_t count, send_deferred());
  if (!statement->prepared) {
    const Translated translated = translate(sql);
    statement->parameters = translated.parameters;
    if (translated.parameters == parameters.size()) {
      if (PQsendPrepare(raw(), statement->name.c_str(), translated.sql.c_str(),
                        static_cast<int>(bound.types.size()), bound.types.data()) != 1) {
        return fail(connection_error());
      }
      ++count;
    }
  }
  if (statement->parameters != parameters.size()) {
    const std::size_t wanted = statement->parameters;
    forget(std::string(statement->key));
    TRY_VOID(receive(count));
    return fail(Code::kInternal, "database: `{}` takes {} parameters, not {}", printable(sql, 200),
                wanted, parameters.size());
  }
  if (PQsendQueryPrepared(raw(), statement->name.c_str(), static_cast<int>(bound.values.size()),
                          bound.values.data(), bound.lengths.data(), bound.formats.data(),
                          kBinary) != 1) {
    return fail(connection_error());
  }
  auto answer = receive(count + 1);
  // What is prepared stays so, also when the statement itself or its transaction fails.
  if (answer || (is_connected() && failed_at_ == count)) {
    statement->prepared = true;
  } else if (!statement->prepared) {
    forget(std::string(statement->key));
  }
  return answer;
}

Result<std::int64_t> PostgresConnection::execute(std::string_view sql,
                                                 Transaction::Parameters parameters) {
  TRY(const Answer answer, run(sql, parameters));
  const std::string_view changed = PQcmdTuples(answer.get());
  std::int64_t count = 0;
  // Of a query libpq tells the rows it gave.
  if (PQresultStatus(answer.get()) == PGRES_TUPLES_OK) return 0;
  for (const char c : changed) count = count * 10 + (c - '0');
  return count;
}

Result<Row> PostgresConnection::read_row(const PGresult* result, int row,
                                         std::string_view sql) const {
  std::vector<Value> values;
  const int columns = PQnfields(result);
  values.reserve(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    if (PQgetisnull(result, row, column) == 1) {
      values.emplace_back();
      continue;
    }
    const std::string_view bytes(PQgetvalue(result, row, column),
                                 static_cast<std::size_t>(PQgetlength(result, row, column)));
    switch (PQftype(result, column)) {
      case kInt8:
      case kInt4:
      case kInt2:
      case kBool:
        values.emplace_back(from_big_endian(bytes));
        break;
      case kText:
      case kVarchar:
      case kName:
        values.emplace_back(std::string(bytes));
        break;
      case kBytea:
        values.emplace_back(Blob{std::string(bytes)});
        break;
      default:
        return fail(Code::kInternal, "database: column {} of `{}` is no integer, text or bytes",
                    column + 1, printable(sql, 200));
    }
  }
  return Row(std::move(values));
}

Result<Rows> PostgresConnection::query(std::string_view sql, Transaction::Parameters parameters) {
  TRY(const Answer answer, run(sql, parameters));
  const auto count = static_cast<std::size_t>(PQntuples(answer.get()));
  if (count > Transaction::kQueryRowsMax) {
    return fail(Code::kExhausted, "database: `{}` gives more than {} rows; page through them",
                printable(sql, 200), Transaction::kQueryRowsMax);
  }
  Rows rows;
  rows.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    TRY(Row row, read_row(answer.get(), static_cast<int>(i), sql));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace keyturn::store
