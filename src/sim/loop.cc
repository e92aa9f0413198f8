#include "sim/loop.h"

#include <boost/asio/co_spawn.hpp>

namespace keyturn::sim {
namespace {

// How long a batch waits for its commit: most disks answer soon, some do not.
constexpr Duration kCommitSoon = std::chrono::milliseconds(2);
constexpr Duration kCommitLate = std::chrono::milliseconds(400);
constexpr unsigned kLatePercent = 10;

http::Task<> run_held(std::function<http::Task<>()> task) { co_return co_await task(); }

}  // namespace

Loop::Loop(Schedule& schedule, Schedule::Owner owner, Dice& dice, Log& log)
    : schedule_(schedule), owner_(owner), dice_(dice), log_(log) {
  http::use_alarms(context_, *this);
}

void Loop::run_ready() {
  context_.restart();
  context_.poll();
}

void Loop::after(Duration duration, std::function<void()> work) {
  schedule_.after(duration, owner_, [this, work = std::move(work)] {
    work();
    run_ready();
  });
}

void Loop::spawn(std::size_t, std::function<http::Task<>()> task) {
  http::Task<> running = run_held(std::move(task));
  boost::asio::co_spawn(context_, std::move(running),
                        [this](const std::exception_ptr& thrown, const Result<void>& result) {
                          CHECK(!thrown);
                          if (!result) {
                            log_.warning("http.task_failed", {{"error", result.error().message}});
                          }
                        });
}

void Loop::set(Duration duration, std::function<void()> ring) {
  if (!alarms_lost_) after(duration, std::move(ring));
}

void Loop::schedule(std::function<void()> commit) {
  const Duration most = dice_.chance(kLatePercent) ? kCommitLate : kCommitSoon;
  after(dice_.between(Duration(100), most), std::move(commit));
}

}  // namespace keyturn::sim
