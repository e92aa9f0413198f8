#include "sim/disk.h"

#include "sim/over_store.h"

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

class DiskStore final : public OverStore {
 public:
  DiskStore(Disk& disk, std::unique_ptr<Store> inner) : OverStore(std::move(inner)), disk_(disk) {}

  void submit(store::Unit unit, store::Committed done) override {
    OverStore::submit(
        [this, unit = std::move(unit)](store::Transaction& inner) -> Result<void> {
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

  void set_batch_step(store::Unit step, store::Committed done) override {
    OverStore::set_batch_step(
        [this, step = std::move(step)](store::Transaction& transaction) -> Result<void> {
          TRY_VOID(step(transaction));
          if (!disk_.dice.chance(disk_.lost_commits_percent)) return {};
          return fail(Code::kUnavailable, "database: disk I/O error");
        },
        std::move(done));
  }

 private:
  bool is_dead(const Result<void>& result) {
    if (disk_.dies_at_commit && result) {
      disk_.dies_at_commit = false;
      dead_ = true;
      disk_.died();
    }
    return dead_;
  }

  Disk& disk_;
  bool dead_ = false;
};

}  // namespace

std::unique_ptr<store::Store> put_on(Disk& disk, std::unique_ptr<store::Store> store) {
  return std::make_unique<DiskStore>(disk, std::move(store));
}

}  // namespace keyturn::sim
