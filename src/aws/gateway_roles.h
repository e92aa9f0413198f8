// Signers of sessions that act as another upstream than the gate: what STS handed out for them.
// Held in locked memory and nowhere else, so that a restart forgets them. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "aws/errors.h"
#include "identity/identity.h"
#include "vault/vault.h"

namespace keyturn::aws {

class Roles {
 public:
  using Signer = std::shared_ptr<const vault::Signer>;  // shared with requests under way
  // Two pages of locked memory each, and those of their signing keys.
  static constexpr std::size_t kRolesMax = 1'000;

  Roles(const identity::Identity& identity, const Clock& clock)
      : identity_(identity), clock_(clock) {}

  // Of a session that requests find already. kExhausted when there are too many.
  Result<void> keep(const identity::Session& session, Signer signer, Time expiry);
  // Null when it is not, or no longer, known.
  Signer find(const SessionId& session) const;
  std::size_t count() const;

 private:
  struct Kept {
    std::string access_key_id;  // of the session
    Signer signer;
    Time expiry;
  };
  const identity::Identity& identity_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<SessionId, Kept> kept_;
};

// With whose credentials the requests of a session leave. Refuses when they are gone.
Checked<Roles::Signer> find_signer(const Roles& roles, const vault::Vault& vault,
                                   const identity::Session& session);

}  // namespace keyturn::aws
