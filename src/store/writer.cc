#include "store/writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace keyturn::store {
namespace {

// How long nothing must be queued before the connection may keep house. Long enough that a steady
// trickle of work is not delayed by it.
constexpr auto kIdleAfter = std::chrono::milliseconds(500);
constexpr std::string_view kUnits = "keyturn_store_units_total";
constexpr std::string_view kUnitsHelp = "units of work, by how they ended";

// One unit's view of the connection. After a failed statement the unit is lost, whatever it
// returns: PostgreSQL refuses to go on, and a unit must mean the same on each engine.
class UnitTransaction final : public Transaction {
 public:
  UnitTransaction(Transaction& inner, std::uint64_t generation)
      : inner_(inner), generation_(generation) {}
  Engine engine() const override { return inner_.engine(); }

  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    if (failure_) return fail(*failure_);
    return keep(inner_.execute(sql, parameters));
  }
  Result<Rows> query(std::string_view sql, Parameters parameters) override {
    if (failure_) return fail(*failure_);
    return keep(inner_.query(sql, parameters));
  }
  std::int64_t writer() const override { return inner_.writer(); }
  Result<std::vector<std::int64_t>> other_writers() override {
    if (failure_) return fail(*failure_);
    return keep(inner_.other_writers());
  }
  std::optional<std::uint64_t> generation() const override { return generation_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  template <class T>
  Result<T> keep(Result<T> result) {
    if (!result) failure_ = result.error();
    return result;
  }

  Transaction& inner_;
  const std::uint64_t generation_;
  std::optional<Error> failure_;
};

}  // namespace

Writer::Writer(std::unique_ptr<WriteConnection> connection, const Clock& clock, Log& log,
               Metrics& metrics, WriterHost* host)
    : host_(host),
      clock_(clock),
      log_(log),
      committed_(metrics.counter(kUnits, kUnitsHelp, R"(result="committed")")),
      failed_(metrics.counter(kUnits, kUnitsHelp, R"(result="failed")")),
      refused_(metrics.counter(kUnits, kUnitsHelp, R"(result="refused")")),
      commits_(metrics.counter("keyturn_store_commits_total", "transactions committed")),
      commit_time_(metrics.histogram("keyturn_store_batch_seconds",
                                     "from the begin of a batch to its durable commit")),
      queued_(metrics.gauge("keyturn_store_queue_units", "units of work that wait")),
      connection_(std::move(connection)),
      thread_(host_ != nullptr ? std::thread() : std::thread([this] { run(); })) {}

Writer::~Writer() { static_cast<void>(close()); }

void Writer::refuse(Committed& done, Error error) {
  refused_.add();
  done(fail(std::move(error)));
}

void Writer::schedule() {
  if (host_ == nullptr) return arrived_.notify_one();
  host_->schedule([this] { static_cast<void>(commit_here()); });
}

void Writer::submit(Unit unit, Committed done) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && queue_.size() < Store::kQueueUnitsMax) {
      queue_.push_back({std::move(unit), std::move(done), {}});
      queued_.set(static_cast<std::int64_t>(queue_.size()));
      if (queue_.size() == 1) schedule();
      return;
    }
    if (!closing_) unit = nullptr;
  }
  if (unit) return refuse(done, {Code::kUnavailable, "the store is closed"});
  refuse(done, {Code::kExhausted,
                fmt::format("{} units of work wait for the store already; try again later",
                            Store::kQueueUnitsMax)});
}

void Writer::set_batch_step(Unit step, Committed done) {
  const std::lock_guard lock(mutex_);
  CHECK(!step_);
  step_ = std::move(step);
  step_done_ = std::move(done);
}

std::unique_ptr<WriteConnection> Writer::close() {
  CHECK(!is_this_thread());  // it would wait for itself
  const std::lock_guard one(closing_mutex_);
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    arrived_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  while (commit_here()) {
  }
  return std::move(connection_);
}

bool Writer::commit_here() {
  if (host_ == nullptr) return false;
  CHECK(!committing_);
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    batch = take_batch();
  }
  if (batch.empty()) return false;
  committing_ = true;
  commit_batch(std::move(batch));
  connection_->keep_house(WriteConnection::Load::kBusy);
  committing_ = false;
  const std::lock_guard lock(mutex_);
  if (!queue_.empty() && !closing_) schedule();
  return true;
}

