// One life of a simulated gateway, from its start to its end or its crash: the product's own rooms
// as the server wires them, on a loop driven by hand. Requests come in just inside the http room.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "app/rooms.h"
#include "sim/loop.h"
#include "sim/trace.h"
#include "sim/visit.h"

namespace keyturn::sim {

class Server {
 public:
  struct Outside {
    Schedule& schedule;
    Dice& dice;
    ManualClock& clock;
    Random& random;
    Trace& trace;
    http::Client& upstream;
    std::shared_ptr<const aws::Model> model;
    // Made for each life; its loop commits for it.
    std::function<Result<std::unique_ptr<store::Store>>(const app::Needs&, Loop&)> open_store;
  };
  enum class Door { kAws, kApi };
  using Answered = std::function<void(const Visit&)>;

  // Errors say why it does not start.
  static Result<std::unique_ptr<Server>> start(const Outside& outside, Schedule::Owner owner,
                                               const app::Config& config);
  Server(const Outside& outside, Schedule::Owner owner);  // for start() alone
  // As after kill -9: nothing is finished, nothing is said.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Whether it takes requests: it waits a little for the tags of resources.
  bool listening() const { return listening_; }
  // Null when it does not listen. `answered` is called once, when the handler has returned; not
  // when the server dies before.
  Visit* visit(Door door, http::RequestHead head, std::string body, Answered answered);
  std::size_t visits() const { return visits_.size(); }
  // Requests that wait for reviewers, by session token.
  std::map<std::string, std::size_t, std::less<>> waiting() const;
  // Takes no more requests and wakes those that wait.
  void drain();
  // After drain(), once nothing is left: publishes, closes the store.
  void close();

  app::Rooms& rooms() { return *rooms_; }
  Loop& loop() { return *loop_; }
  Schedule::Owner owner() const { return owner_; }

 private:
  struct Guest {
    std::unique_ptr<Visit> visit;
    Answered answered;
  };
  void keep(std::vector<app::Job> jobs);
  void repeat(app::Job job);
  void handle(Door door, std::list<Guest>::iterator guest);
  void ended(std::list<Guest>::iterator guest, const Result<void>& handled);

  const Outside outside_;
  const Schedule::Owner owner_;
  Metrics metrics_;
  bool listening_ = false;
  std::uint64_t requests_ = 0;
  std::list<Guest> visits_;
  std::unique_ptr<app::Rooms> rooms_;
  std::unique_ptr<Loop> loop_;  // dies first, and its coroutines with it
};

}  // namespace keyturn::sim
