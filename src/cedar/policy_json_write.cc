#include <algorithm>

#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/policy_json.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

std::string_view op_name(Op op) {
  switch (op) {
    case Op::kAnd:
      return "&&";
    case Op::kOr:
      return "||";
    case Op::kNot:
      return "!";
    case Op::kNegate:
      return "neg";
    case Op::kIsEmpty:
      return "isEmpty";
    case Op::kEqual:
      return "==";
    case Op::kNotEqual:
      return "!=";
    case Op::kLess:
      return "<";
    case Op::kLessEqual:
      return "<=";
    case Op::kGreater:
      return ">";
    case Op::kGreaterEqual:
      return ">=";
    case Op::kAdd:
      return "+";
    case Op::kSubtract:
      return "-";
    case Op::kMultiply:
      return "*";
    case Op::kIn:
      return "in";
    case Op::kContains:
      return "contains";
    case Op::kContainsAll:
      return "containsAll";
    case Op::kContainsAny:
      return "containsAny";
    case Op::kGetTag:
      return "getTag";
    case Op::kHasTag:
      return "hasTag";
    default:
      return "";
  }
}

Json wrapped(std::string_view key, Json inner) {
  return Json(Json::Object{{std::string(key), std::move(inner)}});
}

// Levels of JSON around a condition: the set, its group, the policy, the conditions, the condition.
constexpr std::size_t kOuterLevels = 5;
constexpr std::size_t kOperatorLevels = 2;  // its name, and its operands by name

class ExpressionWriter {
 public:
  ExpressionWriter(const Nodes& nodes, std::string_view source) : nodes_(nodes), source_(source) {}

  Result<Json> write(NodeId id) {
    if (level_ > kPolicyJsonLimits.depth_max) return fail(too_deep(nodes_.at(id)));
    level_ += kOperatorLevels;
    Result<Json> json = write_node(nodes_.at(id));
    level_ -= kOperatorLevels;
    return json;
  }

 private:
  Result<Json> write_node(const Node& node) {
    switch (node.op) {
      case Op::kLiteral: {
        TRY(Json value, to_json(node.value));
        return wrapped("Value", std::move(value));
      }
      case Op::kVariable:
        return wrapped("Var", Json(to_string(node.variable)));
      case Op::kUnknown:
        return wrapped("unknown", Json::array({Json(node.name->view())}));
      case Op::kIf:
        return conditional(node);
      case Op::kAnd:
      case Op::kOr:
        return logical(node);
      case Op::kNot:
      case Op::kNegate:
      case Op::kIsEmpty: {
        TRY(Json operand, write(node.a));
        return wrapped(op_name(node.op), wrapped("arg", std::move(operand)));
      }
      case Op::kGet: {
        TRY(Json left, write(node.a));
        return wrapped(".", object_of("left", std::move(left), "attr", Json(node.name->view())));
      }
      case Op::kHas: {
        // Several names are written out, as the reference does for text.
        if (node.count > 1) return write(node.c);
        TRY(Json left, write(node.a));
        return wrapped("has", object_of("left", std::move(left), "attr",
                                        Json(nodes_.names_of(node)[0]->view())));
      }
      case Op::kLike:
        return like(node);
      case Op::kIs:
      case Op::kIsIn:
        return is(node);
      case Op::kSet: {
        TRY(Json items, list(node));
        return wrapped("Set", std::move(items));
      }
      case Op::kRecord:
        return record(node);
      case Op::kCall: {
        TRY(Json items, list(node));
        return wrapped(signature_of(node.function).name, std::move(items));
      }
      default:
        return binary(op_name(node.op), node.a, node.b);
    }
  }

  Result<Json> binary(std::string_view name, NodeId a, NodeId b) {
    TRY(Json left, write(a));
    TRY(Json right, write(b));
    return wrapped(name, object_of("left", std::move(left), "right", std::move(right)));
  }

  // `a && b && c` is one node here and nests to the left in JSON, which is why the JSON of a text
  // that is not deep may be.
  Result<Json> logical(const Node& node) {
    const auto children = nodes_.children_of(node);
    const std::size_t nested = (std::max<std::size_t>(children.size(), 2) - 2) * kOperatorLevels;
    if (level_ + nested > kPolicyJsonLimits.depth_max) return fail(too_deep(node));
    level_ += nested;
    TRY(Json left, write(children[0]));
    for (const NodeId child : children.subspan(1)) {
      TRY(Json right, write(child));
      if (child != children.back()) level_ -= kOperatorLevels;
      left =
          wrapped(op_name(node.op), object_of("left", std::move(left), "right", std::move(right)));
    }
    return left;
  }

  Error too_deep(const Node& node) const {
    std::string message =
        fmt::format("in JSON this nests deeper than {} levels; split the condition, or the policy",
                    kPolicyJsonLimits.depth_max);
    if (!source_.empty()) message = error_at(source_, node.range, message).message;
    return Error{Code::kExhausted, std::move(message)};
  }

  Result<Json> conditional(const Node& node) {
    TRY(Json test, write(node.a));
    TRY(Json yes, write(node.b));
    TRY(Json no, write(node.c));
    Json inner = object_of("if", std::move(test), "then", std::move(yes));
    inner.set("else", std::move(no));
    return wrapped("if-then-else", std::move(inner));
  }

  Result<Json> like(const Node& node) {
    TRY(Json left, write(node.a));
    Json::Array items;
    for (const char32_t code : node.pattern->codes) {
      if (code == kWildcard) {
        items.push_back("Wildcard");
        continue;
      }
      std::string text;
      append_utf8(text, code);
      items.push_back(wrapped("Literal", Json(std::move(text))));
    }
    return wrapped("like", object_of("left", std::move(left), "pattern", Json(std::move(items))));
  }

