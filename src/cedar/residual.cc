#include "cedar/residual.h"

#include <algorithm>

namespace keyturn::cedar {
namespace {

// The value with all it points to in `pool`. Order is by content, so what is sorted stays so.
Value copied(Pool& pool, const Value& value) {
  Value copy = value;
  switch (value.kind) {
    case Kind::kString:
      copy.text = pool.text(value.text->view());
      break;
    case Kind::kEntity:
      copy.uid = pool.uid(value.uid->type->view(), value.uid->id->view());
      break;
    case Kind::kSet: {
      const std::span<Value> items = pool.arena().array<Value>(value.set->items.size());
      for (std::size_t i = 0; i < items.size(); ++i) items[i] = copied(pool, value.set->items[i]);
      copy.set = pool.arena().make(SetValue{items});
      break;
    }
    case Kind::kRecord: {
      const std::span<Field> fields = pool.arena().array<Field>(value.record->fields.size());
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const Field& field = value.record->fields[i];
        fields[i] = Field{pool.text(field.key->view()), copied(pool, field.value)};
      }
      copy.record = pool.arena().make(RecordValue{fields});
      break;
    }
    case Kind::kIp:
      copy.ip = pool.arena().make(*value.ip);
      break;
    case Kind::kBool:
    case Kind::kLong:
    case Kind::kDecimal:
    case Kind::kDatetime:
    case Kind::kDuration:
      break;
  }
  return copy;
}

// Whether the operator gives a bool or fails, and nothing else.
bool gives_bool(Op op) {
  switch (op) {
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
    case Op::kIsEmpty:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kIn:
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kHasTag:
    case Op::kHas:
    case Op::kLike:
    case Op::kIs:
    case Op::kIsIn:
      return true;
    default:
      return false;
  }
}

}  // namespace

ResidualBuilder::ResidualBuilder(const Nodes& from, Evaluator& evaluator, const Unknowns& unknowns,
                                 Builder& to)
    : from_(from), evaluator_(evaluator), unknowns_(unknowns), to_(to) {
  depends_.resize(from.nodes.size());
  // Children come before their parents.
  for (NodeId id = 0; id < depends_.size(); ++id) {
    const Node& node = from.at(id);
    if (node.op == Op::kVariable) {
      depends_[id] = node.variable == Variable::kContext && !unknowns.names.empty();
      continue;
    }
    if ((node.op == Op::kGet || node.op == Op::kHas) && is_open_context(node.a)) {
      const Text* name = node.op == Op::kGet ? node.name : from.names_of(node).front();
      depends_[id] = unknowns.names.contains(name->view());
      continue;
    }
    const std::vector<NodeId> operands = operands_of(node);
    depends_[id] = std::any_of(operands.begin(), operands.end(),
                               [&](NodeId operand) { return depends_[operand]; });
  }
}

bool ResidualBuilder::is_open_context(NodeId id) const {
  const Node& node = from_.at(id);
  return node.op == Op::kVariable && node.variable == Variable::kContext;
}

std::vector<NodeId> ResidualBuilder::operands_of(const Node& node) const {
  switch (node.op) {
    case Op::kLiteral:
    case Op::kVariable:
    case Op::kUnknown:
      return {};
    case Op::kIf:
      return {node.a, node.b, node.c};
    case Op::kAnd:
    case Op::kOr:
    case Op::kSet:
    case Op::kRecord:
    case Op::kCall: {
      const auto children = from_.children_of(node);
      return {children.begin(), children.end()};
    }
    case Op::kNot:
    case Op::kNegate:
    case Op::kIsEmpty:
    case Op::kGet:
    case Op::kHas:
    case Op::kLike:
    case Op::kIs:
      return {node.a};
    default:
      return {node.a, node.b};
  }
}

Result<Part> ResidualBuilder::settled(NodeId id) {
  Part part;
  if (evaluator_.evaluate(from_, id, part.value)) part.kind = Part::Kind::kValue;
  return part;
}

Result<Part> ResidualBuilder::part(NodeId id) {
  if (!depends_[id]) return settled(id);
  const Node& node = from_.at(id);
  switch (node.op) {
    case Op::kAnd:
    case Op::kOr:
      return logical(node);
    case Op::kIf:
      return conditional(node);
    case Op::kIsIn:
      return is_in(node);
    case Op::kHas:
      return has(node, id);
    case Op::kVariable:
      return residual(to_.variable(node.variable, {}));
    default:
      return left_over(node);
  }
}

