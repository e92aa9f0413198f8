// Credentials of containers (ECS, EKS pod identity) and instances (EC2 metadata, version 2 only).
// All HTTP goes through the MetadataFetch it is given. Blocks.
#pragma once

#include <string_view>

#include "base/result.h"
#include "vault/vault.h"

namespace keyturn::vault {

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI, with the authorization token of the
// environment or its file. A full URI must be https or name loopback or the documented link-local
// addresses, so that the token is not sent elsewhere.
Result<Credentials> read_container(const Environment& environment, const MetadataFetch& fetch);

// Asks for a session token first; an instance that only offers version 1 is refused.
Result<Credentials> read_instance(const Environment& environment, const MetadataFetch& fetch);

}  // namespace keyturn::vault
