// A store that fails as planned, over one that works: what the rooms above a store must bear. With
// no faults planned it is the store below it. Any thread, as every store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "store/store.h"

namespace keyturn::faulty {

// In how many of a hundred cases.
struct Faults {
  unsigned refused_percent = 0;   // batches whose commit fails; nothing of them stays
  unsigned doubtful_percent = 0;  // batches that are durable, and told that they failed
  unsigned full_percent = 0;      // units that find the disk full when they first write
  unsigned late_percent = 0;      // units answered up to kLateBatchesMax batches later
};

class Store final : public store::Store {
 public:
  // Enough that later units overtake earlier answers; few enough that a test ends soon.
  static constexpr unsigned kLateBatchesMax = 4;
  // Whether `inner` commits on a thread of its own or where a WriterHost says.
  enum class Commits { kOnAThread, kHosted };
  struct Counts {
    std::uint64_t refused = 0;
    std::uint64_t doubtful = 0;
    std::uint64_t full = 0;
    std::uint64_t late = 0;
  };

  Store(std::unique_ptr<store::Store> inner, std::uint64_t seed,
        Commits commits = Commits::kOnAThread);
  ~Store() override;

  // From the next batch on.
  void set_faults(const Faults& faults);
  // What has been done so far.
  Counts counts() const;

  store::Engine engine() const override { return inner_->engine(); }
  bool is_shared() const override { return inner_->is_shared(); }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override;
  void submit(store::Unit unit, store::Committed done) override;
  Result<void> read(const store::Unit& unit) override { return inner_->read(unit); }
  void set_batch_step(store::Unit step, store::Committed done) override;
  void close() override { inner_->close(); }

 private:
  bool on_writer_thread() const override { return inside_ == std::this_thread::get_id(); }
  bool commit_here() override;
  bool draw(unsigned Faults::* percent, std::uint64_t Counts::* count);
  Result<void> run_unit(const store::Unit& unit, store::Transaction& transaction);
  Result<void> run_step(store::Transaction& transaction);
  void end_batch(Result<void> result);
  void answer(store::Committed done, Result<void> result);
  // Answers after so many more batches, or at once when the store takes no more.
  void answer_later(unsigned batches, store::Committed done, Result<void> result);
  void call(const store::Committed& done, Result<void> result);

  const std::unique_ptr<store::Store> inner_;
  const Commits commits_;
  std::atomic<std::thread::id> inside_{};  // of the thread that runs a unit or an answer
  std::atomic<std::size_t> waiting_{0};

  mutable std::mutex mutex_;  // guards the next five
  std::mt19937_64 engine_;
  Faults faults_;
  Counts counts_;
  store::Unit step_;
  store::Committed step_done_;

  // The committing thread's.
  bool stepped_ = false;
  bool doubtful_ = false;
};

}  // namespace keyturn::faulty