Result<NodeId> ResidualBuilder::expression(const Part& part, NodeId original) {
  switch (part.kind) {
    case Part::Kind::kValue:
      return owned(part.value);
    case Part::Kind::kResidual:
      return part.node;
    // It fails for what is known; it has to be kept because it may never be reached.
    case Part::Kind::kFailed:
      return copy(original);
  }
  return copy(original);
}

NodeId ResidualBuilder::owned(const Value& value) {
  return to_.literal(copied(to_.pool(), value), {});
}

Result<Part> ResidualBuilder::logical(const Node& node) {
  const bool decides = node.op == Op::kOr;
  std::vector<NodeId> left;
  bool may_fail = false;
  for (const NodeId child : from_.children_of(node)) {
    TRY(const Part part, this->part(child));
    if (part.is_bool(!decides)) continue;
    if (left.empty() && part.kind != Part::Kind::kResidual) {
      // Nothing before it can hide it: it decides, or the whole fails.
      if (part.is_bool(decides)) return part;
      if (part.kind == Part::Kind::kValue) evaluator_.fail_condition(child, part.value);
      return Part{};
    }
    if (part.is_bool(decides) && !may_fail) return part;
    TRY(const NodeId kept, expression(part, child));
    left.push_back(kept);
    may_fail = may_fail || part.kind != Part::Kind::kResidual || !is_surely_bool(kept);
    // What follows is never reached, or only when this fails.
    if (part.kind != Part::Kind::kResidual) break;
  }
  if (left.empty()) return Part{Part::Kind::kValue, Value::of(!decides), 0};
  if (left.size() == 1 && gives_bool(to_.at(left.front()).op)) return residual(left.front());
  if (left.size() == 1) {
    // A lone operand must still be a bool; `true && x` says so.
    left.insert(left.begin(), to_.literal(Value::of(!decides), {}));
  }
  TRY(const NodeId made, to_.logical(node.op, left, {}));
  return residual(made);
}

Result<Part> ResidualBuilder::conditional(const Node& node) {
  TRY(const Part test, part(node.a));
  if (test.is_bool(true)) return part(node.b);
  if (test.is_bool(false)) return part(node.c);
  if (test.kind == Part::Kind::kValue) evaluator_.fail_condition(node.a, test.value);
  if (test.kind != Part::Kind::kResidual) return Part{};
  TRY(const Part yes, part(node.b));
  TRY(const NodeId yes_node, expression(yes, node.b));
  TRY(const Part no, part(node.c));
  TRY(const NodeId no_node, expression(no, node.c));
  TRY(const NodeId made, to_.conditional(test.node, yes_node, no_node, {}));
  return residual(made);
}

// Not by the conjunction it stands for, which has the target twice: nested, text would double at
// every level.
Result<Part> ResidualBuilder::is_in(const Node& node) {
  TRY(const Part target, part(node.a));
  if (target.kind == Part::Kind::kFailed) return Part{};
  const bool is_entity = target.kind == Part::Kind::kValue && target.value.kind == Kind::kEntity;
  if (is_entity && !same(*target.value.uid->type, *node.name)) {
    return Part{Part::Kind::kValue, Value::of(false), 0};
  }
  TRY(const NodeId left, expression(target, node.a));
  TRY(const Part group, part(node.b));
  if (is_entity && group.kind == Part::Kind::kFailed) return Part{};
  TRY(const NodeId right, expression(group, node.b));
  TRY(const NodeId made, to_.is(left, node.name->view(), right, {}));
  return residual(made);
}

Result<Part> ResidualBuilder::has(const Node& node, NodeId id) {
  const auto names = from_.names_of(node);
  const bool is_open = is_open_context(node.a);
  // `context has a.b` is about `context has a` first, which may be settled.
  if (is_open && names.size() > 1) return part(node.c);
  if (is_open && unknowns_.present.contains(names.front()->view())) {
    return Part{Part::Kind::kValue, Value::of(true), 0};
  }
  TRY(const Part target, part(node.a));
  if (target.kind == Part::Kind::kFailed) return Part{};
  TRY(const NodeId left, expression(target, node.a));
  std::vector<std::string> all;
  for (const Text* name : names) all.emplace_back(name->view());
  TRY(const NodeId made, to_.has(left, all, from_.at(id).range));
  return residual(made);
}

Result<Part> ResidualBuilder::left_over(const Node& node) {
  std::vector<NodeId> operands;
  for (const NodeId operand : operands_of(node)) {
    TRY(const Part part, this->part(operand));
    // Operands are strict: one that fails fails the whole.
    if (part.kind == Part::Kind::kFailed) return Part{};
    TRY(const NodeId kept, expression(part, operand));
    operands.push_back(kept);
  }
  TRY(const NodeId made, copy_parts(node, operands));
  return residual(made);
}

