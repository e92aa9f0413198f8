#include "sim/lease.h"

namespace keyturn::sim {
namespace {

Error lost() { return {Code::kConflict, "another gateway has taken over writing"}; }

}  // namespace

void LeasedStore::submit(store::Unit unit, store::Committed done) {
  if (lost_) return done(fail(lost()));
  OverStore::submit(
      [this, unit = std::move(unit)](store::Transaction& transaction) -> Result<void> {
        if (lost_) return fail(lost());
        return unit(transaction);
      },
      std::move(done));
}

void LeasedStore::lose_lease() {
  lost_ = true;
  close();
}

}  // namespace keyturn::sim
