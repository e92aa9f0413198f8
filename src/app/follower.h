// What other gateways over the same database do, as the ledger tells it: reviews that somebody here
// waits for, sessions and people that are asked for here, policies that are not ours.
#pragma once

#include <string>

#include "base/log.h"
#include "gate/gate.h"
#include "identity/identity.h"
#include "ledger/ledger.h"

namespace keyturn::app {

class Follower {
 public:
  struct Needs {
    const ledger::Ledger& ledger;
    identity::Identity& identity;
    gate::Gate& gate;
    Log& log;
  };
  // What was recorded before `from` is known.
  Follower(const Needs& needs, std::uint64_t from) : needs_(needs), next_(from) {}

  // Reads what was recorded since the last time; also what this gateway did itself. One thread, and
  // not an event loop's.
  void look();

 private:
  Result<void> read();
  void take(const ledger::Entry& entry);
  void look_at_policies(const Json& body);

  const Needs needs_;
  std::uint64_t next_;
  bool accounts_changed_ = false;
  std::string foreign_pack_;  // that we have complained of
  std::string error_;         // the last one, said when it begins, changes and ends
};

}  // namespace keyturn::app
