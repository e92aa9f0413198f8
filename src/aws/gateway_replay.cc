#include "aws/gateway_replay.h"

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kInvocationBytesMax = 128;  // a UUID has 36

}  // namespace

Checked<void> ReplayGuard::begin(const Sending& sending, Time now) {
  const std::scoped_lock lock(mutex_);
  if (sending.signed_at < decided_until_) {
    return refuse(
        Fault::kRequestExpired,
        "this request was signed before {}, when the gateway last decided something before "
        "it started, and may have been executed; {}",
        format_time(decided_until_),
        now < decided_until_ ? "the gateway's clock is behind its record: an operator must look"
                             : "sign it anew");
  }
  while (!order_.empty() && order_.begin()->first + window_ < now) forget_oldest();
  if (sending.valid_from <= floor_) {
    return refuse(Fault::kRequestExpired,
                  "this request was signed before {}, and what was executed then is not known any "
                  "more: too many were executed since, or the gateway's clock went back; sign it "
                  "anew",
                  format_time(floor_));
  }
  const std::string_view invocation =
      std::string_view(sending.invocation).substr(0, kInvocationBytesMax);
  const auto found = seen_.find(sending.signature);
  if (found == seen_.end()) {
    if (order_.size() >= kEntriesMax) forget_oldest();
    seen_.emplace(sending.signature, Seen{now, sending.peer, {std::string(invocation)}});
    order_.emplace(sending.valid_from, sending.signature);
    return {};
  }
  Seen& seen = found->second;
  const bool another =
      !invocation.empty() && sending.peer == seen.peer && !seen.invocations.contains(invocation);
  if (another && now - seen.first <= gate::kSameSignature &&
      seen.invocations.size() < gate::kInvocationsMax) {
    seen.invocations.emplace(invocation);
    return {};
  }
  return refuse(Fault::kRequestExpired,
                "a request with this signature was executed already or is under way; sign it anew");
}

void ReplayGuard::release(const Sending& sending) {
  const std::scoped_lock lock(mutex_);
  const auto found = seen_.find(sending.signature);
  if (found == seen_.end()) return;
  found->second.invocations.erase(sending.invocation.substr(0, kInvocationBytesMax));
  if (!found->second.invocations.empty()) return;
  seen_.erase(found);
  const auto [begin, end] = order_.equal_range(sending.valid_from);
  for (auto it = begin; it != end; ++it) {
    if (it->second == sending.signature) {
      order_.erase(it);
      return;
    }
  }
}

std::size_t ReplayGuard::size() const {
  const std::scoped_lock lock(mutex_);
  return seen_.size();
}

void ReplayGuard::forget_oldest() {
  // Also where verification would refuse them by now: the clock may go back.
  floor_ = std::max(floor_, order_.begin()->first);
  seen_.erase(order_.begin()->second);
  order_.erase(order_.begin());
}

}  // namespace keyturn::aws
