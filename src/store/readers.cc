#include "store/readers.h"

namespace keyturn::store {

Result<Readers::Connection> Readers::take() {
  std::unique_lock lock(mutex_);
  given_back_.wait(lock, [this] { return closed_ || !free_.empty(); });
  if (closed_) return fail(Code::kUnavailable, "the store is closed");
  Connection connection = std::move(free_.back());
  free_.pop_back();
  ++taken_;
  return connection;
}

void Readers::give_back(Connection connection) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(connection));
  --taken_;
  // Also close() may be waiting.
  given_back_.notify_all();
}

Result<void> Readers::read(const Unit& unit) {
  TRY(Connection connection, take());
  Result<void> result = connection->begin();
  if (result) {
    result = unit(*connection);
    const Result<void> ended = connection->end();
    if (result) result = ended;
  }
  give_back(std::move(connection));
  return result;
}

void Readers::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  given_back_.notify_all();
  given_back_.wait(lock, [this] { return taken_ == 0; });
  free_.clear();
}

}  // namespace keyturn::store
