#include <algorithm>

#include "cedar/escape.h"
#include "cedar/print.h"
#include "cedar/typecheck.h"

namespace keyturn::cedar {
namespace {

bool is_tag(TypeRef type, Tag tag) { return type != nullptr && type->tag == tag; }

EntityUid plain_uid(const Uid& uid) {
  return {std::string(uid.type->view()), std::string(uid.id->view())};
}

// What Cedar says when a constructor's literal does not parse.
std::string_view literal_kind(Function function) {
  switch (function) {
    case Function::kDecimal:
      return "a decimal value";
    case Function::kIp:
      return "IP address";
    case Function::kDatetimeOf:
      return "a datetime value";
    default:
      return "a duration value";
  }
}

}  // namespace

Answer Typechecker::get(const Node& node, NodeId, const Capabilities& prior) {
  const Answer target = expect(node.a, prior, {types_.plain(Tag::kAnyEntity), types_.any_record()});
  if (target.type == nullptr) return failure(nullptr);
  const std::string_view name = node.name->view();
  const CheckedAttribute attribute = types_.attribute(*target.type, name);
  if (attribute.type == nullptr) {
    error(node.range, fmt::format("attribute {} not found", access_text(node)));
    return failure(nullptr);
  }
  if (!attribute.is_required && !prior.contains({shapes_[node.a], node.name, 0})) {
    error(node.range, fmt::format("unable to guarantee safety of access to optional attribute {}",
                                  access_text(node)));
    return failure(attribute.type);
  }
  return after(target, success(attribute.type));
}

// "`e.x` on entity type `User`", "`k` in context for Action::"v"", "`a`".
std::string Typechecker::access_text(const Node& node) const {
  std::string path(node.name->view());
  NodeId at = node.a;
  while (true) {
    const Node& target = nodes_.at(at);
    TypeRef type = node_types_[at];
    if (type != nullptr && type->tag == Tag::kEntity) {
      return fmt::format("`{}` on entity type{} `{}`", path, type->entities.size() > 1 ? "s" : "",
                         fmt::join(type->entities, ", "));
    }
    if (target.op == Op::kVariable && target.variable == Variable::kContext) {
      return fmt::format("`{}` in context for {}", path, environment_->action->uid.text());
    }
    if (target.op != Op::kGet) return fmt::format("`{}`", path);
    path = fmt::format("{}.{}", target.name->view(), path);
    at = target.a;
  }
}

Answer Typechecker::has(const Node& node, const Capabilities& prior) {
  const Answer target = expect(node.a, prior, {types_.plain(Tag::kAnyEntity), types_.any_record()});
  if (target.type == nullptr) return failure(types_.plain(Tag::kBool));
  const Text* name = nodes_.names_of(node).front();
  const CheckedAttribute attribute = types_.attribute(*target.type, name->view());
  if (attribute.type == nullptr) {
    const bool may = types_.may_have(*target.type, name->view());
    return after(target, success(may ? types_.plain(Tag::kBool) : types_.boolean(false)));
  }
  const Capability capability{shapes_[node.a], name, 0};
  // An entity need not exist, so that even a required attribute may be missing.
  const bool is_certain =
      prior.contains(capability) || (attribute.is_required && target.type->tag == Tag::kRecord);
  return after(target,
               success(is_certain ? types_.boolean(true) : types_.plain(Tag::kBool), {capability}));
}

Answer Typechecker::is(const Node& node, const Capabilities& prior) {
  const Answer target = expect(node.a, prior, {types_.plain(Tag::kAnyEntity)});
  TypeRef type = types_.plain(Tag::kBool);
  if (!is_tag(target.type, Tag::kEntity)) {
    return is_tag(target.type, Tag::kAnyEntity) ? after(target, success(type)) : failure(type);
  }
  if (!target.type->entities.contains(node.name->view())) {
    type = types_.boolean(false);
  } else if (target.type->entities.size() == 1) {
    type = types_.boolean(true);
  }
  return after(target, success(type));
}

Answer Typechecker::call(const Node& node, const Capabilities& prior) {
  const Signature& signature = signature_of(node.function);
  const auto arguments = nodes_.children_of(node);
  TypeRef result = types_.of_kind(signature.result);
  bool failed = false;
  if (arguments.size() != signature.arity) {
    error(node.range, fmt::format("wrong number of arguments in extension function application. "
                                  "Expected {}, got {}",
                                  signature.arity, arguments.size()));
    failed = true;
  }
  if (signature.style == CallStyle::kFunction) {
    const auto is_literal = [&](NodeId id) { return nodes_.at(id).op == Op::kLiteral; };
    if (arguments.size() == 1 && is_literal(arguments[0]) && !node.constant &&
        nodes_.at(arguments[0]).value.kind == Kind::kString) {
      error(node.range,
            fmt::format("error during extension function argument validation: failed to parse as "
                        "{}: `{}`",
                        literal_kind(node.function), to_text(nodes_.at(arguments[0]).value)));
      failed = true;
    }
    if (mode_ == ValidationMode::kStrict &&
        !std::all_of(arguments.begin(), arguments.end(), is_literal)) {
      error(node.range, "extension constructors may not be called with non-literal expressions");
      failed = true;
    }
  }
  if (failed) {
    for (const NodeId argument : arguments) this->node(argument, prior);
    return failure(result);
  }
  Answer answer = success(result);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Kind kind = i == 0 ? signature.argument : signature.second_argument;
    answer = after(expect(arguments[i], prior, {types_.of_kind(kind)}), std::move(answer));
  }
  return answer;
}

