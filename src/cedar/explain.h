// Why a decision is what it is: for each policy how its scope matched, what each condition came to,
// and the sub-expression that decided. For reviewers, the command line and tests; not for the
// request path.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cedar/cedar.h"

namespace keyturn::cedar {

enum class Truth : std::uint8_t {
  kTrue,
  kFalse,
  kFailed,      // the policy is skipped
  kNotReached,  // an earlier condition settled it
};
std::string_view to_string(Truth truth);

struct ConditionExplanation {
  std::string text;  // `when { … }` as written
  Truth truth =
      Truth::kNotReached;  // of the condition: an `unless` whose expression is false is true
  // The smallest part that made it so, as written, and the values its parts had:
  // {"context.approvals", "1"}.
  std::string deciding;
  std::vector<std::pair<std::string, std::string>> values;
  std::string error;  // when it failed
};

struct PolicyExplanation {
  std::string policy;
  bool is_forbid = false;
  bool principal_matches = false;
  bool action_matches = false;
  bool resource_matches = false;
  // Whether the policy as a whole is satisfied; kNotReached when its scope does not match.
  Truth truth = Truth::kNotReached;
  std::vector<ConditionExplanation> conditions;
};

struct Explanation {
  Response response;
  std::vector<PolicyExplanation> policies;  // in the order of the set
};

enum class ExplainWhich { kAll, kMatchingAction };
Explanation explain(const PolicySet& policies, const Entities& entities,
                    const PreparedRequest& request, ExplainWhich which = ExplainWhich::kAll);
// {"decision","reasons","errors","policies":[…]}, for APIs and logs.
Json to_json(const Explanation& explanation);
// {"policy","effect","principal_matches","action_matches","resource_matches","truth","conditions"}.
Json to_json(const PolicyExplanation& policy);

}  // namespace keyturn::cedar
