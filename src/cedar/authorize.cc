// The authorizer: every candidate is evaluated, one that fails is skipped and named.
#include <algorithm>
#include <array>

#include "cedar/access.h"
#include "cedar/candidates.h"

namespace keyturn::cedar {
namespace {

// Enough for the sets, records and calls that policies build in most decisions.
constexpr std::size_t kScratchBytes = 4096;

class Decider {
 public:
  Decider(const PolicySetContent& policies, const EntityStore& store, const RequestContent& request,
          Arena& scratch)
      : policies_(policies), target_(request, store), evaluator_(target_.values, store, scratch) {}

  // `visit(policy position, truth or failure)` for every policy whose scope matches.
  template <class Visit>
  void run(const Visit& visit) {
    visit_candidates(policies_.index, target_,
                     [&](const Matcher& matcher) { consider(matcher, visit); });
  }

  const Evaluator& evaluator() const { return evaluator_; }

 private:
  template <class Visit>
  void consider(const Matcher& matcher, const Visit& visit) {
    const Body& body = *matcher.body;
    for (const Clause& clause : body.clauses) {
      Value value;
      if (!evaluator_.evaluate(body.nodes, clause.root, value)) {
        visit(matcher, Truth::kFailed);
        return;
      }
      if (value.kind != Kind::kBool) {
        evaluator_.fail_condition(clause.root, value);
        visit(matcher, Truth::kFailed);
        return;
      }
      if (value.boolean != clause.is_when) return;
    }
    visit(matcher, Truth::kTrue);
  }

  const PolicySetContent& policies_;
  const Target target_;
  Evaluator evaluator_;
};

}  // namespace

void decide(const PolicySet& policies, const Entities& entities, const PreparedRequest& request,
            Outcome& outcome) {
  std::array<std::byte, kScratchBytes> buffer;
  Arena scratch(buffer);
  outcome.reasons.clear();
  outcome.errors.clear();
  outcome.forbids.clear();
  Decider decider(Access::content(policies), Access::content(entities).store,
                  Access::content(request), scratch);
  decider.run([&](const Matcher& matcher, Truth truth) {
    if (truth == Truth::kFailed) {
      outcome.errors.push_back(matcher.policy);
    } else {
      (matcher.effect == Effect::kPermit ? outcome.reasons : outcome.forbids)
          .push_back(matcher.policy);
    }
  });
  const bool is_forbidden = !outcome.forbids.empty();
  outcome.decision = !is_forbidden && !outcome.reasons.empty() ? Decision::kAllow : Decision::kDeny;
  if (is_forbidden) std::swap(outcome.reasons, outcome.forbids);
}

Response authorize(const PolicySet& policies, const Entities& entities,
                   const PreparedRequest& request) {
  std::array<std::byte, kScratchBytes> buffer;
  Arena scratch(buffer);
  const PolicySetContent& content = Access::content(policies);
  Decider decider(content, Access::content(entities).store, Access::content(request), scratch);
  std::vector<std::string> permits;
  std::vector<std::string> forbids;
  Response response;
  decider.run([&](const Matcher& matcher, Truth truth) {
    const std::string& id = content.policies[matcher.policy].id;
    if (truth == Truth::kFailed) {
      response.errors.push_back({id, decider.evaluator().message(matcher.body->nodes)});
    } else {
      (matcher.effect == Effect::kPermit ? permits : forbids).push_back(id);
    }
  });
  if (forbids.empty() && !permits.empty()) response.decision = Decision::kAllow;
  response.reasons = std::move(forbids.empty() ? permits : forbids);
  std::sort(response.reasons.begin(), response.reasons.end());
  std::sort(response.errors.begin(), response.errors.end(),
            [](const Diagnostic& a, const Diagnostic& b) { return a.policy < b.policy; });
  return response;
}

Result<Response> authorize(const PolicySet& policies, const Entities& entities,
                           const Request& request, const Schema* schema) {
  TRY(const PreparedRequest prepared, PreparedRequest::make(request, schema));
  return authorize(policies, entities, prepared);
}

}  // namespace keyturn::cedar
