// The vault's way to instance and container metadata.
#pragma once

#include "vault/vault.h"

namespace keyturn::app {

// A blocking HTTP request with short time-outs: the endpoint is on this machine or on the link.
vault::MetadataFetch metadata_fetch();

}  // namespace keyturn::app
