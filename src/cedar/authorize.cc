// The authorizer: every candidate is evaluated, one that fails is skipped and named.
#include <algorithm>
#include <array>

#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/evaluate.h"
#include "cedar/policy_content.h"
#include "cedar/request.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

// Enough for the sets, records and calls that policies build in most decisions.
constexpr std::size_t kScratchBytes = 4096;

class Decider {
 public:
  Decider(const PolicySetContent& policies, const EntityStore& store, const RequestContent& request,
          Arena& scratch)
      : policies_(policies),
        values_(resolve(request, store)),
        principal_(store.find(*values_.principal)),
        action_(store.find(*values_.action)),
        resource_(store.find(*values_.resource)),
        evaluator_(values_, store, scratch) {}

  // `visit(policy position, truth or failure)` for every policy whose scope matches.
  template <class Visit>
  void run(const Visit& visit) {
    const ScopeIndex& index = policies_.index;
    if (index.is_linear()) {
      for (const Matcher& matcher : index.matchers()) {
        if (matches(matcher)) consider(matcher, visit);
      }
      return;
    }
    for (const std::uint32_t at : index.unkeyed()) {
      const Matcher& matcher = index.matchers()[at];
      if (matches(matcher)) consider(matcher, visit);
    }
    look_up(*values_.principal, principal_, &ScopeIndex::principal_key, visit);
    look_up(*values_.resource, resource_, &ScopeIndex::resource_key, visit);
    look_up_actions(visit);
  }

  const Evaluator& evaluator() const { return evaluator_; }

 private:
  using Key = std::uint64_t (*)(std::uint64_t);

  static RequestValues resolve(const RequestContent& request, const EntityStore& store) {
    const auto own = [&](const Uid* uid) {
      const Entity* entity = store.find(*uid);
      return entity == nullptr ? uid : entity->uid;
    };
    return {own(request.principal), own(request.action), own(request.resource), request.context};
  }

  static bool is_in(const Uid& uid, const Entity* entity, const Uid& group) {
    return same(uid, group) || (entity != nullptr && has_ancestor(*entity, group));
  }

  static bool matches_one(ScopeKind kind, const Uid& uid, const Entity* entity, const Uid* wanted,
                          const Text* type) {
    switch (kind) {
      case ScopeKind::kAny:
        return true;
      case ScopeKind::kEqual:
        return same(uid, *wanted);
      case ScopeKind::kIn:
        return is_in(uid, entity, *wanted);
      case ScopeKind::kIs:
        return same(*uid.type, *type);
      case ScopeKind::kIsIn:
        return same(*uid.type, *type) && is_in(uid, entity, *wanted);
    }
    return false;
  }

  bool matches_action(const Matcher& matcher) const {
    if (matcher.action == ScopeKind::kAny) return true;
    return std::any_of(matcher.actions.begin(), matcher.actions.end(),
                       [&](const Uid* action) { return accepts(matcher, *action); });
  }
  bool accepts(const Matcher& matcher, const Uid& action) const {
    return matcher.action == ScopeKind::kEqual ? same(*values_.action, action)
                                               : is_in(*values_.action, action_, action);
  }

  bool matches(const Matcher& matcher) const {
    return matches_one(matcher.principal, *values_.principal, principal_, matcher.principal_uid,
                       matcher.principal_type) &&
           matches_action(matcher) &&
           matches_one(matcher.resource, *values_.resource, resource_, matcher.resource_uid,
                       matcher.resource_type);
  }

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

  template <class Visit>
  void look_up(const Uid& uid, const Entity* entity, Key key, const Visit& visit) {
    look_up_key(key(uid.hash), visit);
    look_up_key(key(uid.type->hash), visit);
    if (entity == nullptr) return;
    for (const Uid* ancestor : entity->ancestors) {
      // An entity may be named among its own ancestors only by mistake, never by the closure.
      look_up_key(key(ancestor->hash), visit);
    }
  }

  template <class Visit>
  void look_up_key(std::uint64_t key, const Visit& visit) {
    for (const std::uint32_t at : policies_.index.find(key)) {
      const Matcher& matcher = policies_.index.matchers()[at];
      if (matches(matcher)) consider(matcher, visit);
    }
  }

  template <class Visit>
  void look_up_actions(const Visit& visit) {
    look_up_action(*values_.action, visit);
    if (action_ == nullptr) return;
    for (const Uid* ancestor : action_->ancestors) look_up_action(*ancestor, visit);
  }

  // A list of actions stands under each of them; the first that accepts the request speaks for it.
  template <class Visit>
  void look_up_action(const Uid& action, const Visit& visit) {
    const std::uint64_t key = ScopeIndex::action_key(action.hash);
    for (const std::uint32_t at : policies_.index.find(key)) {
      const Matcher& matcher = policies_.index.matchers()[at];
      if (!matches(matcher)) continue;
      const auto first = std::find_if(matcher.actions.begin(), matcher.actions.end(),
                                      [&](const Uid* listed) { return accepts(matcher, *listed); });
      if (same(**first, action)) consider(matcher, visit);
    }
  }

  const PolicySetContent& policies_;
  const RequestValues values_;
  const Entity* principal_;
  const Entity* action_;
  const Entity* resource_;
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
