// What the request path reads: running sessions by access key, persons by token. Immutable once
// built. Private to the room.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "identity/identity.h"

namespace keyturn::identity {

struct TokenHolder {
  Digest token;  // SHA-256 of the token
  Person person;
};

struct Snapshot {
  std::unordered_map<std::string, std::shared_ptr<const KeyHolder>> running;
  std::unordered_set<std::string> past;  // access keys of ended and expired sessions
  // By the first eight bytes of the token's digest: those are no secret worth guessing, since
  // nobody can steer a digest; the whole is then compared in constant time.
  std::unordered_multimap<std::string, TokenHolder> persons;
};

inline constexpr std::size_t kTokenPrefixBytes = 8;

// Secrets of sessions that `before` holds are taken from there instead of being opened again.
Result<std::shared_ptr<const Snapshot>> load_snapshot(store::Transaction& transaction, Time now,
                                                      const crypto::SealingKey& key,
                                                      const Snapshot* before);

}  // namespace keyturn::identity
