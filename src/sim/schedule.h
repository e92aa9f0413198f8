// What happens when, in virtual time: events run one after another, earliest first and in the order
// they were made, and the clock moves only from one to the next. Each belongs to an owner, whose
// death takes its events along.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/clock.h"

namespace keyturn::sim {

class Schedule {
 public:
  using Owner = std::uint64_t;
  static constexpr Owner kWorld = 0;

  explicit Schedule(ManualClock& clock) : clock_(clock) {}

  void after(Duration duration, Owner owner, std::function<void()> event);
  // The owner's events are forgotten.
  void drop(Owner owner);
  // The owner stands still, as under SIGSTOP: what falls due waits until resume().
  void pause(Owner owner) { paused_.insert(owner); }
  void resume(Owner owner);
  // Runs the earliest event; false when there is none.
  bool step();
  // Since the start.
  Duration elapsed() const { return Duration(clock_.monotonic().micros); }

 private:
  struct Event {
    Owner owner;
    std::function<void()> run;
  };
  using Key = std::pair<std::int64_t, std::uint64_t>;  // when, and the order of making

  ManualClock& clock_;
  std::uint64_t made_ = 0;
  std::map<Key, Event> events_;
  std::set<Owner> paused_;
  std::map<Key, Event> late_;  // of those that stand still
};

}  // namespace keyturn::sim
