// A timer of one event loop. It runs by the machine's clock, unless the loop's context was given
// other timers: then whoever drives the loop by hand says when time has passed, and nothing in the
// coroutines above knows the difference. Belongs to its loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace keyturn::http {

// Where the time of a hand-driven loop comes from.
class Alarms {
 public:
  virtual ~Alarms() = default;
  // Calls `ring` on the loop when `after` has passed; never within this call.
  virtual void set(Duration after, std::function<void()> ring) = 0;
};
// Before any timer is made on the context. `alarms` must outlive it.
void use_alarms(boost::asio::execution_context& context, Alarms& alarms);

class Timer {
 public:
  explicit Timer(const boost::asio::any_io_executor& executor);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // From now on. Once.
  void start(Duration duration);
  // Ends early.
  void cancel() { timer_.cancel(); }
  // Awaitable: returns when the time has passed or the timer was cancelled. After start().
  auto ended() {
    return timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored_));
  }

 private:
  boost::asio::steady_timer timer_;
  boost::system::error_code ignored_;  // cancelled or expired: the caller looks at what is true
  // Null on the machine's clock. Shared with the alarm, which may ring after the timer is gone.
  std::shared_ptr<boost::asio::steady_timer*> ringing_;
};

}  // namespace keyturn::http
