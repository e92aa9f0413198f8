// Periodic work on one background thread: sweeping what expired, refreshing credentials and tags. A
// job that runs long delays the others; it must not block for ever.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/rooms.h"

namespace keyturn::app {

class Keeper {
 public:
  // Each job first runs one interval after the start.
  Keeper(std::vector<Job> jobs, const Clock& clock);
  ~Keeper();  // waits for a running job

 private:
  struct Due {
    Job job;
    Instant next;
  };
  void run();

  const Clock& clock_;
  std::vector<Due> due_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyturn::app
