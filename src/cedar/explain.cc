#include "cedar/explain.h"

#include <array>

#include "cedar/access.h"
#include "cedar/matching.h"
#include "cedar/print.h"

namespace keyturn::cedar {
namespace {

class Explainer {
 public:
  Explainer(const PolicySetContent& policies, const EntityStore& store,
            const RequestContent& request)
      : policies_(policies), store_(store), target_(request, store) {}

  bool is_about_action(const Matcher& matcher) const { return matches_action(matcher, target_); }

  PolicyExplanation policy(const Matcher& matcher) {
    body_ = matcher.body;
    PolicyExplanation result;
    result.policy = policies_.policies[matcher.policy].id;
    result.is_forbid = matcher.effect == Effect::kForbid;
    result.principal_matches = matches_principal(matcher, target_);
    result.action_matches = matches_action(matcher, target_);
    result.resource_matches = matches_resource(matcher, target_);
    const bool matches =
        result.principal_matches && result.action_matches && result.resource_matches;
    if (matches) result.truth = Truth::kTrue;
    for (const Clause& clause : body_->clauses) {
      ConditionExplanation condition;
      condition.text = clause_text(clause);
      if (result.truth == Truth::kTrue) {
        weigh(clause, condition);
        result.truth = condition.truth;
      }
      result.conditions.push_back(std::move(condition));
    }
    return result;
  }

 private:
  std::string text(NodeId id) const {
    const Range range = body_->nodes.at(id).range;
    if (body_->source->empty() || range.end == 0) return print_expression(body_->nodes, id);
    return body_->source->substr(range.begin, range.end - range.begin);
  }

  std::string clause_text(const Clause& clause) const {
    return fmt::format("{} {{ {} }}", clause.is_when ? "when" : "unless", text(clause.root));
  }

  // The value of a part, if it has one.
  std::optional<Value> value(NodeId id) {
    Evaluator evaluator(target_.values, store_, scratch_);
    Value result;
    if (!evaluator.evaluate(body_->nodes, id, result)) return std::nullopt;
    return result;
  }

  void weigh(const Clause& clause, ConditionExplanation& condition) {
    Evaluator evaluator(target_.values, store_, scratch_);
    Value result;
    bool is_fine = evaluator.evaluate(body_->nodes, clause.root, result);
    if (is_fine && result.kind != Kind::kBool) {
      evaluator.fail_condition(clause.root, result);
      is_fine = false;
    }
    if (!is_fine) {
      condition.truth = Truth::kFailed;
      condition.deciding = text(evaluator.failure().node);
      condition.error = evaluator.message(body_->nodes);
      return;
    }
    condition.truth = result.boolean == clause.is_when ? Truth::kTrue : Truth::kFalse;
    const NodeId deciding = find_deciding(clause.root, result.boolean);
    condition.deciding = text(deciding);
    add_values(deciding, condition);
  }

  // Follows the one part that alone made the whole what it is.
  NodeId find_deciding(NodeId id, bool truth) {
    while (true) {
      const Node& node = body_->nodes.at(id);
      if (node.op == Op::kNot) {
        id = node.a;
        truth = !truth;
        continue;
      }
      if (node.op == Op::kIf) {
        const std::optional<Value> test = value(node.a);
        id = test && test->boolean ? node.b : node.c;
        continue;
      }
      // `&&` is false and `||` true because of its first such part.
      const bool is_one = (node.op == Op::kAnd && !truth) || (node.op == Op::kOr && truth);
      if (!is_one) return id;
      NodeId part = id;
      for (const NodeId child : body_->nodes.children_of(node)) {
        const std::optional<Value> child_value = value(child);
        if (child_value && child_value->kind == Kind::kBool && child_value->boolean == truth) {
          part = child;
          break;
        }
      }
      if (part == id) return id;
      id = part;
    }
  }

