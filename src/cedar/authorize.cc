// The authorizer: every candidate is evaluated, one that fails is skipped and named.
#include <algorithm>
#include <array>

#include "cedar/access.h"
#include "cedar/matching.h"

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
    const ScopeIndex& index = policies_.index;
    if (index.is_linear()) {
      for (const Matcher& matcher : index.matchers()) {
        if (matches_scope(matcher, target_)) consider(matcher, visit);
      }
      return;
    }
    for (const std::uint32_t at : index.unkeyed()) {
      const Matcher& matcher = index.matchers()[at];
      if (matches_scope(matcher, target_)) consider(matcher, visit);
    }
    look_up_principal(visit);
    look_up_resource(visit);
    look_up_actions(visit);
  }

  const Evaluator& evaluator() const { return evaluator_; }

 private:
  using Dimension = ScopeIndex::Dimension;

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

  // `found(matcher)` for those placed under `key` by `dimension` that the request's action and
  // other side may match.
  template <class Found>
  void each_under(std::uint64_t key, Dimension dimension, const Uid& other,
                  const Found& found) const {
    const std::uint32_t action_tag = ScopeIndex::tag(*target_.values.action);
    const std::uint32_t other_tag = ScopeIndex::tag(other);
    for (const ScopeIndex::Entry& entry : policies_.index.find(key)) {
      if (entry.dimension != dimension) continue;
      if (entry.action != 0 && entry.action != action_tag) continue;
      if (entry.other != 0 && entry.other != other_tag) continue;
      found(policies_.index.matchers()[entry.matcher]);
    }
  }

  // What is found under an ancestor needs no search for that ancestor.
  template <class Visit>
  void look_up_principal(const Visit& visit) {
    const Uid& uid = *target_.values.principal;
    const auto under = [&](std::uint64_t hash, const auto& is_it) {
      each_under(ScopeIndex::principal_key(hash), Dimension::kPrincipal, *target_.values.resource,
                 [&](const Matcher& matcher) {
                   if (matches_action(matcher, target_) && matches_resource(matcher, target_) &&
                       is_it(principal_side(matcher))) {
                     consider(matcher, visit);
                   }
                 });
    };
    under(uid.hash, [&](const Side& side) { return matches_itself(side, uid); });
    under(uid.type->hash, [&](const Side& side) { return matches_type(side, uid); });
    if (target_.principal == nullptr) return;
    for (const Uid* ancestor : target_.principal->ancestors) {
      under(ancestor->hash,
            [&](const Side& side) { return matches_ancestor(side, uid, *ancestor); });
    }
  }

  template <class Visit>
  void look_up_resource(const Visit& visit) {
    const Uid& uid = *target_.values.resource;
    const auto under = [&](std::uint64_t hash, const auto& is_it) {
      each_under(ScopeIndex::resource_key(hash), Dimension::kResource, *target_.values.principal,
                 [&](const Matcher& matcher) {
                   if (matches_action(matcher, target_) && matches_principal(matcher, target_) &&
                       is_it(resource_side(matcher))) {
                     consider(matcher, visit);
                   }
                 });
    };
    under(uid.hash, [&](const Side& side) { return matches_itself(side, uid); });
    under(uid.type->hash, [&](const Side& side) { return matches_type(side, uid); });
    if (target_.resource == nullptr) return;
    for (const Uid* ancestor : target_.resource->ancestors) {
      under(ancestor->hash,
            [&](const Side& side) { return matches_ancestor(side, uid, *ancestor); });
    }
  }

  template <class Visit>
  void look_up_actions(const Visit& visit) {
    look_up_action(*target_.values.action, visit);
    if (target_.action == nullptr) return;
    for (const Uid* ancestor : target_.action->ancestors) look_up_action(*ancestor, visit);
  }

  // A list of actions stands under each of them; the first that accepts the request speaks for it.
  template <class Visit>
  void look_up_action(const Uid& action, const Visit& visit) {
    const std::uint64_t key = ScopeIndex::action_key(action.hash);
    for (const ScopeIndex::Entry& entry : policies_.index.find(key)) {
      if (entry.dimension != Dimension::kAction) continue;
      const Matcher& matcher = policies_.index.matchers()[entry.matcher];
      if (!matches_scope(matcher, target_)) continue;
      const auto first =
          std::find_if(matcher.actions.begin(), matcher.actions.end(),
                       [&](const Uid* listed) { return accepts(matcher, *listed, target_); });
      if (same(**first, action)) consider(matcher, visit);
    }
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
