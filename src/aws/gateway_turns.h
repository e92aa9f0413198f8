// How many requests are understood and decided at once. Each takes tens of KiB then, and the commit
// they wait for takes a whole batch; beyond a few batches more at once are only more memory. The
// others stand in line, parked. Any thread.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>

#include "http/http.h"

namespace keyturn::aws {

// A line where those who come first are served first. As long as there are connections.
class Turns : public std::enable_shared_from_this<Turns> {
 public:
  explicit Turns(std::size_t at_once_max) : free_(at_once_max) {}

  // A turn, or a place in line for one; given back or left at its end.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<Turns> turns) : turns_(std::move(turns)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { turns_->end(*this); }
    bool has_come() const;
    // `waker` is called when it comes. At once when it has.
    void await(std::shared_ptr<http::Exchange::Waker> waker);

   private:
    friend class Turns;
    const std::shared_ptr<Turns> turns_;  // a request under way may outlive the gateway
    bool come_ = false;                   // guarded by turns_->mutex_
    std::shared_ptr<http::Exchange::Waker> waker_;
    std::list<Turn*>::iterator place_;
  };
  std::unique_ptr<Turn> line_up();

 private:
  void end(Turn& turn);

  mutable std::mutex mutex_;
  std::size_t free_;
  std::list<Turn*> line_;
};

}  // namespace keyturn::aws
