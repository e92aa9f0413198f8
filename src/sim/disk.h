// The disk under a simulated store, as the store sees it: full for a while, failing commits, or
// gone in the moment after a commit, before anyone has heard of it.
#pragma once

#include <functional>
#include <memory>

#include "sim/dice.h"
#include "store/store.h"

namespace keyturn::sim {

struct Disk {
  Dice& dice;
  unsigned full_percent = 0;          // statements that find it full
  unsigned lost_commits_percent = 0;  // batches whose commit fails
  // The next commit is the last thing that this life of the gateway does. Its units are durable,
  // and are told that they failed.
  bool dies_at_commit = false;
  std::function<void()> died{};
};

// `disk` outlives the store.
std::unique_ptr<store::Store> put_on(Disk& disk, std::unique_ptr<store::Store> store);

}  // namespace keyturn::sim
