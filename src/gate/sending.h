// One sending of one signed request, and what must not be executed again because of it. Clients
// sign in whole seconds, so two equal calls within one have one signature; they differ in the
// client's `amz-sdk-invocation-id`, which is not signed
// (docs/adr/0005-equal-calls-within-a-second.md).
#pragma once

#include <string>

#include "base/clock.h"

namespace keyturn::gate {

struct Sending {
  std::string signature;
  std::string invocation;  // empty when the client names none
  std::string peer;        // the client's address
  Time valid_until;        // then it passes no verification any more
};

// Another invocation of a known signature is another call for so long, from the address that
// brought the first, and so many times.
inline constexpr Duration kSameSignature = std::chrono::seconds(2);
inline constexpr std::size_t kInvocationsMax = 512;

}  // namespace keyturn::gate
