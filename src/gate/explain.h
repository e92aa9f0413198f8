// Why an action is held, for reviewers: what each policy about it came to without a review, the
// sub-expression that decided, and what reviews must still make true. Nothing of it is stored: it
// is computed from the recorded action and the pack whose digest reviewers sign, as the verdict was
// (invariant 9). Its values are those that policies see, the action's and the facts', never a
// request's parameters or a credential (invariant 8). Any thread.
#pragma once

#include <string>
#include <vector>

#include "cedar/explain.h"
#include "gate/gate.h"

namespace keyturn::gate {

// The bounds of an explanation: what a person reads, and what one answer may weigh.
inline constexpr std::size_t kExplainedBytesMax = 65'536;     // of all its texts
inline constexpr std::size_t kExplainedTextBytesMax = 2'000;  // of one condition or value
inline constexpr std::size_t kExplainedAnswersMax = 8;        // different ones
inline constexpr std::size_t kExplainedQuestionsMax = 64;     // one per principal and resource
inline constexpr std::size_t kExplainedPoliciesMax = 16;      // of one answer
inline constexpr std::size_t kExplainedResourcesMax = 16;     // named under one answer

struct ExplainedPolicy {
  cedar::PolicyExplanation found;  // named as people name the policy
  // What of the policy depends on reviews, as Cedar conditions (`when { context.approvals >= 2 }`);
  // empty when nothing does.
  std::string remaining;
};

// The questions that have one answer: those about these resources, for these principals.
struct ExplainedAnswer {
  std::vector<std::string> principals;  // `Agent::"kiro"`
  std::vector<std::string> resources;   // their names
  std::size_t resources_omitted = 0;
  // Those that depend on reviews first, then those about the request, then others about the effect.
  std::vector<ExplainedPolicy> policies;
  std::size_t policies_omitted = 0;
};

struct HoldExplanation {
  std::vector<ExplainedAnswer> answers;  // of the questions that are not permitted at once
  std::size_t questions_omitted = 0;     // that are not permitted either
};

// Errors are those of evaluate().
Result<HoldExplanation> explain_hold(const Policies& policies, const Action& action,
                                     const Facts& facts);
// The same for a change, by the pack that held it, current or kept. kNotFound and kCorrupt when
// that pack or the recorded action cannot be read.
Result<HoldExplanation> explain_hold(const Gate& gate, const review::Change& change,
                                     const std::string& purpose);

// {"answers":[{"principals","resources","resources_omitted","policies":[as cedar's, and
// "remaining"],"policies_omitted"}],"questions_omitted"}
Json to_json(const HoldExplanation& explanation);

}  // namespace keyturn::gate
