// One PostgreSQL connection with its prepared statements, over libpq in pipeline mode. Used by one
// thread at a time. SQL has `?1` placeholders, as everywhere in the house.
#pragma once

#include <libpq-fe.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace keyturn::store {

class PostgresConnection {
 public:
  // Statements kept prepared: more than all rooms together have.
  static constexpr std::size_t kStatementsMax = 256;
  enum class Access { kWrite, kReadOnly };

  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresOptions& options,
                                                          Access access);
  PostgresConnection(PostgresOptions options, Access access)
      : options_(std::move(options)), access_(access) {}

  Result<std::int64_t> execute(std::string_view sql, Transaction::Parameters parameters = {});
  Result<Rows> query(std::string_view sql, Transaction::Parameters parameters = {});
  // BEGIN, SAVEPOINT, SET and the like, at once and with what is deferred before it. Returns the
  // command that was done: COMMIT of a failed transaction does ROLLBACK.
  Result<std::string> control(std::string_view sql);
  // The same, sent with the next statement: saves a round trip.
  void defer(std::string sql) { deferred_.push_back(std::move(sql)); }
  // The last that waits to be sent, if any.
  std::vector<std::string>& deferred() { return deferred_; }
  // From now on execute() and query() take only statements that read or change rows and tables.
  void forbid_control() { control_forbidden_ = true; }

  bool is_connected() const { return raw() != nullptr && PQstatus(raw()) == CONNECTION_OK; }
  // Anew, with nothing prepared and no transaction.
  Result<void> connect();
  void disconnect();
  std::size_t bytes_bound() const { return bytes_bound_; }
  void count_from_zero() { bytes_bound_ = 0; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;
  struct Statement {
    std::string key;  // its text and the types of its parameters
    std::string name;
    std::size_t parameters = 0;
    bool prepared = false;
  };
  struct Bound {
    std::vector<std::string> bytes;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    std::vector<Oid> types;
  };

  PGconn* raw() const { return connection_.get(); }
  Result<Bound> bind(Transaction::Parameters parameters);
  Result<Statement*> find_or_add(std::string_view sql, const Bound& bound);
  void forget(const std::string& key);
  Result<Answer> run(std::string_view sql, Transaction::Parameters parameters);
  // Sends everything that is deferred; how many answers there will be.
  Result<std::size_t> send_deferred();
  // The last of `count` answers, or the first error among them.
  Result<Answer> receive(std::size_t count);
  Error connection_error() const;
  Result<Row> read_row(const PGresult* result, int row, std::string_view sql) const;

  const PostgresOptions options_;
  const Access access_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::vector<std::string> deferred_;
  std::list<Statement> statements_;  // the most recently used first
  std::unordered_map<std::string_view, std::list<Statement>::iterator> by_key_;
  std::int64_t next_name_ = 0;
  bool control_forbidden_ = false;
  std::size_t bytes_bound_ = 0;
  std::size_t failed_at_ = 0;  // which of the answers was the last error
};

}  // namespace keyturn::store
