// Past verdicts, computed again from what the ledger recorded (invariant 9): with the policies they
// were made by they must come out the same, with others they say what would change. Pure.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gate/gate.h"

namespace keyturn::gate {

struct Verdict {
  VerdictKind kind = VerdictKind::kDeny;
  int approvals_needed = 0;           // for kHold
  std::vector<std::string> policies;  // that decided
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

class PastDecision {
 public:
  // What is kept beside the entry under a digest; its answer must hash to it, or kCorrupt.
  using FindKept = std::function<Result<std::string>(const Digest& digest)>;
  // The body of an `action.decided`. kCorrupt when it is none; find_kept's errors.
  static Result<PastDecision> read(const Json& body, const FindKept& find_kept);

  const Verdict& verdict() const { return verdict_; }
  const Action& action() const { return action_; }
  // Of the pack that decided; of zeros when none was loaded.
  const Digest& policy_digest() const { return policy_digest_; }

  // The verdict by `policies`; null: none are loaded. What policies do not decide stays as it was:
  // an ended session, a reviewer's rejection, a full queue of changes.
  Verdict recompute(const Policies* policies) const;

 private:
  PastDecision() = default;
  Result<void> read_facts(const Json& body);
  Result<void> read_action_of(const Json& body, const FindKept& find_kept);

  Verdict verdict_;
  Digest policy_digest_;
  Action action_;
  Facts facts_;
  std::string cause_;
  int reviewers_ = 0;
  bool counted_ = true;     // the reviewers
  bool countless_ = false;  // resources: more than may be asked about
};

// A pack from the text it is kept as (Policies::text).
Result<std::shared_ptr<const Policies>> read_pack(std::string_view text);

}  // namespace keyturn::gate
