#include "faulty/store.h"

#include <optional>

namespace keyturn::faulty {
namespace {

using store::Committed;
using store::Unit;

Error full() { return {Code::kExhausted, "database: database or disk is full (as planned)"}; }

// Its first write finds the disk full; what is read is read.
class FullTransaction final : public store::Transaction {
 public:
  explicit FullTransaction(Transaction& inner) : inner_(inner) {}
  store::Engine engine() const override { return inner_.engine(); }
  Result<std::int64_t> execute(std::string_view, Parameters) override {
    failed_ = true;
    return fail(full());
  }
  Result<store::Rows> query(std::string_view sql, Parameters parameters) override {
    if (failed_) return fail(full());
    return inner_.query(sql, parameters);
  }
  std::int64_t writer() const override { return inner_.writer(); }
  std::optional<std::uint64_t> generation() const override { return inner_.generation(); }
  Result<std::vector<std::int64_t>> other_writers() override { return inner_.other_writers(); }
  bool failed() const { return failed_; }

 private:
  Transaction& inner_;
  bool failed_ = false;
};

// The thread that is inside a unit or an answer, while it is.
class Inside {
 public:
  explicit Inside(std::atomic<std::thread::id>& inside)
      : inside_(inside), before_(inside.exchange(std::this_thread::get_id())) {}
  ~Inside() { inside_ = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  std::atomic<std::thread::id>& inside_;
  const std::thread::id before_;
};

}  // namespace

Store::Store(std::unique_ptr<store::Store> inner, std::uint64_t seed, Commits commits)
    : inner_(std::move(inner)), commits_(commits), engine_(seed) {
  inner_->set_batch_step([this](store::Transaction& transaction) { return run_step(transaction); },
                         [this](Result<void> result) { end_batch(std::move(result)); });
}

Store::~Store() { inner_->close(); }

void Store::set_faults(const Faults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

Store::Counts Store::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool Store::draw(unsigned Faults::* percent, std::uint64_t Counts::* count) {
  const std::lock_guard lock(mutex_);
  const unsigned chance = faults_.*percent;
  if (chance == 0 || engine_() % 100 >= chance) return false;
  ++(counts_.*count);
  return true;
}

Result<void> Store::migrate(std::string_view room, std::span<const store::Migration> migrations) {
  return inner_->migrate(room, migrations);
}

void Store::set_batch_step(Unit step, Committed done) {
  const std::lock_guard lock(mutex_);
  CHECK(!step_);
  step_ = std::move(step);
  step_done_ = std::move(done);
}

Result<void> Store::run_step(store::Transaction& transaction) {
  const Inside inside(inside_);
  stepped_ = true;
  Unit step;
  {
    const std::lock_guard lock(mutex_);
    step = step_;
  }
  if (step) TRY_VOID(step(transaction));
  if (!draw(&Faults::refused_percent, &Counts::refused)) return {};
  return fail(Code::kUnavailable, "database: disk I/O error (as planned)");
}

void Store::end_batch(Result<void> result) {
  const bool committed = std::exchange(stepped_, false) && result.has_value();
  doubtful_ = committed && draw(&Faults::doubtful_percent, &Counts::doubtful);
  if (doubtful_)
    result = fail(Code::kUnavailable, "the answer to the commit was lost (as planned)");
  Committed done;
  {
    const std::lock_guard lock(mutex_);
    done = step_done_;
  }
  if (done) call(done, std::move(result));
}

Result<void> Store::run_unit(const Unit& unit, store::Transaction& transaction) {
  const Inside inside(inside_);
  if (!draw(&Faults::full_percent, &Counts::full)) return unit(transaction);
  FullTransaction without_space(transaction);
  Result<void> result = unit(without_space);
  // As every store has it: after a failed statement the unit is lost, whatever it returns.
  if (result && without_space.failed()) return fail(full());
  return result;
}

void Store::call(const Committed& done, Result<void> result) {
  const Inside inside(inside_);
  done(std::move(result));
}

void Store::submit(Unit unit, Committed done) {
  ++waiting_;
  // Who is refused is answered at once, on the caller's thread, where it is inside nothing.
  const auto ran = std::make_shared<bool>(false);  // only the committing thread's
  inner_->submit(
      [this, ran, unit = std::move(unit)](store::Transaction& transaction) {
        *ran = true;
        return run_unit(unit, transaction);
      },
      [this, ran, done = std::move(done)](Result<void> result) mutable {
        --waiting_;
        if (!*ran) return done(std::move(result));
        answer(std::move(done), std::move(result));
      });
}

void Store::answer(Committed done, Result<void> result) {
  if (doubtful_ && result) {
    result = fail(Code::kUnavailable, "the answer to the commit was lost (as planned)");
  }
  if (!draw(&Faults::late_percent, &Counts::late)) return call(done, std::move(result));
  unsigned batches = 0;
  {
    const std::lock_guard lock(mutex_);
    batches = 1 + static_cast<unsigned>(engine_() % kLateBatchesMax);
  }
  answer_later(batches, std::move(done), std::move(result));
}

void Store::answer_later(unsigned batches, Committed done, Result<void> result) {
  if (batches == 0) return call(done, std::move(result));
  ++waiting_;
  const auto ran = std::make_shared<bool>(false);
  // A unit that does nothing: one batch further. Its own commit may fail, as any.
  inner_->submit(
      [ran](store::Transaction&) -> Result<void> {
        *ran = true;
        return {};
      },
      [this, ran, batches, done = std::move(done),
       result = std::move(result)](const Result<void>&) mutable {
        --waiting_;
        answer_later(*ran ? batches - 1 : 0, std::move(done), std::move(result));
      });
}

// A hosted store commits what waits before a unit that waits for it.
bool Store::commit_here() {
  if (commits_ == Commits::kOnAThread || waiting_ == 0) return false;
  static_cast<void>(inner_->run([](store::Transaction&) { return Result<void>(); }));
  return true;
}

}  // namespace keyturn::faulty
