#include "http/parking.h"

#include <boost/asio/post.hpp>

#include "http/connection.h"

namespace keyturn::http {

Parking::Parking(Connection& connection) : connection_(connection) {}

void Parking::wake() {
  std::lock_guard lock(mutex_);
  if (closed_ || woken_) return;
  woken_ = true;
  boost::asio::post(connection_.loop().executor, [self = shared_from_this()] { self->rouse(); });
}

bool Parking::take_wake() {
  std::lock_guard lock(mutex_);
  return std::exchange(woken_, false);
}

void Parking::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void Parking::rouse() {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  connection_.look();
}

ParkingLot::Place ParkingLot::enter(Instant look_at, std::shared_ptr<Connection> connection) {
  const Place place = places_.emplace(look_at, std::move(connection));
  if (!waiting_ || look_at < armed_for_) arm();
  return place;
}

std::shared_ptr<Connection> ParkingLot::leave(Place place) {
  std::shared_ptr<Connection> connection = std::move(place->second);
  places_.erase(place);
  if (places_.empty()) timer_.cancel();
  return connection;
}

void ParkingLot::arm() {
  armed_for_ = places_.begin()->first;
  waiting_ = true;
  const std::uint64_t turn = ++turn_;
  timer_.expires_after(std::max(armed_for_ - SystemClock().monotonic(), Duration(0)));
  timer_.async_wait([self = shared_from_this(), turn](const boost::system::error_code&) {
    if (turn == self->turn_) self->on_timer();
  });
}

void ParkingLot::on_timer() {
  waiting_ = false;
  const Instant now = SystemClock().monotonic();
  // Who is looked at leaves or takes a later place.
  while (!places_.empty() && places_.begin()->first <= now) {
    const std::shared_ptr<Connection> connection = places_.begin()->second;
    connection->look();
  }
  if (!places_.empty() && !waiting_) arm();
}

}  // namespace keyturn::http
