// The right to write to one schema: a row with an epoch, raised by whoever takes over and compared
// in the same transaction as every write. Safety rests on the row alone; an advisory lock of the
// writing session only tells whether the last writer still lives.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "store/postgres_connection.h"

namespace keyturn::store {

class PostgresLease {
 public:
  // A holder that has renewed nothing for `stalled_after`, by the database's clock, may be ended.
  explicit PostgresLease(std::chrono::seconds stalled_after) : stalled_after_(stalled_after) {}

  // Creates the table when it is missing. Once per database, before take().
  static Result<void> prepare(PostgresConnection& connection);
  // On a session that holds nothing. The first time it takes over from whoever had the lease
  // before; later, after a lost connection, only what nobody has taken meanwhile: who has missed
  // another's writes must start anew. kConflict while another holds it.
  Result<void> take(PostgresConnection& connection);
  // As the first statement of a transaction: holds off takers until its end. Returns the
  // transaction's number; kConflict, for good, when the epoch is no longer ours.
  Result<std::int64_t> renew(PostgresConnection& connection);
  bool is_lost() const { return lost_; }

 private:
  Error lost();

  const std::chrono::seconds stalled_after_;
  std::optional<std::int64_t> epoch_;  // once taken
  bool lost_ = false;
};

}  // namespace keyturn::store
