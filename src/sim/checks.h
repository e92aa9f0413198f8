// What must hold after every step of a run, looked at from outside: the ledger as it is committed,
// and what upstream was asked. Hashes are computed here anew. A fault found is a sentence.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/rooms.h"
#include "sim/trace.h"
#include "sim/upstream.h"

namespace keyturn::sim {

class Checks {
 public:
  static constexpr std::size_t kFaultsMax = 20;  // of one run; more say no more
  explicit Checks(Trace& trace) : trace_(trace) {}

  // Reads what has been committed since the last look.
  void look(app::Rooms& rooms);
  // A request has reached upstream: it must stand in the ledger already.
  void upstream_called(app::Rooms& rooms, const UpstreamCall& call);
  // A server has started on what a crash or a stop left: nothing that was committed may be gone,
  // and the ledger verifies from its first entry.
  void restarted(app::Rooms& rooms);
  // Nothing runs any more: every allowed action has its outcome, every change its end.
  void ended(app::Rooms& rooms);
  void fault(std::string what);

  // A disk of this run forgets what it said was safe: less may be found than was seen, or the start
  // refused.
  void forgive_lost_entries() { may_lose_ = true; }
  bool may_lose() const { return may_lose_; }
  // Not less than this, though: so much was published.
  void must_keep(std::uint64_t entries) { must_keep_ = entries; }
  // A client has signed a request anew.
  void signed_anew(const std::string& operation, const std::string& table) {
    ++signed_[{operation, table}];
  }
  const std::vector<std::string>& faults() const { return faults_; }
  std::uint64_t entries() const { return leaves_.size(); }
  std::uint64_t calls() const { return calls_made_; }
  std::uint64_t grants_used() const { return grants_used_.size(); }

 private:
  // By operation and table.
  using Subject = std::pair<std::string, std::string>;
  struct ChangeSeen {
    std::string owner;
    std::string starter;
    std::int64_t approvals_needed = 0;
    std::set<std::string> approved_by{};
    bool rejected = false;
    bool ended = false;
  };

  void take(const ledger::Entry& entry);
  void take_decision(std::uint64_t index, const Json& body);
  void take_outcome(const Json& body);
  void take_review(const Json& body);
  void take_grant(const Json& body);
  void take_use(const Json& body);
  void end_change(const Json& body);
  void check_head(const ledger::Head& head);
  void forget();

  Trace& trace_;
  std::vector<std::string> faults_;
  bool may_lose_ = false;
  std::uint64_t must_keep_ = 0;

  std::vector<Digest> leaves_;
  std::vector<std::pair<std::uint64_t, Digest>> edge_;  // whole subtrees: leaves and root
  std::map<Subject, std::uint64_t> allowed_;
  std::map<Subject, std::uint64_t> granted_;  // of those, by a grant
  std::set<std::uint64_t> unfinished_;        // allowed, no outcome yet
  std::map<std::string, ChangeSeen> changes_;
  std::map<std::string, std::string> grants_;  // issued: the change of each
  std::set<std::string> grants_used_;

  std::map<Subject, std::uint64_t> calls_;
  std::map<Subject, std::uint64_t>
      executed_;  // what upstream answered with an error may come again
  std::map<Subject, std::uint64_t> signed_;
  std::uint64_t calls_made_ = 0;
};

}  // namespace keyturn::sim
