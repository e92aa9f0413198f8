// Deciding about one action, purely (invariant 9): no store, no clock. Any thread.
#pragma once

#include <string>
#include <vector>

#include "action/action.h"
#include "base/result.h"

namespace keyturn::gate {

class Policies;

// What the policies are asked about, besides the action.
struct Facts {
  AgentId agent;
  PersonId owner;
  std::string purpose;
  int approvals = 0;
};

// One evaluation, without store or clock. The agent's rights are capped by its owner's: both must
// be permitted (invariant 4). Every resource must be permitted. What is not understood is asked as
// destroy in production (invariant 3). A policy that fails is no permit.
inline constexpr std::size_t kResourcesMax = 1'024;  // S3 deletes 1,000 objects at a time
struct Evaluation {
  bool permitted = false;
  std::vector<std::string> reasons;  // determining policies' ids
  std::vector<std::string> errors;   // `id: message` of policies that failed
};
// kExhausted when the action names too many resources; kInvalid when it does not fit the schema.
Result<Evaluation> evaluate(const Policies& policies, const Action& action, const Facts& facts);

// The verdict with the facts as they are, and if that is no permit, the smallest number of
// approvals up to `reviewers_max` that would permit.
struct Judgement {
  VerdictKind kind = VerdictKind::kDeny;
  // For kHold; for kDeny the approvals that would permit, more than there are reviewers, or 0.
  int approvals_needed = 0;
  std::vector<std::string> reasons;
  std::vector<std::string> errors;
};
inline constexpr int kApprovalsMax = 5;  // no policy asks for more; bounds the search
Result<Judgement> judge(const Policies& policies, const Action& action, const Facts& facts,
                        int reviewers_max);
// The same, where evaluate() has answered already: `now`.
Result<Judgement> judge(const Policies& policies, const Action& action, const Facts& facts,
                        Evaluation now, int reviewers_max);

}  // namespace keyturn::gate
