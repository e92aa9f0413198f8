// The door: who signed a request, and whether they did. Pure but for the shared caches.
#pragma once

#include "aws/gateway_parts.h"

namespace keyturn::aws {

struct Caller {
  Claim claim;
  std::shared_ptr<const identity::KeyHolder> holder;
  std::optional<PayloadName> payload;  // nothing: the body must be hashed before verifying
  SigningKeys::Key key;                // set once verified
  std::string identity;                // signed_identity(), likewise, where that is no signature
};

// Reads the claim, finds its session, and checks what needs no secret. Not verified yet.
Checked<Caller> identify(Shared& shared, const http::RequestHead& head);
// Verifies the signature over this payload, and that agent and owner may act.
Checked<void> verify(Shared& shared, const http::RequestHead& head, Caller& caller,
                     std::string_view payload);

}  // namespace keyturn::aws
