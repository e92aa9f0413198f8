// Composes policy, review and ledger into one verdict, in one transaction (invariant 1): verdict,
// grant use and ledger entry commit together, and only then is the caller told that it may forward.
// Any error on the way is a denial (invariant 2). Deciding is a pure function of policies,
// entities, action and facts (invariant 9). Tables: gate_*. The bodies of its ledger entries are
// pinned in docs/format/decisions.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "gate/child.h"
#include "gate/evaluate.h"
#include "gate/policies.h"
#include "gate/sending.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "review/review.h"
#include "store/store.h"

namespace keyturn::gate {

// One request put before the gate.
struct Question {
  std::shared_ptr<const identity::KeyHolder> holder;
  Action action;
  std::string request_id;
  std::string reason;             // the agent's words, from the request or the session's purpose
  std::string model_digest = {};  // of what understood the request, hexadecimal; empty: nothing did
  // Which of what the session destroyed before is made again by the action, in words. Null for an
  // action that makes nothing.
  using FindRecreations = std::vector<std::string> (*)(const Action&,
                                                       const std::vector<Destroyed>&);
  FindRecreations find_recreations = nullptr;
  // Of what must not be executed twice. Looked up where several gateways share a database: what was
  // sent to another one is denied here.
  std::optional<Sending> sending = {};
};

struct Decision {
  VerdictKind kind = VerdictKind::kDeny;
  // What the agent is told: reason and way forward.
  std::string message;
  std::vector<std::string> policies;     // that decided
  std::optional<review::Change> change;  // for kHold, and for a kDeny after a rejection
  std::optional<review::Grant> grant;    // consumed by this allow
  std::uint64_t ledger_index = 0;        // of action.decided
};

// How an executed request ended; recorded as action.outcome.
struct Outcome {
  enum class Kind {
    kAnswered,  // upstream answered; see status
    kNotSent,   // failed before a byte left
    kUnknown,   // sent, outcome unknown
  };
  Kind kind = Kind::kAnswered;
  int status = 0;
  std::string detail;  // upstream's request id or our error
  std::uint64_t response_bytes = 0;
};

inline constexpr std::size_t kListenersMax = 16'384;  // beyond the requests held at once

// When an allowed `observe` may leave. Everything else waits, whatever is chosen.
enum class ObserveLeaves {
  kRecorded,  // once its entry is durable
  // Once its entry is written and before its batch is synced: a crash, or a commit that fails, may
  // lose the entries of what was observed within that one batch (store::Store::kBatchUnitsMax).
  kDecided,
};

struct GateOptions {
  ObserveLeaves observe = ObserveLeaves::kRecorded;
};

// Any thread, unless said otherwise. Dies after the store is closed: queued work refers to it.
class Gate {
 public:
  using Decided = std::function<void(Result<Decision>)>;
  struct Inside;
  Gate(store::Store& store, ledger::Ledger& ledger, identity::Identity& identity,
       review::Reviews& reviews, const Clock& clock, Log& log, Metrics& metrics,
       GateOptions options);
  ~Gate();
  // Its tables alone.
  static Result<void> prepare(store::Store& store);

  // Swaps them whole, keeps their text, records policy.loaded; makes the tables. Blocks.
  Result<void> set_policies(std::shared_ptr<const Policies> policies);
  std::shared_ptr<const Policies> policies() const;
  // Those of a digest, current or kept; a few are remembered. kNotFound, kCorrupt.
  Result<std::shared_ptr<const Policies>> find_policies(const Digest& digest) const;
  // The text of a policy pack that was loaded once. kNotFound.
  Result<std::string> find_pack(const Digest& digest) const;

  struct Erasure {
    std::uint64_t index = 0;  // an entry with contents beside it
    PersonId person;
    std::string why;  // for the ledger
  };
  struct Erased {
    std::vector<std::uint64_t> entries;  // oldest first
    bool more = false;                   // others keep the same: erase again
  };
  // Erases what is kept beside an entry, wherever the same is kept: beside other entries, and in
  // the changes that they opened; records content.erased. kNotFound when nothing is there,
  // kConflict while reviewers still need it, kInvalid without a reason. Blocks.
  Result<Erased> erase_contents(const Erasure& erasure);

  // Decides and records. `decided` is called once, on another thread, after the commit is durable
  // (GateOptions::observe apart). An error means that nothing is recorded: deny.
  void decide(Question question, Decided decided);
  // Refused before it was understood (signature, framing): recorded as action.refused.
  struct Refusal {
    std::string request_id;
    std::string door;
    std::string code;  // `SignatureDoesNotMatch`
    std::string detail;
    std::string access_key_id;  // as claimed
    std::string peer;
  };
  void refuse(Refusal refusal, std::function<void(Result<void>)> recorded);
  // Records the second entry of an executed action. `decided_index` is Decision::ledger_index.
  void record_outcome(std::uint64_t decided_index, std::string request_id, Outcome outcome,
                      std::function<void(Result<void>)> recorded);
  // With its ledger entry. `started`: once, on another thread; then call identity.refresh().
  void start_child(Child child, ChildStarted started);
  // Actions that were allowed and have no outcome, of gateways that are gone: `sent, outcome
  // unknown`. Marks each with an action.outcome of kind unknown, once, and returns their ledger
  // indices. Before serving; where several share a database, also at any time.
  Result<std::vector<std::uint64_t>> settle_after_crash();

  // Wakes those who wait for a change to be decided: `listener` is called after each commit that
  // changed it since it was as `seen`, until the token is destroyed; at once when one has, or when
  // that cannot be told. Null when too many listen: then do not wait.
  class Listening {
   public:
    virtual ~Listening() = default;
  };
  std::unique_ptr<Listening> listen(const review::Change& seen,
                                    const std::function<void()>& listener);
  // Wakes those who wait for it: another gateway over the same database has moved it.
  void wake(ChangeId change);
  // One person's review, with its ledger entries (review.given, grant.issued), in one transaction;
  // then wakes the waiting. kConflict when the policies have changed since: the change is void.
  // Blocks.
  Result<review::Reviews::Given> give_review(ChangeId id, const PersonId& person,
                                             review::Answer answer, const Digest& digest,
                                             std::string_view words);
  // Ends changes that are past their time (change.expired); wakes the waiting. How many. Blocks.
  Result<std::size_t> sweep();

 private:
  std::unique_ptr<Inside> inside_;
};

}  // namespace keyturn::gate
