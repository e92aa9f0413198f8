#include "sim/disk.h"

namespace keyturn::sim {
namespace {

class DiskTransaction final : public store::Transaction {
 public:
  DiskTransaction(Disk& disk, Transaction& inner) : disk_(disk), inner_(inner) {}
  store::Engine engine() const override { return inner_.engine(); }
  Result<store::Rows> query(std::string_view sql, Parameters parameters) override {
    return inner_.query(sql, parameters);
  }
  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    if (full_ || disk_.dice.chance(disk_.full_percent)) {
      full_ = true;  // a failed statement loses the unit
      return fail(Code::kExhausted, "database: database or disk is full");
    }
    return inner_.execute(sql, parameters);
  }
  bool full() const { return full_; }

 private:
  Disk& disk_;
  Transaction& inner_;
  bool full_ = false;
};

Error lost() { return {Code::kConflict, "another gateway has taken over writing"}; }

}  // namespace

void DiskStore::submit(store::Unit unit, store::Committed done) {
  if (lost_) return done(fail(lost()));
  OverStore::submit(
      [this, unit = std::move(unit)](store::Transaction& inner) -> Result<void> {
        if (lost_) return fail(lost());
        DiskTransaction transaction(disk_, inner);
        TRY_VOID(unit(transaction));
        if (!transaction.full()) return {};
        return fail(Code::kExhausted, "database: database or disk is full");
      },
      [this, done = std::move(done)](Result<void> result) {
        done(is_dead(result) ? Result<void>(fail(Code::kUnavailable, "the process dies"))
                             : std::move(result));
      });
}

void DiskStore::set_batch_step(store::Unit step, store::Committed done) {
  OverStore::set_batch_step(
      [this, step = std::move(step)](store::Transaction& transaction) -> Result<void> {
        TRY_VOID(step(transaction));
        if (!disk_.dice.chance(disk_.lost_commits_percent)) return {};
        return fail(Code::kUnavailable, "database: disk I/O error");
      },
      std::move(done));
}

void DiskStore::lose_lease() {
  lost_ = true;
  close();
}

bool DiskStore::is_dead(const Result<void>& result) {
  if (disk_.dies_at_commit && result) {
    disk_.dies_at_commit = false;
    dead_ = true;
    disk_.died();
  }
  return dead_;
}

}  // namespace keyturn::sim
