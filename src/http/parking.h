// Where requests that were parked wait: for a wake from any thread, a time, or their client
// leaving. What waits has no coroutine; its connection is held here.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <mutex>

#include "http/server_state.h"

namespace keyturn::http {

// Shared by one request and its wakers, which may outlive the request, its connection and its loop:
// once closed, a late wake touches none of them.
class Parking final : public Exchange::Waker, public std::enable_shared_from_this<Parking> {
 public:
  explicit Parking(Connection& connection);

  // From any thread. Sticks until it is taken.
  void wake() override;
  // On the loop.
  bool take_wake();
  void close();

 private:
  void rouse();

  Connection& connection_;
  std::mutex mutex_;
  bool woken_ = false;   // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_, changed on the loop
};

// The connections of one loop whose request is parked, by when they are to be looked at. One timer
// serves all of them, and holds the lot while it is not empty: loops that end destroy it with all
// that wait.
class ParkingLot : public std::enable_shared_from_this<ParkingLot> {
 public:
  using Places = std::multimap<Instant, std::shared_ptr<Connection>>;
  using Place = Places::iterator;

  explicit ParkingLot(const Executor& executor) : timer_(executor) {}

  Place enter(Instant look_at, std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> leave(Place place);

 private:
  void arm();
  void on_timer();

  Places places_;
  boost::asio::steady_timer timer_;
  Instant armed_for_;
  std::uint64_t turn_ = 0;  // tells a handler whose wait was replaced
  bool waiting_ = false;
};

}  // namespace keyturn::http
