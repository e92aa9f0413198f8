// The disk under a simulated store, as the store sees it: full for a while, failing commits, or
// gone in the moment after a commit, before anyone has heard of it.
#pragma once

#include <functional>
#include <memory>

#include "sim/dice.h"
#include "sim/over_store.h"

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

// The store on it, which another gateway may take over: as the PostgreSQL store's lease has it,
// whoever has lost it commits nothing more and answers kConflict.
class DiskStore final : public OverStore {
 public:
  // `disk` outlives the store.
  DiskStore(Disk& disk, std::unique_ptr<Store> inner) : OverStore(std::move(inner)), disk_(disk) {}

  void submit(store::Unit unit, store::Committed done) override;
  void set_batch_step(store::Unit step, store::Committed done) override;
  // From now on. What is queued is refused, and the database is another's.
  void lose_lease();

 private:
  bool is_dead(const Result<void>& result);

  Disk& disk_;
  bool dead_ = false;
  bool lost_ = false;
};

}  // namespace keyturn::sim
