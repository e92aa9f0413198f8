#include "aws/gateway_turns.h"

#include <utility>

namespace keyturn::aws {

std::unique_ptr<Turns::Turn> Turns::line_up() {
  auto turn = std::make_unique<Turn>(shared_from_this());
  const std::scoped_lock lock(mutex_);
  if (free_ > 0 && line_.empty()) {
    --free_;
    turn->come_ = true;
  } else {
    turn->place_ = line_.insert(line_.end(), turn.get());
  }
  return turn;
}

bool Turns::Turn::has_come() const {
  const std::scoped_lock lock(turns_->mutex_);
  return come_;
}

void Turns::Turn::await(std::shared_ptr<http::Exchange::Waker> waker) {
  {
    const std::scoped_lock lock(turns_->mutex_);
    if (!come_) {
      waker_ = std::move(waker);
      return;
    }
  }
  waker->wake();
}

void Turns::end(Turn& turn) {
  std::shared_ptr<http::Exchange::Waker> waker;
  {
    const std::scoped_lock lock(mutex_);
    if (!turn.come_) {
      line_.erase(turn.place_);
      return;
    }
    if (line_.empty()) {
      ++free_;
      return;
    }
    Turn& next = *line_.front();
    line_.pop_front();
    next.come_ = true;
    waker = std::move(next.waker_);
  }
  if (waker) waker->wake();
}

}  // namespace keyturn::aws
