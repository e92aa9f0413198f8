#include <unistd.h>

#include <filesystem>

#include "sim/agents.h"
#include "sim/world.h"

namespace keyturn::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kActive = minutes(4);
constexpr Duration kBurst = seconds(20);
constexpr Duration kCalm = minutes(4);  // what is under way ends
constexpr Duration kLong = minutes(3);  // every change is past its time

// Which faults a run has; each run has some of them, so that they do not hide one another.
struct Plan {
  Habits habits;
  std::size_t asks = 0;
  Duration asking = kActive;  // all asks begin within
  std::size_t crashes = 0;
  std::size_t pauses = 0;
  std::size_t clock_steps = 0;
  std::size_t stops = 0;
  std::size_t deaths = 0;  // right after a commit
  std::size_t disk_faults = 0;
  std::size_t policy_edits = 0;
  std::size_t seconds_tried = 0;  // starts of a second gateway
  bool shared = false;            // by two gateways, one of which stands still for a while
  bool forgets = false;           // the disk, what it acknowledged
  unsigned upstream = 0;
};

Plan draw_plan(Dice& dice) {
  Plan plan;
  plan.asks = 8 + dice.below(16);
  if (dice.chance(25)) plan.asking = kBurst;
  if (dice.chance(50)) plan.habits.leave = 15;
  if (dice.chance(50)) plan.habits.copy = 30;
  if (dice.chance(50)) plan.habits.twice = 30;
  if (dice.chance(50)) plan.habits.reject = 15;
  if (dice.chance(50)) plan.habits.biased = 20;
  if (dice.chance(60)) plan.crashes = 1 + dice.below(3);
  if (dice.chance(25)) plan.pauses = 1 + dice.below(2);
  if (dice.chance(25)) plan.clock_steps = 1 + dice.below(2);
  if (dice.chance(20)) plan.stops = 1;
  if (dice.chance(40)) plan.deaths = 1 + dice.below(2);
  if (dice.chance(25)) plan.disk_faults = 1 + dice.below(2);
  if (dice.chance(30)) plan.policy_edits = 1 + dice.below(2);
  if (dice.chance(30)) plan.seconds_tried = 1;
  plan.shared = dice.chance(25);
  plan.forgets = dice.chance(8);
  if (dice.chance(60)) plan.upstream = 10 + static_cast<unsigned>(dice.below(40));
  return plan;
}

// Removes what a run leaves behind, however it ends.
class Scratch {
 public:
  explicit Scratch(const Options& options)
      : path_(fmt::format("{}/keyturn-sim-{}-{}", options.scratch, ::getpid(), options.seed)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

void plan_faults(World& world, const Plan& plan) {
  Dice& dice = world.dice();
  world.upstream().set_faults(plan.upstream);
  for (std::size_t i = 0; i < plan.crashes; ++i) {
    world.after(dice.between(Duration(0), kActive),
                [&world] { world.crash(world.dice().between(seconds(0), seconds(20))); });
  }
  for (std::size_t i = 0; i < plan.pauses; ++i) {
    world.after(dice.between(Duration(0), kActive),
                [&world] { world.pause_server(world.dice().between(seconds(1), seconds(60))); });
  }
  for (std::size_t i = 0; i < plan.clock_steps; ++i) {
    world.after(dice.between(Duration(0), kActive), [&world] {
      const Duration by = world.dice().between(seconds(1), minutes(10));
      world.step_clock(world.dice().chance(50) ? by : -by);
    });
  }
}

// For a while.
void fail_disk(World& world) {
  Dice& dice = world.dice();
  const auto percent = static_cast<unsigned>(5 + dice.below(40));
  // What an executed action's record meets then is an error that a person must see.
  world.trace().expect_error("gateway.outcome_not_recorded");
  constexpr const char* kNames[] = {"is full", "fails to sync", "fails to commit", "answers late"};
  const std::uint64_t kind = dice.below(std::size(kNames));
  world.trace().add("disk", fmt::format("{}, in {} of 100 cases", kNames[kind], percent));
  if (kind == 0) world.set_disk_faults({.full_percent = percent / 4});
  if (kind == 1) world.set_disk_faults({.sync_fails_percent = percent});
  if (kind == 2) world.set_store_faults({.refused_percent = percent, .full_percent = percent});
  if (kind == 3) world.set_store_faults({.late_percent = percent});
  world.after(dice.between(seconds(1), seconds(20)), [&world] {
    world.set_disk_faults({});
    world.set_store_faults({});
    world.trace().add("disk", "works again");
  });
}

void plan_disk_faults(World& world, const Plan& plan) {
  Dice& dice = world.dice();
  const auto plan_some = [&](std::size_t count, const std::function<void()>& event) {
    for (std::size_t i = 0; i < count; ++i) {
      world.after(dice.between(Duration(0), kActive), event);
    }
  };
  plan_some(plan.deaths, [&world] { world.crash_at_commit(); });
  plan_some(plan.disk_faults, [&world] { fail_disk(world); });
  plan_some(plan.policy_edits, [&world] { world.change_policies(); });
  plan_some(plan.seconds_tried, [&world] { world.start_second(); });
  plan_some(plan.shared ? 1 : 0, [&world] { world.start_beside(); });
  if (!plan.forgets) return;
  const Duration when = dice.between(Duration(0), kActive);
  world.after(when, [&world] { world.lose_what_follows(); });
  world.after(when + dice.between(Duration(0), seconds(30)), [&world] { world.crash(seconds(1)); });
}

// Everything that is wrong ends, and what is under way may end too.
void calm_down(World& world, Agents& agents) {
  world.upstream().set_faults(0);
  agents.rest();
  world.run_for(kCalm);
  world.run_for(kLong);
  if (world.refused()) return;
  if (world.server() == nullptr) return world.checks().fault("no gateway runs at the end");
  // A start settles what is unfinished, also what a full disk has left so.
  world.stop();
  world.start();
  if (world.server() != nullptr) world.checks().ended(world.server()->rooms());
}

}  // namespace

Report run(const Options& options) {
  const Scratch scratch(options);
  World world(options, scratch.path());
  Plan plan = draw_plan(world.dice());
  if (options.broken == Broken::kAcknowledgesEarly) plan.crashes = 1;
  if (options.broken == Broken::kNotLocked) plan.seconds_tried = 1;
  if (options.broken == Broken::kForked) plan.shared = true;
  if (options.broken == Broken::kUnaware) {
    plan = Plan();  // nothing else: what fails and is signed anew would hide it
    plan.asks = 80;
    plan.habits.copy = 100;
    plan.shared = true;
  }
  if (plan.shared && options.broken != Broken::kForked) world.share_database();
  if (options.broken == Broken::kLimitless) plan.asking = kBurst;
  if (options.broken == Broken::kCopiesPass) plan.habits = {.copy = 60, .copies_pass = true};
  world.set_up();
  Agents agents(world, plan.habits);
  agents.set_up();
  world.break_now();
  plan_faults(world, plan);
  plan_disk_faults(world, plan);
  agents.begin(plan.asks, plan.asking);
  world.run_for(kActive);
  calm_down(world, agents);
  return world.report();
}

}  // namespace keyturn::sim
