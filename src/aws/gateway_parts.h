// What all requests of a gateway share: limits, caches, counters. Everything in it may be used from
// any loop at once.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "aws/aws.h"
#include "aws/errors.h"
#include "aws/gateway_replay.h"
#include "aws/gateway_roles.h"
#include "aws/gateway_turns.h"
#include "aws/inventory.h"
#include "aws/sigv4.h"
#include "aws/understand.h"

namespace keyturn::aws {

// A step on a request's way: a value, or why the client is refused.
template <class T>
using Step = boost::asio::awaitable<Checked<T>>;

// Bytes of request bodies held by all requests together.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t bytes_max) : left_(static_cast<std::int64_t>(bytes_max)) {}
  bool take(std::uint64_t bytes) {
    const auto count = static_cast<std::int64_t>(bytes);
    if (left_.fetch_sub(count) >= count) return true;
    left_.fetch_add(count);
    return false;
  }
  void give_back(std::uint64_t bytes) { left_.fetch_add(static_cast<std::int64_t>(bytes)); }
  std::int64_t left() const { return left_.load(); }

 private:
  std::atomic<std::int64_t> left_;
};

// Requests that wait for reviewers.
class HeldSlots {
 public:
  HeldSlots(std::size_t total_max, std::size_t session_max, Gauge& held)
      : total_max_(total_max), session_max_(session_max), held_(held) {}
  bool take(const SessionId& session);
  void give_back(const SessionId& session);

 private:
  const std::size_t total_max_;
  const std::size_t session_max_;
  Gauge& held_;
  std::mutex mutex_;
  std::size_t total_ = 0;
  std::map<SessionId, std::size_t> by_session_;
};

// At most so many per second; whoever floods the door shall not flood the ledger.
class PerSecond {
 public:
  explicit PerSecond(std::size_t count_max) : count_max_(count_max) {}
  bool admit(Instant now);

 private:
  const std::size_t count_max_;
  std::mutex mutex_;
  std::int64_t second_ = 0;
  std::size_t count_ = 0;
};

enum class Stage { kVerify, kUnderstand, kDecide, kSign, kUpstream, kAnswer };

struct Shared {
  Shared(Gateway::Needs given_needs, GatewayOptions given_options);
  void observe(Stage stage, Instant since);

  Gateway::Needs needs;
  const GatewayOptions options;
  const Upstreams upstreams;
  const UnderstandOptions understand_options;
  SigningKeys signing_keys;
  ReplayGuard replay;
  Roles roles;
  Inventory inventory;
  TagNews tag_news;
  // Shared with the requests under way: what they give back at their end may come after the
  // gateway's.
  std::shared_ptr<HeldSlots> held;
  std::shared_ptr<Turns> turns;
  std::shared_ptr<ByteBudget> body_memory;
  std::shared_ptr<ByteBudget> spool_disk;
  PerSecond recorded_refusals;
  std::array<Histogram*, 6> stages;
  Counter& allowed;
  Counter& held_count;
  Counter& denied;
  Counter& refused;
  Counter& unrecorded;
};

}  // namespace keyturn::aws
