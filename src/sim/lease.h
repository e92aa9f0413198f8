// A store whose gateway another may take over from: as the PostgreSQL store's lease has it, whoever
// has lost it commits nothing more and answers kConflict.
#pragma once

#include "sim/over_store.h"

namespace keyturn::sim {

class LeasedStore final : public OverStore {
 public:
  using OverStore::OverStore;
  void submit(store::Unit unit, store::Committed done) override;
  // From now on. What is queued is refused, and the database is another's.
  void lose_lease();

 private:
  bool lost_ = false;
};

}  // namespace keyturn::sim
