// One database that several gateways of a run write to, as the PostgreSQL store has it: units of
// all commit in one order, each gateway has a number, who is silent is removed and joins anew.
#pragma once

#include <map>
#include <memory>

#include "sim/loop.h"

namespace keyturn::sim {

class SharedStore;

// Commits on the database's own time: a gateway that stands still keeps nobody waiting.
class DatabaseHost final : public store::WriterHost {
 public:
  DatabaseHost(Schedule& schedule, Dice& dice) : schedule_(schedule), dice_(dice) {}
  void schedule(std::function<void()> commit) override;
  // What was scheduled is forgotten.
  void drop();

 private:
  Schedule& schedule_;
  Dice& dice_;
};

class SharedDatabase : public std::enable_shared_from_this<SharedDatabase> {
 public:
  // `numbers`: the last one that was given; they are never given again.
  SharedDatabase(std::unique_ptr<store::Store> inner, DatabaseHost& host, const Clock& clock,
                 std::uint64_t& numbers);
  ~SharedDatabase();
  SharedDatabase(const SharedDatabase&) = delete;
  SharedDatabase& operator=(const SharedDatabase&) = delete;

  // A gateway's own view; removes those that have died. `knows`: that it shares the database.
  std::unique_ptr<store::Store> join(Loop& loop, bool knows);

 private:
  friend class SharedStore;
  struct Member {
    Instant seen;
    bool dead = false;
  };
  struct Step {
    store::Unit unit;
    store::Committed done;
  };
  std::int64_t add_member();
  // At a member's turn: removes who is silent. Its number, anew when it was removed itself.
  std::int64_t take_turn(std::int64_t number);
  void set_step(SharedStore& member, store::Unit unit, store::Committed done);
  Result<void> run_steps(store::Transaction& transaction);
  void end_steps(const Result<void>& result);

  const std::unique_ptr<store::Store> inner_;
  DatabaseHost& host_;
  const Clock& clock_;
  std::uint64_t& numbers_;
  std::map<std::int64_t, Member> members_;
  std::map<std::uint64_t, std::pair<SharedStore*, Step>> steps_;  // in the order they came
  std::uint64_t steps_made_ = 0;
};

}  // namespace keyturn::sim
