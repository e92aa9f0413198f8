#include "app/keeper.h"

#include <algorithm>

namespace keyturn::app {
namespace {

// Also bounds how late a job is when the clock was moved.
constexpr Duration kNapMax = std::chrono::seconds(1);

}  // namespace

Keeper::Keeper(std::vector<Job> jobs, const Clock& clock) : clock_(clock) {
  for (Job& job : jobs) {
    const Instant next = clock_.monotonic() + job.interval;
    due_.push_back({std::move(job), next});
  }
  thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    Instant next = clock_.monotonic() + kNapMax;
    for (Due& due : due_) {
      if (due.next <= clock_.monotonic()) {
        due.job.work();
        due.next = clock_.monotonic() + due.job.interval;
      }
      next = std::min(next, due.next);
    }
    lock.lock();
    wake_.wait_for(lock, next - clock_.monotonic(), [this] { return stopping_; });
  }
}

}  // namespace keyturn::app
