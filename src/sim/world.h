// The world of one run: virtual time, the disk, upstream, and one gateway that is started again
// whenever it has died. Clients and faults act on it from the schedule.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "faulty/disk.h"
#include "faulty/store.h"
#include "sim/checks.h"
#include "sim/server.h"
#include "sim/shared.h"
#include "sim/sim.h"

namespace keyturn::sim {

class World {
 public:
  World(const Options& options, const std::string& folder);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A request of a client. Returns its number, or nothing when nobody listens. `answered` is called
  // once with what the client got; an empty reply when the server died before, not when the client
  // has left.
  using Answered = std::function<void(const Reply&)>;
  std::optional<std::uint64_t> visit(Server::Door door, http::RequestHead head, std::string body,
                                     Answered answered);
  // The client of that request closes its connection.
  void leave(std::uint64_t visit);
  // One of the API's routes, as the person with this token.
  std::optional<std::uint64_t> call_api(std::string_view method, std::string_view target,
                                        const std::string& token, const Json& body,
                                        Answered answered);
  // The same, waiting in virtual time, and again until it succeeds.
  Json must_call_api(std::string_view method, std::string_view target, const std::string& token,
                     const Json& body);

  // An event of the world itself.
  void after(Duration duration, std::function<void()> event) {
    schedule_.after(duration, Schedule::kWorld, std::move(event));
  }
  // Runs events, and what must hold after each, until `duration` has passed.
  void run_for(Duration duration);

  // A fresh data folder with its keys, the gateway on it, and its first person.
  void set_up();
  bool refused() const { return refused_; }
  // Starts the gateway on what is on the disk; again until it starts.
  void start();
  // After the event that runs now: SIGKILL, or the power is cut, and a new start after `pause`.
  void crash(Duration pause) { crash_ = pause; }
  // The same, right after the next commit and before anyone has heard of it.
  void crash_at_commit();
  void set_disk_faults(const faulty::Disk::Faults& faults) { disk_.set_faults(faults); }
  void set_store_faults(const faulty::Faults& faults);
  // An orderly stop; whoever waits is answered first.
  void stop();
  void pause_server(Duration duration);
  // The disk under the database acknowledges what it does not keep, until the next crash.
  void lose_what_follows();
  // Another gateway on the same data folder: it must be refused.
  void start_second();
  // The gateway stands still, another one is started beside it, and then both go on for a while.
  void start_beside();
  // Several gateways may write to the database. Before set_up().
  void share_database() { shared_ = true; }
  // The operator edits the policies and has them loaded.
  void change_policies();
  void step_clock(Duration by);

  Dice& dice() { return dice_; }
  const app::Config& config() const { return config_; }
  Trace& trace() { return trace_; }
  Checks& checks() { return checks_; }
  Upstream& upstream() { return upstream_; }
  ManualClock& clock() { return clock_; }
  Server* server() { return server_.get(); }
  const std::string& root_token() const { return root_token_; }
  // The part that is broken on purpose is so from now on.
  void break_now();
  Report report() const;

 private:
  struct Guest {
    Server* server = nullptr;
    Visit* visit = nullptr;
    Answered answered;
  };
  Server::Outside outside();
  void step();
  void check_waiting();
  std::uint64_t published_size() const;
  void die();
  void die_alone();
  void end_old();
  // The clients of a server that has died get nothing.
  void orphan(const Server* server);
  Result<std::unique_ptr<store::Store>> open_store(const app::Needs& needs, Loop& loop);
  Result<std::unique_ptr<faulty::Store>> open_database(const app::Needs& needs,
                                                       store::WriterHost& host);
  void expect_end(std::uint64_t number);

  const Options options_;
  Broken broken_ = Broken::kNothing;
  ManualClock clock_;
  Schedule schedule_{clock_};
  Dice dice_;
  SeededRandom random_;
  SystemRandom unseeded_;
  Trace trace_;
  Checks checks_{trace_};
  Upstream upstream_{dice_, trace_};
  faulty::Disk disk_;
  faulty::Faults store_faults_;
  app::Config config_;
  std::string folder_;
  bool disk_lies_ = false;
  bool dying_ = false;  // at the next commit
  std::uint64_t policy_edits_ = 0;
  bool refused_ = false;  // to start on a database that has lost entries: rightly
  std::uint64_t lives_ = 0;
  std::uint64_t visits_made_ = 0;
  std::optional<Duration> crash_;
  bool paused_ = false;
  std::string root_token_;
  std::map<std::uint64_t, Guest> visits_;
  std::uint64_t steps_ = 0;
  bool appended_ = false;  // since the last look
  bool shared_ = false;
  std::string database_;  // its file
  std::uint64_t writers_ = 0;
  Metrics metrics_;  // a shared database's
  DatabaseHost host_{schedule_, dice_};
  std::weak_ptr<SharedDatabase> sharing_;  // while a gateway lives
  faulty::Store* faulty_ = nullptr;        // of the latest database
  std::unique_ptr<Server> old_;            // beside which another was started
  std::unique_ptr<Server> server_;
};

}  // namespace keyturn::sim
