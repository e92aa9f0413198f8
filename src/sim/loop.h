// The event loop of a simulated server, driven by hand on virtual time: coroutines, their timers
// and the store's commits all become events of the schedule. One per life of a server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "base/log.h"
#include "http/http.h"
#include "http/timer.h"
#include "sim/dice.h"
#include "sim/schedule.h"
#include "store/store.h"

namespace keyturn::sim {

class Loop final : public http::Loops, public http::Alarms, public store::WriterHost {
 public:
  Loop(Schedule& schedule, Schedule::Owner owner, Dice& dice, Log& log);
  ~Loop() override = default;

  // Runs what is ready, until nothing is.
  void run_ready();
  // An event of this server: runs `work`, then what has become ready.
  void after(Duration duration, std::function<void()> work);

  std::size_t size() const override { return 1; }
  http::Executor executor(std::size_t) override { return context_.get_executor(); }
  void spawn(std::size_t index, std::function<http::Task<>()> task) override;
  void stop() override {}
  void set(Duration after, std::function<void()> ring) override;
  void schedule(std::function<void()> commit) override;

  // A broken part for the tests of the checkers: timers never ring.
  void lose_alarms() { alarms_lost_ = true; }

 private:
  Schedule& schedule_;
  const Schedule::Owner owner_;
  Dice& dice_;
  Log& log_;
  bool alarms_lost_ = false;
  boost::asio::io_context context_{1};
};

}  // namespace keyturn::sim
