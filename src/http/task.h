// Task<T>: a coroutine that ends in a Result<T>. Only the asynchronous rooms use it. A task runs on
// the event loop it was spawned on and never changes it. No braced temporaries and no owning
// closures inside a co_await expression: GCC 12.2 destroys them twice; name them first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "http/timer.h"

namespace keyturn::http {

template <class T = void>
using Task = boost::asio::awaitable<Result<T>>;

using Executor = boost::asio::any_io_executor;

// What a callback interface calls once, from any thread, when it is done.
template <class T>
using Done = std::function<void(Result<T>)>;

namespace internal {

// What a waiting coroutine and the thread that answers it share. The coroutine closes it when it
// stops waiting, so that a late answer touches neither the timer nor a loop that may be gone.
template <class T>
class Rendezvous : public std::enable_shared_from_this<Rendezvous<T>> {
 public:
  Rendezvous(Executor executor, Timer& timer) : executor_(std::move(executor)), timer_(&timer) {}

  void deliver(Result<T> result) {
    std::lock_guard lock(mutex_);
    if (timer_ == nullptr || result_) return;
    result_.emplace(std::move(result));
    boost::asio::post(executor_, [self = this->shared_from_this()] { self->rouse(); });
  }

  // Ends the wait; what has arrived until now, if anything.
  std::optional<Result<T>> close() {
    std::lock_guard lock(mutex_);
    timer_ = nullptr;
    return std::exchange(result_, std::nullopt);
  }

  bool arrived() const {
    std::lock_guard lock(mutex_);
    return result_.has_value();
  }

 private:
  void rouse() {
    std::lock_guard lock(mutex_);
    if (timer_ != nullptr) timer_->cancel();
  }

  const Executor executor_;
  mutable std::mutex mutex_;
  Timer* timer_;
  std::optional<Result<T>> result_;
};

// Closes the rendezvous also when the coroutine is destroyed while it waits.
template <class T>
struct RendezvousCloser {
  std::shared_ptr<Rendezvous<T>> shared;
  explicit RendezvousCloser(std::shared_ptr<Rendezvous<T>> rendezvous)
      : shared(std::move(rendezvous)) {}
  RendezvousCloser(const RendezvousCloser&) = delete;
  RendezvousCloser& operator=(const RendezvousCloser&) = delete;
  ~RendezvousCloser() { shared->close(); }
};

}  // namespace internal

// Runs `start` at once, which must arrange for its argument to be called, and resumes on the
// caller's loop with that result. The first call counts; it may come from any thread and before
// `start` returns. kTimeout when `timeout` passes first; a later answer is then dropped, and its
// effect is unknown.
template <class T>
Task<T> await_callback(std::function<void(Done<T>)> start, Duration timeout) {
  Executor executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor);
  timer.start(timeout);
  internal::RendezvousCloser<T> waiting(std::make_shared<internal::Rendezvous<T>>(executor, timer));
  Done<T> done = [shared = waiting.shared](Result<T> result) {
    shared->deliver(std::move(result));
  };
  start(std::move(done));
  // Answered or out of time: `close` tells which.
  if (!waiting.shared->arrived()) co_await timer.ended();
  std::optional<Result<T>> result = waiting.shared->close();
  if (result) co_return std::move(*result);
  co_return fail(Code::kTimeout, "no answer within {} ms", timeout.count() / 1000);
}

// Resumes after `duration`.
Task<> sleep(Duration duration);

}  // namespace keyturn::http