std::optional<Value> Typechecker::literal_value(NodeId id) const {
  const Node& node = nodes_.at(id);
  if (node.op == Op::kLiteral) return node.value;
  if (node.op == Op::kVariable && node.variable == Variable::kAction) {
    return Value::of(action_uid_);
  }
  return std::nullopt;
}

TypeRef Typechecker::equality_type(NodeId a, TypeRef left, NodeId b, TypeRef right) const {
  if (left != nullptr && right != nullptr) {
    types_.charge(left->entities.size() + right->entities.size());
    if (are_disjoint(*left, *right)) return types_.boolean(false);
  }
  const std::optional<Value> left_value = literal_value(a);
  const std::optional<Value> right_value = literal_value(b);
  if (left_value && right_value) return types_.boolean(same(*left_value, *right_value));
  return types_.plain(Tag::kBool);
}

Answer Typechecker::equality(const Node& node, const Capabilities& prior) {
  const Answer left = this->node(node.a, prior);
  const Answer right = this->node(node.b, prior);
  TypeRef type = equality_type(node.a, left.type, node.b, right.type);
  return after(left, after(right, strict_bound(success(type), left.type, right.type, node.range)));
}

Answer Typechecker::order(const Node& node, const Capabilities& prior) {
  const Answer left = this->node(node.a, prior);
  const Answer right = this->node(node.b, prior);
  TypeRef type = types_.plain(Tag::kBool);
  if (left.type == nullptr || right.type == nullptr) return failure(type);
  const auto wrong = [&](NodeId id, std::string_view expected, TypeRef got) {
    error(nodes_.at(id).range,
          fmt::format("unexpected type: expected {} but saw {}", expected, to_text(*got)));
  };
  constexpr std::string_view kOrdered = "datetime, or duration, or Long";
  const bool left_never = left.type->tag == Tag::kNever;
  const bool right_never = right.type->tag == Tag::kNever;
  bool fits = is_ordered(*left.type) && same_type(left.type, right.type);
  if (left_never || right_never) {
    TypeRef other = left_never ? right.type : left.type;
    fits = !(left_never && right_never) && is_ordered(*other);
    if (!fits && !(left_never && right_never)) wrong(left_never ? node.b : node.a, kOrdered, other);
  } else if (!fits) {
    if (is_tag(left.type, Tag::kLong)) {
      wrong(node.b, "Long", right.type);
    } else if (is_tag(right.type, Tag::kLong)) {
      wrong(node.a, "Long", left.type);
    } else if (is_ordered(*left.type)) {
      wrong(node.b, to_text(*left.type), right.type);
    } else if (is_ordered(*right.type)) {
      wrong(node.a, to_text(*right.type), left.type);
    } else {
      wrong(node.a, kOrdered, left.type);
      wrong(node.b, kOrdered, right.type);
    }
  }
  return fits ? after(left, after(right, success(type))) : failure(type);
}

Answer Typechecker::arithmetic(const Node& node, const Capabilities& prior) {
  TypeRef number = types_.plain(Tag::kLong);
  const Answer left = expect(node.a, prior, {number});
  const Answer right = expect(node.b, prior, {number});
  return after(left, after(right, success(number)));
}

Answer Typechecker::contains(const Node& node, const Capabilities& prior) {
  const Answer left = expect(node.a, prior, {types_.any_set()});
  const Answer right = node.op == Op::kContains ? this->node(node.b, prior)
                                                : expect(node.b, prior, {types_.any_set()});
  TypeRef element = left.type;
  if (node.op == Op::kContains && left.type != nullptr) element = left.type->element;
  const Answer answer =
      strict_bound(success(types_.plain(Tag::kBool)), element, right.type, node.range);
  return after(left, after(right, answer));
}