  Result<Json> is(const Node& node) {
    TRY(Json left, write(node.a));
    Json inner = object_of("left", std::move(left), "entity_type", Json(node.name->view()));
    if (node.op == Op::kIsIn) {
      TRY(Json in, write(node.b));
      inner.set("in", std::move(in));
    }
    return wrapped("is", std::move(inner));
  }

  Result<Json> list(const Node& node) {
    Json::Array items;
    for (const NodeId child : nodes_.children_of(node)) {
      TRY(Json item, write(child));
      items.push_back(std::move(item));
    }
    return Json(std::move(items));
  }

  Result<Json> record(const Node& node) {
    Json::Object members;
    const auto names = nodes_.names_of(node);
    const auto children = nodes_.children_of(node);
    for (std::size_t i = 0; i < children.size(); ++i) {
      TRY(Json item, write(children[i]));
      members.emplace_back(std::string(names[i]->view()), std::move(item));
    }
    return wrapped("Record", Json(std::move(members)));
  }

  const Nodes& nodes_;
  const std::string_view source_;
  std::size_t level_ = kOuterLevels;
};

Json reference(const Scope& scope) {
  if (scope.uid != nullptr) return Json::object({{"entity", to_json(*scope.uid)}});
  return Json::object({{"slot", scope.slot == Slot::kPrincipal ? "?principal" : "?resource"}});
}

Json scope_json(const Scope& scope) {
  if (scope.kind == ScopeKind::kAny) return Json::object({{"op", "All"}});
  if (scope.kind == ScopeKind::kEqual || scope.kind == ScopeKind::kIn) {
    Json json = Json::object({{"op", scope.kind == ScopeKind::kEqual ? "==" : "in"}});
    const Json inner = reference(scope);
    json.set(inner.if_object()->front().first, inner.if_object()->front().second);
    return json;
  }
  Json json = Json::object({{"op", "is"}, {"entity_type", Json(scope.type->view())}});
  if (scope.kind == ScopeKind::kIsIn) json.set("in", reference(scope));
  return json;
}

Json action_json(const Scope& scope) {
  if (scope.kind == ScopeKind::kAny) return Json::object({{"op", "All"}});
  Json json = Json::object({{"op", scope.kind == ScopeKind::kEqual ? "==" : "in"}});
  if (scope.uids.size() == 1) {
    json.set("entity", to_json(*scope.uids.front()));
    return json;
  }
  Json::Array entities;
  for (const Uid* uid : scope.uids) entities.push_back(to_json(*uid));
  json.set("entities", Json(std::move(entities)));
  return json;
}

Json uid_json(const Uid& uid) { return Json::object({{"__entity", to_json(uid)}}); }

}  // namespace

Result<Json> write_expression(const Nodes& nodes, NodeId id, std::string_view source) {
  return ExpressionWriter(nodes, source).write(id);
}

Result<Json> write_policy(const Policy& policy) {
  const Body& body = *policy.body;
  Json json = Json::object({{"effect", body.effect == Effect::kPermit ? "permit" : "forbid"},
                            {"principal", scope_json(linked_scope(body.principal, policy))},
                            {"action", action_json(body.action)},
                            {"resource", scope_json(linked_scope(body.resource, policy))}});
  Json::Array conditions;
  for (const Clause& clause : body.clauses) {
    TRY(Json expression, write_expression(body.nodes, clause.root, *body.source));
    conditions.push_back(
        object_of("kind", clause.is_when ? "when" : "unless", "body", std::move(expression)));
  }
  json.set("conditions", Json(std::move(conditions)));
  if (!body.notes.empty()) {
    Json::Object notes;  // their keys differ, and there may be as many as a text has room for
    for (const Note& note : body.notes) {
      notes.emplace_back(note.key, note.has_value ? Json(note.value) : Json());
    }
    json.set("annotations", Json(std::move(notes)));
  }
  return json;
}

Result<Json> PolicySet::json() const {
  Json::Object statics;
  Json::Array links;
  for (const Policy& policy : content_->policies) {
    if (policy.link == nullptr) {
      TRY(Json json, context(write_policy(policy), fmt::format("policy `{}`", policy.id)));
      statics.emplace_back(policy.id, std::move(json));
      continue;
    }
    Json values = Json(Json::Object());
    if (policy.link->principal) values.set("?principal", uid_json(*policy.link->principal));
    if (policy.link->resource) values.set("?resource", uid_json(*policy.link->resource));
    links.push_back(Json::object({{"templateId", Json(policy.link->template_id)},
                                  {"newId", Json(policy.id)},
                                  {"values", std::move(values)}}));
  }
  Json::Object templates;
  for (const Policy& policy : content_->templates) {
    TRY(Json json, context(write_policy(policy), fmt::format("policy `{}`", policy.id)));
    templates.emplace_back(policy.id, std::move(json));
  }
  Json json = object_of("staticPolicies", Json(std::move(statics)), "templates",
                        Json(std::move(templates)));
  json.set("templateLinks", Json(std::move(links)));
  return json;
}

Result<Json> PolicySet::policy_json(std::string_view id) const {
  const Policy* policy = content_->find(id);
  if (policy == nullptr) policy = content_->find_template(id);
  if (policy == nullptr) return fail(Code::kNotFound, "there is no policy with id `{}`", id);
  return write_policy(*policy);
}

}  // namespace keyturn::cedar
