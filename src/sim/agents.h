// The clients of a run. Agents ask for what is observed, changed and destroyed, try again when they
// are held or cut off, leave without waiting, and sometimes send a copy of what they have sent.
// Reviewers read what is open and answer, sometimes twice, sometimes where they may not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/signing.h"
#include "sim/world.h"

namespace keyturn::sim {

// Which of the bad habits this run's clients have, in so many of a hundred cases.
struct Habits {
  unsigned leave = 0;   // the client vanishes
  unsigned copy = 0;    // what was sent is sent again, byte for byte
  unsigned twice = 0;   // a reviewer answers twice
  unsigned reject = 0;  // a reviewer says no
  unsigned biased = 0;  // the agent's owner tries to review
  // No client's: a copy is signed anew and not counted as such, to show that the count is looked
  // at.
  bool copies_pass = false;
};

class Agents {
 public:
  Agents(World& world, const Habits& habits) : world_(world), habits_(habits) {}

  // Persons, agents and sessions, through the API.
  void set_up();
  // Asks and reviews begin, spread over `time`.
  void begin(std::size_t asks, Duration time);
  // No one tries anything new.
  void rest() { resting_ = true; }
  std::size_t done() const { return done_; }

 private:
  struct Ask {
    std::string operation;
    std::string table;
    std::size_t session = 0;
    int tries_left = 0;
  };
  using AskPointer = std::shared_ptr<Ask>;

  std::string add_person(const std::string& id);
  void start_session(const std::string& agent);
  void begin_ask(std::size_t number);
  http::RequestHead sign(const Ask& ask);
  void try_ask(const AskPointer& ask);
  void send(const AskPointer& ask, http::RequestHead head, bool first);
  void answered(const AskPointer& ask, const http::RequestHead& head, const Reply& reply);
  void try_later(const AskPointer& ask, Duration least, Duration most);
  void look_at_changes(std::size_t reviewer);
  void review(std::size_t reviewer, const Json& change);
  void give(const std::string& token, const Json& change, std::string_view answer);

  World& world_;
  const Habits habits_;
  bool resting_ = false;
  std::size_t done_ = 0;
  std::string owner_token_;
  std::vector<std::string> reviewers_;  // their tokens
  std::vector<SessionKeys> sessions_;
};

}  // namespace keyturn::sim