void Writer::run() {
  while (true) {
    Batch batch = wait_for_batch();
    if (batch.empty()) break;
    commit_batch(std::move(batch));
    connection_->keep_house(WriteConnection::Load::kBusy);
  }
  ended_ = true;
}

// Empty when closing and nothing is left.
Writer::Batch Writer::wait_for_batch() {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return closing_ || !queue_.empty(); };
  while (connection_->wants_idle_time() && !arrived_.wait_for(lock, kIdleAfter, has_work)) {
    lock.unlock();
    connection_->keep_house(WriteConnection::Load::kIdle);
    lock.lock();
  }
  arrived_.wait(lock, has_work);
  return take_batch();
}

Writer::Batch Writer::take_batch() {
  Batch batch;
  const std::size_t count = std::min(queue_.size(), Store::kBatchUnitsMax);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::move(queue_.begin(), end, std::back_inserter(batch));
  queue_.erase(queue_.begin(), end);
  queued_.set(static_cast<std::int64_t>(queue_.size()));
  return batch;
}

void Writer::give_back(Batch& batch, std::size_t ran) {
  const std::lock_guard lock(mutex_);
  while (batch.size() > ran) {
    queue_.push_front(std::move(batch.back()));
    batch.pop_back();
  }
}

Result<void> Writer::run_unit(const Unit& unit) {
  TRY_VOID(connection_->set_savepoint());
  UnitTransaction transaction(*connection_, generation_);
  Result<void> result = unit(transaction);
  if (result && transaction.failure()) result = fail(Error(*transaction.failure()));
  if (!result) ++generation_;
  if (!connection_->in_transaction()) return result;
  const Result<void> ended =
      result ? connection_->release_savepoint() : connection_->undo_savepoint();
  if (ended) return result;
  // What the unit did can no longer be told from what the others did: nothing may be committed.
  connection_->rollback();
  return ended;
}

// Returns how many ran; stops early at the byte limit, and when the transaction is gone.
std::size_t Writer::run_units(Batch& batch) {
  std::size_t ran = 0;
  while (ran < batch.size() && connection_->bytes_written() < kBatchBytesMax) {
    batch[ran].result = run_unit(batch[ran].unit);
    ++ran;
    if (!connection_->in_transaction()) break;
  }
  return ran;
}

// The batch step and the commit. An error is everyone's.
Result<void> Writer::finish(Batch& batch) {
  if (!connection_->in_transaction()) {
    // The last unit to run lost the transaction with everything in it.
    const Result<void>& last = batch.back().result;
    return last ? fail(Code::kUnavailable, "the transaction was ended by the database")
                : Result<void>(fail(Error(last.error()).context("the batch was rolled back")));
  }
  const bool any = std::any_of(batch.begin(), batch.end(),
                               [](const Queued& queued) { return queued.result.has_value(); });
  if (!any) {
    connection_->rollback();
    return {};
  }
  Unit step;
  {
    const std::lock_guard lock(mutex_);
    step = step_;
  }
  Result<void> result = step ? step(*connection_) : Result<void>();
  if (result) result = connection_->commit();
  if (!result) connection_->rollback();
  return result;
}

void Writer::commit_batch(Batch batch) {
  const Instant begin = clock_.monotonic();
  ++generation_;
  Result<void> outcome = connection_->begin();
  if (outcome) {
    give_back(batch, run_units(batch));
    outcome = finish(batch);
  }
  commit_time_.observe(clock_.monotonic() - begin);
  if (outcome) {
    commits_.add();
  } else {
    for (Queued& queued : batch) {
      if (queued.result) queued.result = fail(outcome.error());
    }
    const bool corrupt = outcome.error().code == Code::kCorrupt;
    if (corrupt && !std::exchange(corruption_reported_, true)) {
      log_.error("store.corrupt", {{"error", outcome.error().message}});
    } else {
      log_.warning("store.commit_failed", {{"error", outcome.error().message}});
    }
  }
  Committed step_done;
  {
    const std::lock_guard lock(mutex_);
    step_done = step_done_;
  }
  if (step_done) step_done(outcome);
  for (Queued& queued : batch) {
    (queued.result ? committed_ : failed_).add();
    queued.done(std::move(queued.result));
  }
}

}  // namespace keyturn::store
