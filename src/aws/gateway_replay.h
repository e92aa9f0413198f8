// Signatures of requests that were executed and are not to be executed again. What is identified is
// one sending of one signed request: its signature with the client's `amz-sdk-invocation-id`,
// because two equal calls within one second have equal signatures. Clients do not sign that field,
// so another invocation of a known signature is believed only from the address that brought the
// first, within seconds. Any thread. Kept in memory: after a restart, what was signed before the
// last decision is refused.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aws/errors.h"
#include "base/clock.h"
#include "gate/sending.h"

namespace keyturn::aws {

class ReplayGuard {
 public:
  // 32 MiB at the most. When full, what was signed longest ago is forgotten. Nothing signed before
  // what is forgotten is accepted any more, also when the clock goes back.
  static constexpr std::size_t kEntriesMax = 1U << 17U;

  // `window`: how long after `valid_from` a request can still pass verification.
  // `decided_until`: what was signed before is not known here and may have been executed.
  explicit ReplayGuard(Duration window, Time decided_until = Time::min())
      : window_(window), decided_until_(decided_until) {}

  struct Sending {
    std::string signature;
    std::string invocation;  // empty when the client names none
    std::string peer;        // the client's address
    Time signed_at;          // to the second, as clients write it
    Time valid_from;         // when it was signed; for presigned URLs, `window` before it expires
  };
  // Claims a sending before it is decided. kRequestExpired when it is under way, was executed, or
  // is too old to know.
  Checked<void> begin(const Sending& sending, Time now);
  // It was not executed after all: denied, held, not sent, or answered with an error. It may come
  // again.
  void release(const Sending& sending);

  std::size_t size() const;

 private:
  struct Seen {
    Time first;
    std::string peer;
    std::set<std::string, std::less<>> invocations;
  };
  void forget_oldest();

  const Duration window_;
  const Time decided_until_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Seen> seen_;  // by signature
  std::multimap<Time, std::string> order_;      // by valid_from
  Time floor_ = Time::min();
};

}  // namespace keyturn::aws
