// What a Gate is made of. Private to the room.
#pragma once

#include <mutex>

#include "gate/gate.h"
#include "gate/listeners.h"
#include "gate/pack_cache.h"

namespace keyturn::gate {

inline constexpr std::size_t kRequestIdBytesMax = 1'000;  // ours are far shorter

struct Gate::Inside {
  Inside(store::Store& store_in, ledger::Ledger& ledger_in, identity::Identity& identity_in,
         review::Reviews& reviews_in, const Clock& clock_in, Log& log_in, Metrics& metrics,
         GateOptions options_in);

  std::shared_ptr<const Policies> current_policies() const {
    const std::lock_guard lock(mutex);
    return policies;
  }
  // Returns those before.
  std::shared_ptr<const Policies> swap_policies(std::shared_ptr<const Policies> next) {
    const std::lock_guard lock(mutex);
    std::swap(policies, next);
    return next;
  }

  store::Store& store;
  ledger::Ledger& ledger;
  identity::Identity& identity;
  review::Reviews& reviews;
  const Clock& clock;
  Log& log;
  const GateOptions options;
  Counter& allowed;
  Counter& held;
  Counter& denied;
  Counter& failed;
  Counter& unrecorded;  // observed, and then not committed
  Counter& refused;
  Histogram& decide_time;

  const std::shared_ptr<Listeners> listeners = std::make_shared<Listeners>();
  std::mutex loading;        // one change of policies at a time
  mutable std::mutex mutex;  // guards the pointer below, for the length of its copy
  std::shared_ptr<const Policies> policies;
  PackCache packs;  // former ones
};

}  // namespace keyturn::gate
