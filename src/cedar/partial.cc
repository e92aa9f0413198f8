#include "cedar/partial.h"

#include <algorithm>

#include "cedar/access.h"
#include "cedar/candidates.h"
#include "cedar/print.h"
#include "cedar/residual.h"

namespace keyturn::cedar {
namespace {

class PartialDecider {
 public:
  PartialDecider(const PolicySetContent& policies, const EntityStore& store,
                 const RequestContent& request, const Unknowns& unknowns)
      : policies_(policies),
        target_(request, store),
        evaluator_(target_.values, store, scratch_),
        unknowns_(unknowns) {}

  Result<PartialResponse> run() {
    std::vector<const Matcher*> candidates;
    visit_candidates(policies_.index, target_,
                     [&](const Matcher& matcher) { candidates.push_back(&matcher); });
    std::sort(candidates.begin(), candidates.end(),
              [](const Matcher* a, const Matcher* b) { return a->policy < b->policy; });
    auto remaining = std::make_shared<PolicySetContent>();
    for (const Matcher* matcher : candidates) {
      TRY(std::shared_ptr<const Body> body, policy(*matcher));
      if (body != nullptr) {
        remaining->policies.push_back({policies_.policies[matcher->policy].id, body, nullptr});
      }
    }
    TRY_VOID(remaining->finish());
    response_.remaining = Access::policy_set(std::move(remaining));
    response_.decision = decision();
    return std::move(response_);
  }

 private:
  // The residual body, or null when the policy is out of the question.
  Result<std::shared_ptr<const Body>> policy(const Matcher& matcher) {
    const Body& from = *matcher.body;
    const std::string& id = policies_.policies[matcher.policy].id;
    auto body = std::make_shared<Body>();
    body->pool = pool_;
    body->source = source_;
    body->effect = from.effect;
    body->notes = from.notes;
    Builder builder(body->nodes, *body->pool, "");
    ResidualBuilder residuals(from.nodes, evaluator_, unknowns_, builder);
    bool may_fail = false;
    for (const Clause& clause : from.clauses) {
      TRY(const Part part, residuals.part(clause.root));
      if (part.is_bool(clause.is_when)) continue;
      if (part.is_bool(!clause.is_when) && !may_fail) return nullptr;
      if (part.kind != Part::Kind::kResidual && body->clauses.empty()) {
        fail_policy(id, from, clause, part);
        return nullptr;
      }
      TRY(const NodeId kept, residuals.expression(part, clause.root));
      body->clauses.push_back({clause.is_when, kept, {}});
      may_fail = may_fail || !residuals.is_surely_bool(kept);
      if (part.kind != Part::Kind::kResidual) break;
    }
    const bool is_forbid = from.effect == Effect::kForbid;
    if (body->clauses.empty()) {
      (is_forbid ? response_.forbids : response_.permits).push_back(id);
    } else {
      response_.residuals.push_back({id, is_forbid, condition(*body)});
    }
    return body;
  }

  void fail_policy(const std::string& id, const Body& from, const Clause& clause,
                   const Part& part) {
    if (part.kind == Part::Kind::kValue) evaluator_.fail_condition(clause.root, part.value);
    response_.errors.push_back({id, evaluator_.message(from.nodes)});
  }

  static std::string condition(const Body& body) {
    std::string text;
    for (const Clause& clause : body.clauses) {
      text +=
          fmt::format("{}{} {{ {} }}", text.empty() ? "" : " ", clause.is_when ? "when" : "unless",
                      print_expression(body.nodes, clause.root));
    }
    return text;
  }

  std::optional<Decision> decision() const {
    if (!response_.forbids.empty()) return Decision::kDeny;
    const auto is_forbid = [](const ResidualPolicy& policy) { return policy.is_forbid; };
    const auto& residuals = response_.residuals;
    const bool may_forbid = std::any_of(residuals.begin(), residuals.end(), is_forbid);
    const bool may_permit = !std::all_of(residuals.begin(), residuals.end(), is_forbid);
    if (response_.permits.empty()) {
      return may_permit ? std::nullopt : std::optional(Decision::kDeny);
    }
    return may_forbid ? std::nullopt : std::optional(Decision::kAllow);
  }

  const PolicySetContent& policies_;
  const Target target_;
  Arena scratch_;
  Evaluator evaluator_;
  const Unknowns& unknowns_;
  // What the residuals point to; filled here, then theirs.
  const std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
  const std::shared_ptr<const std::string> source_ = std::make_shared<const std::string>();
  PartialResponse response_;
};

Result<Unknowns> read_unknowns(const PartialRequest& request, const ActionType* action) {
  Unknowns unknowns;
  for (const std::string& name : request.unknown) {
    if (request.request.context.find(name) != nullptr) {
      return fail(Code::kInvalid, "the context attribute `{}` is both given and unknown", name);
    }
    unknowns.names.insert(name);
    if (action == nullptr) continue;
    const auto declared = action->context->attributes.find(name);
    if (declared == action->context->attributes.end()) {
      return fail(Code::kInvalid, "the unknown attribute `{}` is not in the context of `{}`", name,
                  action->uid.text());
    }
    if (declared->second.is_required) {
      unknowns.present.emplace(name, declared->second.type->kind);
    }
  }
  return unknowns;
}

}  // namespace

Result<PartialResponse> authorize_partially(const PolicySet& policies, const Entities& entities,
                                            const PartialRequest& request, const Schema* schema) {
  const ActionType* action =
      schema == nullptr ? nullptr : Access::content(*schema).find_action(request.request.action);
  if (schema != nullptr && action == nullptr) {
    return fail(Code::kInvalid, "action `{}` does not exist in the supplied schema",
                request.request.action.text());
  }
  TRY(const Unknowns unknowns, read_unknowns(request, action));
  TRY(const PreparedRequest prepared, prepare_partial(request.request, schema, unknowns.names));
  PartialDecider decider(Access::content(policies), Access::content(entities).store,
                         Access::content(prepared), unknowns);
  return decider.run();
}

}  // namespace keyturn::cedar
