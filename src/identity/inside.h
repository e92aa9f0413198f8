// What an Identity is made of. Private to the room.
#pragma once

#include <mutex>

#include "identity/identity.h"
#include "identity/snapshot.h"

namespace keyturn::identity {

struct Identity::Inside {
  Inside(store::Store& store_in, const Clock& clock_in, Random& random_in,
         const crypto::SealingKey& key_in)
      : store(store_in), clock(clock_in), random(random_in), key(key_in.clone()) {}

  // Draws keys and stores it; id, root (of the first of a line) and key are filled in.
  Result<StartedSession> start(store::Transaction& transaction, Session session);

  // By the digest of a token, in the snapshot.
  Result<Person> find_person(const Digest& digest) const;
  // Whether a query by one text finds anything now.
  bool has_row(std::string_view sql, std::string text) const;

  std::shared_ptr<const Snapshot> current() const {
    const std::lock_guard lock(mutex);
    return snapshot;
  }

  store::Store& store;
  const Clock& clock;
  Random& random;
  const crypto::SealingKey key;

  std::mutex refreshing;     // one refresh at a time, so that an older read never replaces a newer
  mutable std::mutex mutex;  // guards the pointer below, for the length of its copy
  // Shared because a request keeps the snapshot it began with while another takes its place.
  std::shared_ptr<const Snapshot> snapshot = std::make_shared<const Snapshot>();
};

}  // namespace keyturn::identity
