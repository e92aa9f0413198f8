// The room's tables, and their rows as values. Private to the room.
#pragma once

#include <vector>

#include "review/review.h"

namespace keyturn::review {

std::vector<store::Migration> migrations(store::Engine engine);

// What reviewers decide on, as docs/format/review.md pins it; its SHA-256 is the change's digest.
Digest digest_of(const Change& change);

// Changes that match `condition` (an SQL text of ours, from WHERE on), with their reviews, as they
// are at `now`. kCorrupt when a stored change is not what its digest says.
Result<std::vector<Change>> load_changes(store::Transaction& transaction, Time now,
                                         std::string_view condition,
                                         store::Transaction::Parameters parameters);

struct StoredGrant {
  Grant grant;
  bool used = false;
};
Result<std::optional<StoredGrant>> find_grant(store::Transaction& transaction, ChangeId change);

// Moves a change from one state to another; whether it was in the first.
struct Move {
  ChangeState from;
  ChangeState to;
};
Result<bool> move(store::Transaction& transaction, ChangeId id, Move move);

}  // namespace keyturn::review
