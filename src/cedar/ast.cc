#include "cedar/ast.h"

#include <algorithm>
#include <array>

namespace keyturn::cedar {
namespace {

Node make(Op op, Range range) {
  Node node;
  node.op = op;
  node.range = range;
  return node;
}

}  // namespace

std::string_view to_string(Variable variable) {
  switch (variable) {
    case Variable::kPrincipal:
      return "principal";
    case Variable::kAction:
      return "action";
    case Variable::kResource:
      return "resource";
    case Variable::kContext:
      return "context";
  }
  return {};
}

// UTF-8 synchronises itself: a run that matches bytes matches code points.
bool matches(const PatternValue& pattern, std::string_view text) {
  const auto runs = pattern.runs;
  if (runs.size() == 1) return text == runs[0];
  if (!text.starts_with(runs.front())) return false;
  text.remove_prefix(runs.front().size());
  for (std::size_t i = 1; i + 1 < runs.size(); ++i) {
    const std::size_t at = text.find(runs[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + runs[i].size());
  }
  return text.ends_with(runs.back());
}

Result<NodeId> Builder::add(Node node, std::span<const NodeId> operands) {
  unsigned depth = 0;
  for (const NodeId operand : operands) depth = std::max<unsigned>(depth, at(operand).depth);
  if (depth + 1 > kDepthMax) {
    std::string message = fmt::format("this expression nests deeper than {} levels", kDepthMax);
    // Read from JSON there is no text to show; the reader adds the place.
    if (!source_.empty()) message = error_at(source_, node.range, message).message;
    return fail(Error{Code::kExhausted, std::move(message)});
  }
  node.depth = static_cast<std::uint16_t>(depth + 1);
  nodes_.nodes.push_back(node);
  return static_cast<NodeId>(nodes_.nodes.size() - 1);
}

NodeId Builder::literal(Value value, Range range) {
  Node node = make(Op::kLiteral, range);
  node.constant = true;
  node.value = value;
  nodes_.nodes.push_back(node);
  return static_cast<NodeId>(nodes_.nodes.size() - 1);
}

NodeId Builder::text(std::string_view text, Range range) {
  return literal(Value::of(pool_.text(text)), range);
}

NodeId Builder::variable(Variable variable, Range range) {
  Node node = make(Op::kVariable, range);
  node.variable = variable;
  nodes_.nodes.push_back(node);
  return static_cast<NodeId>(nodes_.nodes.size() - 1);
}

Result<NodeId> Builder::unary(Op op, NodeId a, Range range) {
  Node node = make(op, range);
  node.a = a;
  return add(node, {{a}});
}

Result<NodeId> Builder::binary(Op op, NodeId a, NodeId b, Range range) {
  Node node = make(op, range);
  node.a = a;
  node.b = b;
  return add(node, {{a, b}});
}

Result<NodeId> Builder::logical(Op op, std::span<const NodeId> operands, Range range) {
  Node node = make(op, range);
  std::vector<NodeId> flat;
  const Node& left = at(operands[0]);
  if (left.op == op) {
    const std::span<const NodeId> joined = nodes_.children_of(left);
    flat.assign(joined.begin(), joined.end());
    operands = operands.subspan(1);
  }
  flat.insert(flat.end(), operands.begin(), operands.end());
  node.first = static_cast<std::uint32_t>(nodes_.children.size());
  node.count = static_cast<std::uint32_t>(flat.size());
  nodes_.children.insert(nodes_.children.end(), flat.begin(), flat.end());
  return add(node, flat);
}

Result<NodeId> Builder::conditional(NodeId test, NodeId yes, NodeId no, Range range) {
  Node node = make(Op::kIf, range);
  node.a = test;
  node.b = yes;
  node.c = no;
  return add(node, {{test, yes, no}});
}

Result<NodeId> Builder::get(NodeId target, std::string_view name, Range range) {
  Node node = make(Op::kGet, range);
  node.a = target;
  node.name = pool_.text(name);
  return add(node, {{target}});
}

Result<NodeId> Builder::has(NodeId target, std::span<const std::string> names, Range range) {
  Node node = make(Op::kHas, range);
  node.a = target;
  node.count = static_cast<std::uint32_t>(names.size());
  if (names.size() > 1) {
    // The validator looks at `x has a && x.a has b`.
    std::vector<NodeId> steps;
    NodeId inner = target;
    for (std::size_t i = 0; i < names.size(); ++i) {
      TRY(const NodeId step, has(inner, names.subspan(i, 1), range));
      steps.push_back(step);
      if (i + 1 == names.size()) break;
      TRY(inner, get(inner, names[i], range));
    }
    TRY(node.c, logical(Op::kAnd, steps, range));
  }
  node.first = static_cast<std::uint32_t>(nodes_.names.size());
  for (const std::string& name : names) nodes_.names.push_back(pool_.text(name));
  return add(node, {{node.count > 1 ? node.c : target}});
}

Result<NodeId> Builder::like(NodeId target, const Pattern& pattern, Range range) {
  std::vector<std::string_view> runs;
  std::string run;
  for (const char32_t code : pattern) {
    if (code != kWildcard) {
      append_utf8(run, code);
      continue;
    }
    runs.push_back(pool_.arena().copy(run));
    run.clear();
  }
  runs.push_back(pool_.arena().copy(run));
  const std::span<std::string_view> kept = pool_.arena().array<std::string_view>(runs.size());
  std::copy(runs.begin(), runs.end(), kept.begin());
  const std::span<char32_t> codes = pool_.arena().array<char32_t>(pattern.size());
  std::copy(pattern.begin(), pattern.end(), codes.begin());
  Node node = make(Op::kLike, range);
  node.a = target;
  node.pattern = pool_.arena().make(PatternValue{kept, {codes.data(), codes.size()}});
  return add(node, {{target}});
}

Result<NodeId> Builder::is(NodeId target, std::string_view type, std::optional<NodeId> in,
                           Range range) {
  Node node = make(in ? Op::kIsIn : Op::kIs, range);
  node.a = target;
  node.name = pool_.text(type);
  if (!in) return add(node, {{target}});
  node.b = *in;
  // The validator looks at `x is T && x in e`.
  TRY(const NodeId left, is(target, type, std::nullopt, range));
  TRY(const NodeId right, binary(Op::kIn, target, *in, range));
  const std::array<NodeId, 2> parts = {left, right};
  TRY(node.c, logical(Op::kAnd, parts, range));
  return add(node, {{node.c}});
}

Result<NodeId> Builder::set(std::span<const NodeId> items, Range range) {
  Node node = make(Op::kSet, range);
  node.first = static_cast<std::uint32_t>(nodes_.children.size());
  node.count = static_cast<std::uint32_t>(items.size());
  nodes_.children.insert(nodes_.children.end(), items.begin(), items.end());
  node.constant =
      std::all_of(items.begin(), items.end(), [&](NodeId item) { return at(item).constant; });
  if (node.constant) {
    const std::span<Value> values = pool_.arena().array<Value>(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) values[i] = at(items[i]).value;
    node.value = Value::of(make_set(pool_.arena(), values));
  }
  return add(node, items);
}

Result<NodeId> Builder::record(std::span<const std::string> names, std::span<const NodeId> items,
                               Range range) {
  Node node = make(Op::kRecord, range);
  node.first = static_cast<std::uint32_t>(nodes_.children.size());
  node.count = static_cast<std::uint32_t>(items.size());
  node.a = static_cast<NodeId>(nodes_.names.size());
  nodes_.children.insert(nodes_.children.end(), items.begin(), items.end());
  for (const std::string& name : names) nodes_.names.push_back(pool_.text(name));
  node.constant =
      std::all_of(items.begin(), items.end(), [&](NodeId item) { return at(item).constant; });
  if (node.constant) {
    const std::span<Field> fields = pool_.arena().array<Field>(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      fields[i] = Field{nodes_.names[node.a + i], at(items[i]).value};
    }
    node.value = Value::of(make_record(pool_.arena(), fields));
  }
  return add(node, items);
}

Result<NodeId> Builder::call(Function function, std::span<const NodeId> arguments, Range range) {
  Node node = make(Op::kCall, range);
  node.function = function;
  node.first = static_cast<std::uint32_t>(nodes_.children.size());
  node.count = static_cast<std::uint32_t>(arguments.size());
  nodes_.children.insert(nodes_.children.end(), arguments.begin(), arguments.end());
  const bool is_constructor = signature_of(function).style == CallStyle::kFunction;
  if (is_constructor && arguments.size() == 1 && at(arguments[0]).op == Op::kLiteral &&
      at(arguments[0]).value.kind == Kind::kString) {
    const auto value = construct(pool_.arena(), function, at(arguments[0]).value.text->view());
    if (value) {
      node.constant = true;
      node.value = *value;
    }
  }
  return add(node, arguments);
}

}  // namespace keyturn::cedar