Answer Typechecker::tag(const Node& node, const Capabilities& prior) {
  const Answer target = expect(node.a, prior, {types_.plain(Tag::kAnyEntity)});
  const Answer key = expect(node.b, prior, {types_.plain(Tag::kString)});
  if (target.type == nullptr) return failure(nullptr);
  const Capability capability{shapes_[node.a], nullptr, shapes_[node.b]};
  const bool is_known = prior.contains(capability);
  if (node.op == Op::kGetTag) {
    return after(target, after(key, tag_value(node, target.type, key, is_known)));
  }
  TypeRef type = types_.plain(Tag::kBool);
  if (types_.tag_types(*target.type).empty()) {
    type = types_.boolean(false);
  } else if (is_known) {
    type = types_.boolean(true);
  }
  return after(target, after(key, success(type, {capability})));
}

Answer Typechecker::tag_value(const Node& node, TypeRef entity, const Answer&, bool is_known) {
  const std::string on = entity->tag == Tag::kEntity
                             ? fmt::format(" on entity type `{}`", to_text(*entity))
                             : std::string();
  if (!is_known) {
    const Node& key = nodes_.at(node.b);
    const std::string shown = key.op == Op::kLiteral ? to_text(key.value) : text_of(node.b);
    error(node.range, fmt::format("unable to guarantee safety of access to tag `{}`{}", shown, on));
    return failure(nullptr);
  }
  const std::vector<TypeRef> types = types_.tag_types(*entity);
  if (types.empty()) {
    error(node.range, fmt::format("`.getTag()` is not allowed{} because no `tags` were declared on "
                                  "the entity type in the schema",
                                  on));
    return failure(nullptr);
  }
  TypeRef bound = types_.least_upper_bound(types, mode_);
  if (bound != nullptr) return success(bound);
  incompatible(node.range, types);
  return failure(nullptr);
}

std::string Typechecker::text_of(NodeId id) const {
  const Range range = nodes_.at(id).range;
  if (body_.source->empty() || range.end == 0) return print_expression(nodes_, id);
  return body_.source->substr(range.begin, range.end - range.begin);
}

std::optional<std::vector<EntityUid>> Typechecker::literal_uids(NodeId id) const {
  const Node& node = nodes_.at(id);
  std::vector<EntityUid> uids;
  const auto add = [&](NodeId item) {
    const std::optional<Value> value = literal_value(item);
    if (!value || value->kind != Kind::kEntity) return false;
    uids.push_back(plain_uid(*value->uid));
    return true;
  };
  if (node.op != Op::kSet) {
    if (add(id)) return uids;
    return std::nullopt;
  }
  const auto items = nodes_.children_of(node);
  if (!std::all_of(items.begin(), items.end(), add)) return std::nullopt;
  return uids;
}

Answer Typechecker::in(const Node& node, const Capabilities& prior) {
  const Answer left = expect(node.a, prior, {types_.plain(Tag::kAnyEntity)});
  const Answer right = expect(node.b, prior, {types_.entity_set(), types_.plain(Tag::kAnyEntity)});
  if (!left.is_success || !right.is_success) return failure(types_.plain(Tag::kBool));
  const std::optional<Value> literal = literal_value(node.a);
  if (literal && literal->kind == Kind::kEntity && is_action_type(literal->uid->type->view())) {
    if (const auto uids = literal_uids(node.b)) return action_in(plain_uid(*literal->uid), *uids);
  }
  return in_types(left.type, right.type);
}

// False when no entity of the left type can be in one of the right type.
Answer Typechecker::in_types(TypeRef left, TypeRef right) const {
  TypeRef group = right->tag == Tag::kSet ? right->element : right;
  const bool is_known = is_tag(left, Tag::kEntity) && is_tag(group, Tag::kEntity);
  if (is_known && !is_descendant(left->entities, group->entities)) {
    return success(types_.boolean(false));
  }
  return success(types_.plain(Tag::kBool));
}

Answer Typechecker::action_in(const EntityUid& left, const std::vector<EntityUid>& right) const {
  bool is_in = false;
  types_.charge(right.size());
  for (const EntityUid& uid : right) {
    if (!is_action_type(uid.type)) continue;
    const ActionType* action = types_.schema().find_action(uid);
    if (action == nullptr) return failure(types_.plain(Tag::kBool));
    is_in = is_in || uid == left || action->descendants.contains(left);
  }
  return success(types_.boolean(is_in));
}

bool Typechecker::is_descendant(const EntityNames& left, const EntityNames& right) const {
  types_.charge(left.size() * right.size());
  return std::any_of(left.begin(), left.end(), [&](const std::string& inner) {
    return std::any_of(right.begin(), right.end(), [&](const std::string& outer) {
      return types_.is_type_below(inner, outer);
    });
  });
}

}  // namespace keyturn::cedar
