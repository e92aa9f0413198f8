#include "cedar/typecheck.h"

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "cedar/escape.h"

namespace keyturn::cedar {
namespace {

// A type, of which it may speak, has as many attributes as its schema has room for.
constexpr std::size_t kMessageBytesMax = 4'096;
// What looking at an environment costs besides its nodes.
constexpr std::size_t kCheckWork = 32;

bool is_tag(TypeRef type, Tag tag) { return type != nullptr && type->tag == tag; }

EntityUid plain_uid(const Uid& uid) {
  return {std::string(uid.type->view()), std::string(uid.id->view())};
}

// What makes two nodes of one shape: everything but where they stand.
std::string shape_key(const Nodes& nodes, const Node& node, const std::vector<NodeId>& shapes) {
  std::string key = fmt::format("{} {} {} ", static_cast<int>(node.op),
                                static_cast<int>(node.variable), static_cast<int>(node.function));
  if (node.name != nullptr) key += quote(node.name->view());
  if (node.pattern != nullptr) key += '~' + escape_pattern(node.pattern->codes);
  switch (node.op) {
    case Op::kLiteral:
      key += fmt::format("{} {}", static_cast<int>(node.value.kind), to_text(node.value));
      break;
    case Op::kVariable:
    case Op::kUnknown:
      break;
    case Op::kAnd:
    case Op::kOr:
    case Op::kSet:
    case Op::kRecord:
    case Op::kCall:
      for (const NodeId child : nodes.children_of(node)) key += fmt::format("{},", shapes[child]);
      break;
    default:
      key += fmt::format("{} {} {}", shapes[node.a], node.b < shapes.size() ? shapes[node.b] : 0,
                         node.c < shapes.size() ? shapes[node.c] : 0);
      break;
  }
  if (node.op == Op::kRecord || node.op == Op::kHas) {
    for (const Text* name : nodes.names_of(node)) key += quote(name->view());
  }
  return key;
}

}  // namespace

Typechecker::Typechecker(const Body& body, TypeTable& types, ValidationMode mode)
    : body_(body), nodes_(body.nodes), types_(types), mode_(mode) {
  index_shapes();
  for (const Node& node : nodes_.nodes) {
    if (node.op == Op::kVariable) mentions_[static_cast<std::size_t>(node.variable)] = true;
  }
}

// Children come before their parents, so one pass suffices.
void Typechecker::index_shapes() {
  std::unordered_map<std::string, NodeId> first;
  shapes_.resize(nodes_.nodes.size());
  for (NodeId id = 0; id < shapes_.size(); ++id) {
    shapes_[id] = first.emplace(shape_key(nodes_, nodes_.at(id), shapes_), id).first->second;
  }
}

void Typechecker::error(Range range, std::string message) {
  types_.charge(message.size());
  errors_->insert(TypeError{range, shortened(std::move(message), kMessageBytesMax)});
}

void Typechecker::incompatible(Range range, const std::vector<TypeRef>& types) {
  std::set<std::string> names;
  for (TypeRef type : types) names.insert(to_text(*type));
  std::string list;
  std::size_t at = 0;
  for (const std::string& name : names) {
    list += at == 0 ? "" : at + 1 == names.size() ? " and " : ", ";
    list += name;
    ++at;
  }
  error(range, fmt::format("the types {} are not compatible", list));
}

void Typechecker::begin(const Environment& environment, std::set<TypeError>& errors) {
  environment_ = &environment;
  action_uid_ = pool_.uid(environment.action->uid.type, environment.action->uid.id);
  errors_ = &errors;
}

Answer Typechecker::check_scope(Variable variable, const Environment& environment) {
  std::set<TypeError> unused;  // only a list of actions may have errors, and is checked in full
  begin(environment, unused);
  types_.charge(1);
  if (variable == Variable::kAction) return action_scope();
  return scope(variable, variable == Variable::kPrincipal ? body_.principal : body_.resource);
}

Answer Typechecker::check(const Environment& environment, std::set<TypeError>& errors) {
  begin(environment, errors);
  types_.forget_made();
  types_.charge(nodes_.nodes.size() + kCheckWork);
  node_types_.assign(nodes_.nodes.size(), nullptr);
  reached_ = {};
  const auto reach = [&](Variable variable) {
    reached_[static_cast<std::size_t>(variable)] = true;
  };
  const std::vector<Part> parts = {[&](const Capabilities&) {
                                     reach(Variable::kPrincipal);
                                     return scope(Variable::kPrincipal, body_.principal);
                                   },
                                   [&](const Capabilities&) {
                                     reach(Variable::kAction);
                                     return action_scope();
                                   },
                                   [&](const Capabilities&) {
                                     reach(Variable::kResource);
                                     return scope(Variable::kResource, body_.resource);
                                   },
                                   [&](const Capabilities& prior) { return clauses(prior); }};
  return conjunction(parts, {});
}

TypeRef Typechecker::variable_type(Variable variable) const {
  switch (variable) {
    case Variable::kPrincipal:
      return types_.entity(environment_->principal);
    case Variable::kAction:
      return types_.entity(environment_->action->uid.type);
    case Variable::kResource:
      return types_.entity(environment_->resource);
    case Variable::kContext:
      return types_.declared(*environment_->action->context);
  }
  return nullptr;
}

TypeRef Typechecker::slot_type(Slot slot) const {
  return types_.entity(slot == Slot::kPrincipal ? environment_->principal_slot
                                                : environment_->resource_slot);
}

TypeRef Typechecker::uid_type(const Uid& uid) const {
  const std::string_view type = uid.type->view();
  if (is_action_type(type)) {
    return types_.schema().find_action(plain_uid(uid)) == nullptr ? nullptr : types_.entity(type);
  }
  return types_.schema().find_entity(type) == nullptr ? nullptr : types_.entity(type);
}

Answer Typechecker::scope(Variable variable, const Scope& scope) {
  TypeRef left = variable_type(variable);
  const auto is_of_type = [&] { return left->entities.contains(scope.type->view()); };
  switch (scope.kind) {
    case ScopeKind::kAny:
      return success(types_.boolean(true));
    case ScopeKind::kEqual: {
      TypeRef right = scope.uid == nullptr ? slot_type(scope.slot) : uid_type(*scope.uid);
      if (right == nullptr) return failure(types_.plain(Tag::kBool));
      if (are_disjoint(*left, *right)) return success(types_.boolean(false));
      return strict_bound(success(types_.plain(Tag::kBool)), left, right, scope.range);
    }
    case ScopeKind::kIn:
      return scope_in(variable, scope);
    case ScopeKind::kIs:
      return success(types_.boolean(is_of_type()));
    case ScopeKind::kIsIn:
      return is_of_type() ? scope_in(variable, scope) : success(types_.boolean(false));
  }
  return failure(nullptr);
}

Answer Typechecker::scope_in(Variable variable, const Scope& scope) {
  TypeRef right = scope.uid == nullptr ? slot_type(scope.slot) : uid_type(*scope.uid);
  if (right == nullptr) return failure(types_.plain(Tag::kBool));
  return in_types(variable_type(variable), right);
}

Answer Typechecker::action_scope() {
  const Scope& scope = body_.action;
  if (scope.kind == ScopeKind::kAny) return success(types_.boolean(true));
  if (scope.kind == ScopeKind::kEqual) {
    TypeRef right = uid_type(*scope.uids.front());
    TypeRef left = variable_type(Variable::kAction);
    if (right == nullptr) return failure(types_.plain(Tag::kBool));
    if (are_disjoint(*left, *right)) return success(types_.boolean(false));
    return success(types_.boolean(same(*scope.uids.front(), *action_uid_)));
  }
  TypeRef list = nullptr;
  Answer answer = action_list(list);
  if (!answer.is_success) return failure(types_.plain(Tag::kBool));
  std::vector<EntityUid> right;
  for (const Uid* uid : scope.uids) right.push_back(plain_uid(*uid));
  return action_in(environment_->action->uid, right);
}

// `in` with actions means a set literal, which has to have a type of its own.
Answer Typechecker::action_list(TypeRef& type) {
  const Scope& scope = body_.action;
  if (scope.uids.empty() && mode_ == ValidationMode::kStrict) {
    error(scope.range, "empty set literals are forbidden in policies");
    return failure(nullptr);
  }
  std::vector<TypeRef> elements;
  types_.charge(scope.uids.size());
  for (const Uid* uid : scope.uids) {
    TypeRef element = uid_type(*uid);
    if (element == nullptr) return failure(nullptr);
    elements.push_back(element);
  }
  type = types_.least_upper_bound(elements, mode_);
  if (type != nullptr) return success(type);
  incompatible(scope.range, elements);
  return failure(nullptr);
}

Answer Typechecker::expect_answer(Answer answer, Range range,
                                  const std::vector<TypeRef>& expected) {
  if (answer.type == nullptr) return failure(nullptr);
  // Width subtyping even when strict: `{}` stands for any record.
  const bool fits = std::any_of(expected.begin(), expected.end(), [&](TypeRef type) {
    return types_.is_below(answer.type, type, ValidationMode::kPermissive);
  });
  if (fits) return answer;
  std::string wanted;
  for (TypeRef type : expected) wanted += (wanted.empty() ? "" : ", or ") + to_text(*type);
  error(range,
        fmt::format("unexpected type: expected {} but saw {}", wanted, to_text(*answer.type)));
  return failure(nullptr);
}

Answer Typechecker::expect(NodeId id, const Capabilities& prior,
                           const std::vector<TypeRef>& expected) {
  Answer answer = expect_answer(node(id, prior), nodes_.at(id).range, expected);
  return answer;
}

Answer Typechecker::strict_bound(Answer answer, TypeRef a, TypeRef b, Range range) {
  if (mode_ != ValidationMode::kStrict || is_tag(answer.type, Tag::kTrue) ||
      is_tag(answer.type, Tag::kFalse) || a == nullptr || b == nullptr) {
    return answer;
  }
  if (types_.least_upper_bound(a, b, mode_) != nullptr) return answer;
  incompatible(range, {a, b});
  return failure(answer.type);
}

Answer Typechecker::node(NodeId id, const Capabilities& prior) {
  if (types_.is_spent()) return failure(nullptr);
  Answer answer = visit(id, prior);
  node_types_[id] = answer.type;
  return answer;
}

Answer Typechecker::visit(NodeId id, const Capabilities& prior) {
  const Node& node = nodes_.at(id);
  const std::vector<TypeRef> boolean = {types_.plain(Tag::kBool)};
  switch (node.op) {
    case Op::kLiteral:
      return literal(node);
    case Op::kVariable:
      return success(variable_type(node.variable));
    case Op::kUnknown:
      return failure(nullptr);
    case Op::kIf:
      return conditional(node, prior);
    case Op::kAnd:
      return conjunction(node, prior);
    case Op::kOr:
      return disjunction(node, prior);
    case Op::kNot:
      return negated(expect(node.a, prior, boolean));
    case Op::kNegate: {
      const Answer operand = expect(node.a, prior, {types_.plain(Tag::kLong)});
      return after(operand, success(types_.plain(Tag::kLong)));
    }
    case Op::kIsEmpty:
      return after(expect(node.a, prior, {types_.any_set()}), success(boolean.front()));
    case Op::kEqual:
      return equality(node, prior);
    case Op::kNotEqual:
      return negated(equality(node, prior));
    case Op::kLess:
    case Op::kLessEqual:
      return order(node, prior);
    case Op::kGreater:
    case Op::kGreaterEqual:
      return negated(order(node, prior));
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
      return arithmetic(node, prior);
    case Op::kIn:
      return in(node, prior);
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
      return contains(node, prior);
    case Op::kGetTag:
    case Op::kHasTag:
      return tag(node, prior);
    case Op::kGet:
      return get(node, id, prior);
    case Op::kHas:
      return node.count > 1 ? this->node(node.c, prior) : has(node, prior);
    case Op::kLike:
      return after(expect(node.a, prior, {types_.plain(Tag::kString)}), success(boolean.front()));
    case Op::kIs:
      return is(node, prior);
    case Op::kIsIn:
      return this->node(node.c, prior);
    case Op::kSet:
      return set(node, prior);
    case Op::kRecord:
      return record(node, prior);
    case Op::kCall:
      return call(node, prior);
  }
  return failure(nullptr);
}

Answer Typechecker::literal(const Node& node) {
  switch (node.value.kind) {
    case Kind::kBool:
      return success(types_.boolean(node.value.boolean));
    case Kind::kLong:
      return success(types_.plain(Tag::kLong));
    case Kind::kString:
      return success(types_.plain(Tag::kString));
    case Kind::kEntity: {
      TypeRef type = uid_type(*node.value.uid);
      return type == nullptr ? failure(nullptr) : success(type);
    }
    default:
      return success(types_.of_kind(node.value.kind));
  }
}

Answer Typechecker::negated(Answer inner) {
  TypeRef type = types_.plain(Tag::kBool);
  if (inner.type == nullptr) return failure(type);
  if (inner.type->tag == Tag::kTrue) type = types_.boolean(false);
  if (inner.type->tag == Tag::kFalse) type = types_.boolean(true);
  return after(inner, success(type));
}

Answer Typechecker::set(const Node& node, const Capabilities& prior) {
  std::vector<TypeRef> elements;
  bool all = true;
  bool typed = true;
  for (const NodeId child : nodes_.children_of(node)) {
    const Answer element = this->node(child, prior);
    all = all && element.is_success;
    typed = typed && element.type != nullptr;
    elements.push_back(element.type);
  }
  TypeRef bound = nullptr;
  if (typed) {
    bound = types_.least_upper_bound(elements, mode_);
    if (bound == nullptr) incompatible(node.range, elements);
  }
  if (mode_ == ValidationMode::kStrict && elements.empty()) {
    error(node.range, "empty set literals are forbidden in policies");
    return failure(nullptr);
  }
  if (bound == nullptr) return failure(nullptr);
  Answer answer = success(types_.set(bound));
  answer.is_success = all;
  return answer;
}

Answer Typechecker::record(const Node& node, const Capabilities& prior) {
  CheckedAttributes attributes;
  bool all = true;
  bool typed = true;
  const auto names = nodes_.names_of(node);
  const auto children = nodes_.children_of(node);
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Answer value = this->node(children[i], prior);
    all = all && value.is_success;
    typed = typed && value.type != nullptr;
    attributes[std::string(names[i]->view())] = {value.type, true};
  }
  if (!typed) return failure(nullptr);
  Answer answer = success(types_.record(std::move(attributes), false));
  answer.is_success = all;
  return answer;
}

}  // namespace keyturn::cedar
