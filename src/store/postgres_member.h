// One of those that write to a schema. Their transactions take turns: the first statement of each
// locks the one row of `store_lease`. The second proves that this member still counts as one: who
// was silent for too long is removed by another, in such a transaction, and joins anew under a
// number that nobody had. Safety rests on these rows alone; an advisory lock of each member's
// session only tells at once that a process has died.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "store/postgres_connection.h"

namespace keyturn::store {

class PostgresMember {
 public:
  // A member whose row has not changed for `silent_max`, watched over one connection, is removed.
  PostgresMember(std::chrono::seconds silent_max, const Clock& clock, Log& log)
      : silent_max_(silent_max), clock_(clock), log_(log) {}

  // Creates the tables when they are missing. Once per database.
  static Result<void> prepare(PostgresConnection& connection);
  // On a new session.
  void attach(PostgresConnection& connection);
  // In a transaction that has just begun: waits for its turn, joins where it is no member. Returns
  // the transaction's number.
  Result<std::int64_t> enter(PostgresConnection& connection);
  // How that transaction ended.
  void committed(PostgresConnection& connection);
  void rolled_back() { joining_.reset(); }
  // On a session that is about to end.
  void leave(PostgresConnection& connection);

  // Within a transaction. The own number is a member's: never 0.
  std::int64_t number() const { return joining_.value_or(number_.value_or(0)); }
  Result<std::vector<std::int64_t>> others(PostgresConnection& connection) const;

 private:
  struct Sign {
    std::int64_t renewed = 0;
    Instant since;  // when it was first seen
  };
  Result<std::int64_t> join(PostgresConnection& connection);
  Result<void> remove_silent(PostgresConnection& connection);

  const std::chrono::seconds silent_max_;
  const Clock& clock_;
  Log& log_;
  std::optional<std::int64_t> number_;
  std::optional<std::int64_t> joining_;  // given in a transaction that is not committed yet
  std::map<std::int64_t, Sign> signs_;   // of the others, seen over this connection
  std::optional<Instant> looked_;
};

}  // namespace keyturn::store