Result<NodeId> ResidualBuilder::copy(NodeId id) {
  const Node& node = from_.at(id);
  std::vector<NodeId> operands;
  for (const NodeId operand : operands_of(node)) {
    TRY(const NodeId copied, copy(operand));
    operands.push_back(copied);
  }
  return copy_parts(node, operands);
}

Result<NodeId> ResidualBuilder::copy_parts(const Node& node, std::span<const NodeId> operands) {
  switch (node.op) {
    case Op::kLiteral:
      return owned(node.value);
    case Op::kUnknown:
    case Op::kVariable:
      return to_.variable(node.variable, {});
    case Op::kIf:
      return to_.conditional(operands[0], operands[1], operands[2], {});
    case Op::kAnd:
    case Op::kOr:
      return to_.logical(node.op, operands, {});
    case Op::kNot:
    case Op::kNegate:
    case Op::kIsEmpty:
      return to_.unary(node.op, operands[0], {});
    case Op::kGet:
      return to_.get(operands[0], node.name->view(), {});
    case Op::kLike: {
      const Pattern pattern(node.pattern->codes);
      return to_.like(operands[0], pattern, {});
    }
    case Op::kIs:
      return to_.is(operands[0], node.name->view(), std::nullopt, {});
    case Op::kIsIn:
      return to_.is(operands[0], node.name->view(), operands[1], {});
    case Op::kSet:
      return to_.set(operands, {});
    case Op::kCall:
      return to_.call(node.function, operands, {});
    case Op::kHas:
    case Op::kRecord: {
      std::vector<std::string> names;
      for (const Text* name : from_.names_of(node)) names.emplace_back(name->view());
      if (node.op == Op::kHas) return to_.has(operands[0], names, {});
      return to_.record(names, operands, {});
    }
    default:
      return to_.binary(node.op, operands[0], operands[1], {});
  }
}

std::optional<Kind> ResidualBuilder::sure_kind(NodeId residual) {
  // Children come before their parents.
  for (NodeId id = static_cast<NodeId>(sure_kinds_.size()); id <= residual; ++id) {
    sure_kinds_.push_back(find_kind(to_.at(id)));
  }
  return sure_kinds_[residual];
}

std::optional<Kind> ResidualBuilder::find_kind(const Node& node) const {
  const auto kind = [this](NodeId id) { return sure_kinds_[id]; };
  const auto is = [&](NodeId id, Kind wanted) { return kind(id) == wanted; };
  const auto bool_if = [](bool condition) {
    return condition ? std::optional(Kind::kBool) : std::nullopt;
  };
  switch (node.op) {
    case Op::kLiteral:
      return node.value.kind;
    case Op::kGet: {
      if (to_.at(node.a).op != Op::kVariable) return std::nullopt;
      if (to_.at(node.a).variable != Variable::kContext) return std::nullopt;
      const auto found = unknowns_.present.find(node.name->view());
      return found == unknowns_.present.end() ? std::nullopt : std::optional(found->second);
    }
    // Whether something is there; of more than one name, the first might have no attributes.
    case Op::kHas:
      return bool_if(to_.at(node.a).op == Op::kVariable && node.count == 1);
    case Op::kNot:
      return bool_if(is(node.a, Kind::kBool));
    case Op::kAnd:
    case Op::kOr: {
      const auto children = to_.children_of(node);
      return bool_if(std::all_of(children.begin(), children.end(),
                                 [&](NodeId child) { return is(child, Kind::kBool); }));
    }
    case Op::kIf:
      if (!is(node.a, Kind::kBool) || kind(node.b) != kind(node.c)) return std::nullopt;
      return kind(node.b);
    case Op::kEqual:
    case Op::kNotEqual:
      return bool_if(kind(node.a) && kind(node.b));
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return bool_if(is(node.a, Kind::kLong) && is(node.b, Kind::kLong));
    case Op::kContains:
      return bool_if(is(node.a, Kind::kSet) && kind(node.b));
    case Op::kSet: {
      const auto children = to_.children_of(node);
      const bool are_sure = std::all_of(children.begin(), children.end(),
                                        [&](NodeId child) { return kind(child).has_value(); });
      return are_sure ? std::optional(Kind::kSet) : std::nullopt;
    }
    case Op::kLike:
      return bool_if(is(node.a, Kind::kString));
    case Op::kIs:
      return bool_if(is(node.a, Kind::kEntity));
    // Arithmetic can overflow; whatever else there is has to be tried.
    default:
      return std::nullopt;
  }
}

}  // namespace keyturn::cedar
