// Signs with one set of credentials and remembers the keys derived from them. Any thread.
#pragma once

#include <memory>

#include "vault/vault.h"

namespace keyturn::vault {

// A signing key is derived per day, region and service: enough for every region of a few services
// at the turn of a day. The oldest is forgotten first.
inline constexpr std::size_t kSigningKeysMax = 256;

}  // namespace keyturn::vault
