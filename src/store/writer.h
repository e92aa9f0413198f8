// The writer: takes what is queued and commits it in groups over one connection of any engine, on a
// thread of its own or where a host says. Everything here but the constructor, submit(),
// set_batch_step() and close() runs there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "store/store.h"

namespace keyturn::store {

// What the writer needs of an engine: one connection, used by the writer thread alone.
class WriteConnection : public Transaction {
 public:
  virtual Result<void> begin() = 0;
  // Around each unit.
  virtual Result<void> set_savepoint() = 0;
  virtual Result<void> release_savepoint() = 0;
  virtual Result<void> undo_savepoint() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;
  // Whether begin() still holds: an engine may end a transaction by itself after an error.
  virtual bool in_transaction() const = 0;
  // Bytes of parameters since begin().
  virtual std::size_t bytes_written() const = 0;
  // Between batches, and with `kIdle` when nothing has been queued for a while: housekeeping.
  enum class Load { kBusy, kIdle };
  virtual void keep_house(Load load) = 0;
  virtual bool wants_idle_time() const = 0;
};

class Writer {
 public:
  // Takes what waits until a batch has this much: bounds the time to commit and to roll back.
  static constexpr std::size_t kBatchBytesMax = 1U << 20U;

  // Starts the thread, unless there is a host.
  Writer(std::unique_ptr<WriteConnection> connection, const Clock& clock, Log& log,
         Metrics& metrics, WriterHost* host = nullptr);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void submit(Unit unit, Committed done);
  void set_batch_step(Unit step, Committed done);
  // Commits what is queued and ends the thread; returns the connection, once.
  std::unique_ptr<WriteConnection> close();
  // Whether a unit or a Committed called this.
  bool is_this_thread() const {
    return host_ != nullptr ? committing_ : !ended_ && id_ == std::this_thread::get_id();
  }
  // With a host: commits a batch; whether there was one.
  bool commit_here();

 private:
  struct Queued {
    Unit unit;
    Committed done;
    Result<void> result;
  };
  using Batch = std::deque<Queued>;

  void run();
  void schedule();
  Batch wait_for_batch();
  Batch take_batch();  // under the lock
  // What of `batch` did not fit goes back to the front of the queue.
  void give_back(Batch& batch, std::size_t ran);
  void commit_batch(Batch batch);
  std::size_t run_units(Batch& batch);
  Result<void> run_unit(const Unit& unit);
  Result<void> finish(Batch& batch);
  void refuse(Committed& done, Error error);

  WriterHost* const host_;
  const Clock& clock_;
  Log& log_;
  Counter& committed_;
  Counter& failed_;
  Counter& refused_;
  Counter& commits_;
  Histogram& commit_time_;
  Gauge& queued_;

  std::mutex mutex_;  // guards the five below
  std::condition_variable arrived_;
  Batch queue_;
  bool closing_ = false;
  Unit step_;
  Committed step_done_;

  bool corruption_reported_ = false;  // the writer thread's, as the next
  std::uint64_t generation_ = 0;      // Transaction::generation()
  bool committing_ = false;           // with a host, whose thread is everyone's
  std::mutex closing_mutex_;  // one close() at a time; guards connection_ once the thread has ended
  std::unique_ptr<WriteConnection> connection_;
  std::atomic<bool> ended_{false};  // its id may then be another thread's
  std::thread thread_;
  const std::thread::id id_{thread_.get_id()};
};

}  // namespace keyturn::store