  // The parts of the deciding expression that are no literals, with their values.
  void add_values(NodeId id, ConditionExplanation& condition) {
    const Node& node = body_->nodes.at(id);
    std::vector<NodeId> parts;
    switch (node.op) {
      case Op::kLiteral:
      case Op::kVariable:
        return;
      case Op::kAnd:
      case Op::kOr:
      case Op::kSet:
      case Op::kRecord:
      case Op::kCall: {
        const auto children = body_->nodes.children_of(node);
        parts.assign(children.begin(), children.end());
        break;
      }
      case Op::kGet:
        parts = {id};
        break;
      case Op::kHas:
      case Op::kLike:
      case Op::kIs:
      case Op::kNegate:
      case Op::kIsEmpty:
        parts = {node.a};
        break;
      default:
        parts = {node.a, node.b};
        break;
    }
    for (const NodeId part : parts) {
      const Node& shown = body_->nodes.at(part);
      // The whole context would bury what decided.
      const bool is_context = shown.op == Op::kVariable && shown.variable == Variable::kContext;
      if (shown.constant || is_context) continue;
      const std::optional<Value> known = value(part);
      if (known) condition.values.emplace_back(text(part), to_text(*known));
    }
  }

  const PolicySetContent& policies_;
  const EntityStore& store_;
  const Target target_;
  Arena scratch_;
  const Body* body_ = nullptr;
};

Json condition_json(const ConditionExplanation& condition) {
  Json json =
      Json::object({{"text", Json(condition.text)}, {"truth", Json(to_string(condition.truth))}});
  if (!condition.deciding.empty()) json.set("deciding", Json(condition.deciding));
  if (!condition.error.empty()) json.set("error", Json(condition.error));
  if (condition.values.empty()) return json;
  Json::Array values;
  for (const auto& [part, value] : condition.values) {
    values.push_back(Json::object({{"expression", Json(part)}, {"value", Json(value)}}));
  }
  json.set("values", Json(std::move(values)));
  return json;
}

}  // namespace

std::string_view to_string(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "true";
    case Truth::kFalse:
      return "false";
    case Truth::kFailed:
      return "failed";
    case Truth::kNotReached:
      return "not reached";
  }
  return {};
}

Explanation explain(const PolicySet& policies, const Entities& entities,
                    const PreparedRequest& request, ExplainWhich which) {
  Explanation result;
  result.response = authorize(policies, entities, request);
  const PolicySetContent& content = Access::content(policies);
  Explainer explainer(content, Access::content(entities).store, Access::content(request));
  for (const Matcher& matcher : content.index.matchers()) {
    if (which == ExplainWhich::kAll || explainer.is_about_action(matcher)) {
      result.policies.push_back(explainer.policy(matcher));
    }
  }
  return result;
}

Json to_json(const PolicyExplanation& policy) {
  Json::Array conditions;
  for (const ConditionExplanation& condition : policy.conditions) {
    conditions.push_back(condition_json(condition));
  }
  return Json::object({{"policy", Json(policy.policy)},
                       {"effect", policy.is_forbid ? "forbid" : "permit"},
                       {"principal_matches", policy.principal_matches},
                       {"action_matches", policy.action_matches},
                       {"resource_matches", policy.resource_matches},
                       {"truth", Json(to_string(policy.truth))},
                       {"conditions", Json(std::move(conditions))}});
}

Json to_json(const Explanation& explanation) {
  Json::Array reasons;
  for (const std::string& reason : explanation.response.reasons) reasons.push_back(Json(reason));
  Json::Array errors;
  for (const Diagnostic& error : explanation.response.errors) {
    errors.push_back(
        Json::object({{"policy", Json(error.policy)}, {"message", Json(error.message)}}));
  }
  Json::Array policies;
  for (const PolicyExplanation& policy : explanation.policies) {
    policies.push_back(to_json(policy));
  }
  const bool is_allowed = explanation.response.decision == Decision::kAllow;
  return Json::object({{"decision", is_allowed ? "allow" : "deny"},
                       {"reasons", Json(std::move(reasons))},
                       {"errors", Json(std::move(errors))},
                       {"policies", Json(std::move(policies))}});
}

}  // namespace keyturn::cedar
