#include "http/parking.h"

#include <boost/asio/post.hpp>

namespace keyturn::http {
namespace {

namespace asio = boost::asio;

// A client that has sent more than its request makes the socket readable all the time; then whether
// it left is looked up this often instead.
constexpr Duration kLookAgain = std::chrono::seconds(1);

}  // namespace

Parking::Parking(Executor executor) : executor_(std::move(executor)) {}

void Parking::wake() {
  std::lock_guard lock(mutex_);
  if (closed_ || woken_) return;
  woken_ = true;
  asio::post(executor_, [self = shared_from_this()] { self->rouse(); });
}

void Parking::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

bool Parking::take_wake() {
  std::lock_guard lock(mutex_);
  return std::exchange(woken_, false);
}

void Parking::rouse() {
  if (timer_ != nullptr) timer_->cancel();
}

void Parking::watch(Stream& stream) {
  watching_ = true;
  stream.socket().async_wait(asio::socket_base::wait_read,
                             [self = shared_from_this()](const boost::system::error_code& error) {
                               self->watching_ = false;
                               if (error == asio::error::operation_aborted) return;
                               self->readable_ = true;
                               self->rouse();
                             });
}

Task<Exchange::Woken> Parking::wait(Stream& stream, Duration timeout) {
  CHECK(timer_ == nullptr);
  asio::steady_timer timer(executor_);
  // Clears the pointer also when the coroutine is destroyed while it waits.
  struct Registration {
    Parking& parking;
    ~Registration() { parking.timer_ = nullptr; }
  };
  timer_ = &timer;
  const Registration registered{*this};
  const Instant deadline = deadline_after(timeout);
  Exchange::Woken woken = Exchange::Woken::kTimeout;
  readable_ = false;
  while (true) {
    if (take_wake()) {
      woken = Exchange::Woken::kEvent;
      break;
    }
    if (stream.peer_left()) {
      woken = Exchange::Woken::kClientGone;
      break;
    }
    const Duration left = deadline - SystemClock().monotonic();
    if (left <= Duration(0)) break;
    if (!watching_ && !readable_) watch(stream);
    timer.expires_after(readable_ ? std::min(left, kLookAgain) : left);
    boost::system::error_code ignored;  // cancelled or expired: the loop looks at what is true now
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (watching_) {
    boost::system::error_code ignored;
    stream.socket().cancel(ignored);
  }
  co_return woken;
}

}  // namespace keyturn::http
