#include "cedar/residual.h"

#include <algorithm>

namespace keyturn::cedar {

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
      return part(node.c);
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
      return to_.literal(part.value, {});
    case Part::Kind::kResidual:
      return part.node;
    // It fails for what is known; it has to be kept because it may never be reached.
    case Part::Kind::kFailed:
      return copy(original);
  }
  return copy(original);
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
      return part.is_bool(decides) ? part : Part{};
    }
    if (part.is_bool(decides) && !may_fail) return part;
    TRY(const NodeId kept, expression(part, child));
    left.push_back(kept);
    may_fail = may_fail || part.kind != Part::Kind::kResidual || can_fail(kept);
    // What follows is never reached, or only when this fails.
    if (part.kind != Part::Kind::kResidual) break;
  }
  if (left.empty()) return Part{Part::Kind::kValue, Value::of(!decides), 0};
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
  if (test.kind != Part::Kind::kResidual) return Part{};
  TRY(const Part yes, part(node.b));
  TRY(const NodeId yes_node, expression(yes, node.b));
  TRY(const Part no, part(node.c));
  TRY(const NodeId no_node, expression(no, node.c));
  TRY(const NodeId made, to_.conditional(test.node, yes_node, no_node, {}));
  return residual(made);
}

Result<Part> ResidualBuilder::has(const Node& node, NodeId id) {
  const auto names = from_.names_of(node);
  if (names.size() > 1) return part(node.c);
  if (is_open_context(node.a) && unknowns_.present.contains(names.front()->view())) {
    return Part{Part::Kind::kValue, Value::of(true), 0};
  }
  TRY(const Part target, part(node.a));
  if (target.kind == Part::Kind::kFailed) return Part{};
  TRY(const NodeId left, expression(target, node.a));
  const std::vector<std::string> one = {std::string(names.front()->view())};
  TRY(const NodeId made, to_.has(left, one, from_.at(id).range));
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
      return to_.literal(node.value, {});
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

bool ResidualBuilder::can_fail(NodeId id) const {
  const Node& node = to_.at(id);
  // `has` on the context and the presence of a declared attribute never fail; whatever needs a type
  // might.
  if (node.op == Op::kHas) {
    const Node& target = to_.at(node.a);
    return target.op != Op::kVariable;
  }
  return node.op != Op::kLiteral;
}

}  // namespace keyturn::cedar
