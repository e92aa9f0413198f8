// Where a held request waits: for a wake from any thread, a time, or its client leaving. Shared by
// the exchange and its wakers; once the exchange has closed it, a late wake touches neither timer
// nor loop.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>

#include "http/stream.h"

namespace keyturn::http {

class Parking final : public Exchange::Waker, public std::enable_shared_from_this<Parking> {
 public:
  explicit Parking(Executor executor);

  // From any thread. Sticks until a wait has taken it.
  void wake() override;
  // On the loop. One wait at a time.
  Task<Exchange::Woken> wait(Stream& stream, Duration timeout);
  void close();

 private:
  bool take_wake();
  void rouse();
  void watch(Stream& stream);

  const Executor executor_;
  std::mutex mutex_;
  bool woken_ = false;   // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
  // Touched on the loop only.
  boost::asio::steady_timer* timer_ = nullptr;
  bool watching_ = false;
  bool readable_ = false;
};

}  // namespace keyturn::http
