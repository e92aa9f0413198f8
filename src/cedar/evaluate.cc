#include "cedar/evaluate.h"

#include <algorithm>
#include <array>

namespace keyturn::cedar {
namespace {

constexpr std::string_view kAnyEntity = "(entity of type `any_entity_type`)";
constexpr std::string_view kRecordOrEntity = "one of [record, (entity of type `any_entity_type`)]";
constexpr std::string_view kSetOrEntity = "one of [set, (entity of type `any_entity_type`)]";
constexpr std::string_view kComparable = "one of [long, datetime, duration]";

bool is_comparable(Kind kind) {
  return kind == Kind::kLong || kind == Kind::kDatetime || kind == Kind::kDuration;
}

std::string_view expected_name(Kind kind) {
  return kind == Kind::kEntity ? kAnyEntity : kind_name(kind);
}

}  // namespace

bool Evaluator::fail_type(NodeId id, std::string_view expected, const Value& got) {
  failure_ = Failure{FailureKind::kType, id, expected, got, {}};
  return false;
}

bool Evaluator::fail_with(FailureKind kind, NodeId id, const Value& a, const Value& b) {
  failure_ = Failure{kind, id, {}, a, b};
  return false;
}

bool Evaluator::check(const Value& value, Kind kind, NodeId id) {
  return value.kind == kind || fail_type(id, expected_name(kind), value);
}

bool Evaluator::evaluate(const Nodes& nodes, NodeId id, Value& out) {
  const Node& node = nodes.at(id);
  if (node.constant) {
    out = node.value;
    return true;
  }
  switch (node.op) {
    case Op::kVariable:
      out = variable(node.variable);
      return true;
    case Op::kGet: {
      Value target;
      return evaluate(nodes, node.a, target) && get(node, id, target, out);
    }
    case Op::kIf: {
      Value test;
      if (!evaluate(nodes, node.a, test) || !check(test, Kind::kBool, node.a)) return false;
      return evaluate(nodes, test.boolean ? node.b : node.c, out);
    }
    case Op::kAnd:
    case Op::kOr:
      return logical(nodes, node, out);
    case Op::kHas: {
      Value target;
      return evaluate(nodes, node.a, target) && has(nodes, node, id, target, out);
    }
    case Op::kLike:
      if (!evaluate(nodes, node.a, out) || !check(out, Kind::kString, node.a)) return false;
      out = Value::of(matches(*node.pattern, out.text->view()));
      return true;
    case Op::kNot:
    case Op::kNegate:
    case Op::kIsEmpty:
      return unary(nodes, node, id, out);
    case Op::kIs:
    case Op::kIsIn:
      return is(nodes, node, id, out);
    case Op::kSet:
      return build_set(nodes, node, out);
    case Op::kRecord:
      return build_record(nodes, node, out);
    case Op::kCall:
      return call(nodes, node, id, out);
    case Op::kLiteral:
    case Op::kUnknown:
      return fail_with(FailureKind::kUnknown, id, {});
    default:
      return binary(nodes, node, id, out);
  }
}

Value Evaluator::variable(Variable variable) const {
  switch (variable) {
    case Variable::kPrincipal:
      return Value::of(request_.principal);
    case Variable::kAction:
      return Value::of(request_.action);
    case Variable::kResource:
      return Value::of(request_.resource);
    case Variable::kContext:
      break;
  }
  return Value::of(request_.context);
}

bool Evaluator::unary(const Nodes& nodes, const Node& node, NodeId id, Value& out) {
  if (!evaluate(nodes, node.a, out)) return false;
  if (node.op == Op::kNot) {
    if (!check(out, Kind::kBool, node.a)) return false;
    out.boolean = !out.boolean;
    return true;
  }
  if (node.op == Op::kIsEmpty) {
    if (!check(out, Kind::kSet, node.a)) return false;
    out = Value::of(out.set->items.empty());
    return true;
  }
  if (!check(out, Kind::kLong, node.a)) return false;
  const Value operand = out;
  if (__builtin_sub_overflow(std::int64_t{0}, operand.number, &out.number)) {
    return fail_with(FailureKind::kOverflow, id, operand);
  }
  return true;
}

bool Evaluator::logical(const Nodes& nodes, const Node& node, Value& out) {
  const bool decides = node.op == Op::kOr;
  for (const NodeId child : nodes.children_of(node)) {
    if (!evaluate(nodes, child, out) || !check(out, Kind::kBool, child)) return false;
    if (out.boolean == decides) return true;
  }
  return true;
}

bool Evaluator::binary(const Nodes& nodes, const Node& node, NodeId id, Value& out) {
  Value a;
  Value b;
  if (!evaluate(nodes, node.a, a) || !evaluate(nodes, node.b, b)) return false;
  switch (node.op) {
    case Op::kEqual:
      out = Value::of(same(a, b));
      return true;
    case Op::kNotEqual:
      out = Value::of(!same(a, b));
      return true;
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return compare(node, id, a, b, out);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
      return arithmetic(node, id, a, b, out);
    case Op::kIn:
      return in(id, a, b, out);
    case Op::kGetTag:
    case Op::kHasTag:
      return tag(node, id, a, b, out);
    default:
      return sets(node, id, a, b, out);
  }
}

bool Evaluator::compare(const Node& node, NodeId, const Value& a, const Value& b, Value& out) {
  if (a.kind != b.kind || !is_comparable(a.kind)) {
    if (is_comparable(a.kind)) return fail_type(node.b, expected_name(a.kind), b);
    if (is_comparable(b.kind)) return fail_type(node.a, expected_name(b.kind), a);
    return fail_type(node.a, kComparable, a);
  }
  switch (node.op) {
    case Op::kLess:
      out = Value::of(a.number < b.number);
      return true;
    case Op::kLessEqual:
      out = Value::of(a.number <= b.number);
      return true;
    case Op::kGreater:
      out = Value::of(a.number > b.number);
      return true;
    default:
      out = Value::of(a.number >= b.number);
      return true;
  }
}

bool Evaluator::arithmetic(const Node& node, NodeId id, const Value& a, const Value& b,
                           Value& out) {
  if (!check(a, Kind::kLong, node.a) || !check(b, Kind::kLong, node.b)) return false;
  std::int64_t result = 0;
  const bool overflows = node.op == Op::kAdd ? __builtin_add_overflow(a.number, b.number, &result)
                         : node.op == Op::kSubtract
                             ? __builtin_sub_overflow(a.number, b.number, &result)
                             : __builtin_mul_overflow(a.number, b.number, &result);
  if (overflows) return fail_with(FailureKind::kOverflow, id, a, b);
  out = Value::of(Kind::kLong, result);
  return true;
}

bool Evaluator::in(NodeId id, const Value& a, const Value& b, Value& out) {
  if (a.kind != Kind::kEntity) return fail_type(id, kAnyEntity, a);
  const Entity* entity = store_.find(*a.uid);
  const auto is_in = [&](const Uid& group) {
    return same(*a.uid, group) || (entity != nullptr && has_ancestor(*entity, group));
  };
  if (b.kind == Kind::kEntity) {
    out = Value::of(is_in(*b.uid));
    return true;
  }
  if (b.kind != Kind::kSet) return fail_type(id, kSetOrEntity, b);
  for (const Value& item : b.set->items) {
    if (item.kind != Kind::kEntity) return fail_type(id, kAnyEntity, item);
  }
  out = Value::of(std::any_of(b.set->items.begin(), b.set->items.end(),
                              [&](const Value& item) { return is_in(*item.uid); }));
  return true;
}

bool Evaluator::sets(const Node& node, NodeId, const Value& a, const Value& b, Value& out) {
  if (!check(a, Kind::kSet, node.a)) return false;
  if (node.op == Op::kContains) {
    out = Value::of(contains(*a.set, b));
    return true;
  }
  if (!check(b, Kind::kSet, node.b)) return false;
  const auto is_in_a = [&](const Value& item) { return contains(*a.set, item); };
  const auto& items = b.set->items;
  out = Value::of(node.op == Op::kContainsAll ? std::all_of(items.begin(), items.end(), is_in_a)
                                              : std::any_of(items.begin(), items.end(), is_in_a));
  return true;
}

bool Evaluator::tag(const Node& node, NodeId id, const Value& a, const Value& b, Value& out) {
  if (!check(a, Kind::kEntity, node.a) || !check(b, Kind::kString, node.b)) return false;
  const Entity* entity = store_.find(*a.uid);
  const Value* value = entity == nullptr ? nullptr : entity->tags->find(*b.text);
  if (node.op == Op::kHasTag) {
    out = Value::of(value != nullptr);
    return true;
  }
  if (entity == nullptr) return fail_with(FailureKind::kNoEntity, id, a);
  if (value == nullptr) return fail_with(FailureKind::kNoTag, id, a, b);
  out = *value;
  return true;
}

bool Evaluator::get(const Node& node, NodeId id, const Value& target, Value& out) {
  const RecordValue* record = nullptr;
  if (target.kind == Kind::kRecord) {
    record = target.record;
  } else if (target.kind == Kind::kEntity) {
    const Entity* entity = store_.find(*target.uid);
    if (entity == nullptr) return fail_with(FailureKind::kNoEntity, id, target);
    record = entity->attributes;
  } else {
    return fail_type(node.a, kRecordOrEntity, target);
  }
  const Value* value = record->find(*node.name);
  if (value == nullptr) return fail_with(FailureKind::kNoAttribute, id, target);
  out = *value;
  return true;
}

bool Evaluator::has(const Nodes& nodes, const Node& node, NodeId, Value target, Value& out) {
  for (const Text* name : nodes.names_of(node)) {
    const RecordValue* record = nullptr;
    if (target.kind == Kind::kRecord) {
      record = target.record;
    } else if (target.kind == Kind::kEntity) {
      const Entity* entity = store_.find(*target.uid);
      if (entity != nullptr) record = entity->attributes;
    } else {
      return fail_type(node.a, kRecordOrEntity, target);
    }
    const Value* value = record == nullptr ? nullptr : record->find(*name);
    if (value == nullptr) {
      out = Value::of(false);
      return true;
    }
    target = *value;
  }
  out = Value::of(true);
  return true;
}

bool Evaluator::is(const Nodes& nodes, const Node& node, NodeId id, Value& out) {
  Value target;
  if (!evaluate(nodes, node.a, target) || !check(target, Kind::kEntity, node.a)) return false;
  out = Value::of(same(*target.uid->type, *node.name));
  if (!out.boolean || node.op == Op::kIs) return true;
  Value group;
  return evaluate(nodes, node.b, group) && in(id, target, group, out);
}

bool Evaluator::build_set(const Nodes& nodes, const Node& node, Value& out) {
  const std::span<Value> items = scratch_.array<Value>(node.count);
  std::size_t at = 0;
  for (const NodeId child : nodes.children_of(node)) {
    if (!evaluate(nodes, child, items[at++])) return false;
  }
  out = Value::of(make_set(scratch_, items));
  return true;
}

bool Evaluator::build_record(const Nodes& nodes, const Node& node, Value& out) {
  const std::span<Field> fields = scratch_.array<Field>(node.count);
  const auto names = nodes.names_of(node);
  const auto children = nodes.children_of(node);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    fields[i].key = names[i];
    if (!evaluate(nodes, children[i], fields[i].value)) return false;
  }
  out = Value::of(make_record(scratch_, fields));
  return true;
}

bool Evaluator::call(const Nodes& nodes, const Node& node, NodeId id, Value& out) {
  // Surplus arguments are evaluated, as they may fail, and then refused.
  std::array<Value, 2> arguments;
  const auto children = nodes.children_of(node);
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (!evaluate(nodes, children[i], arguments[std::min<std::size_t>(i, 1)])) return false;
  }
  const Signature& signature = signature_of(node.function);
  if (children.size() != signature.arity) {
    return fail_with(FailureKind::kArity, id,
                     Value::of(Kind::kLong, static_cast<std::int64_t>(children.size())));
  }
  if (!check(arguments[0], signature.argument, children[0])) return false;
  if (signature.arity == 2 && !check(arguments[1], signature.second_argument, children[1])) {
    return false;
  }
  const ExtensionResult<Value> result =
      signature.style == CallStyle::kFunction
          ? construct(scratch_, node.function, arguments[0].text->view())
          : call_method(node.function, arguments);
  if (!result) {
    return fail_with(FailureKind::kExtension, id, arguments[0], arguments[1]);
  }
  out = *result;
  return true;
}

std::string Evaluator::message(const Nodes& nodes) const {
  const Node& node = nodes.at(failure_.node);
  const auto overflow = [&](std::string_view doing, std::string_view rest) {
    return fmt::format("integer overflow while attempting to {} the value{}", doing, rest);
  };
  const auto both = [&] {
    return fmt::format("s `{}` and `{}`", to_text(failure_.a), to_text(failure_.b));
  };
  switch (failure_.kind) {
    case FailureKind::kNone:
      return {};
    case FailureKind::kType: {
      const std::string got =
          failure_.a.kind == Kind::kEntity
              ? fmt::format("(entity of type `{}`)", failure_.a.uid->type->view())
              : std::string(kind_name(failure_.a.kind));
      return fmt::format("type error: expected {}, got {}", failure_.expected, got);
    }
    case FailureKind::kNoAttribute:
      if (failure_.a.kind == Kind::kRecord) {
        return fmt::format("record does not have the attribute `{}`", node.name->view());
      }
      return fmt::format("`{}` does not have the attribute `{}`", to_text(failure_.a),
                         node.name->view());
    case FailureKind::kNoTag:
      return fmt::format("`{}` does not have the tag `{}`", to_text(failure_.a),
                         failure_.b.text->view());
    case FailureKind::kNoEntity:
      return fmt::format("entity `{}` does not exist", to_text(failure_.a));
    case FailureKind::kOverflow:
      if (node.op == Op::kNegate)
        return overflow("negate", fmt::format(" `{}`", to_text(failure_.a)));
      return overflow(node.op == Op::kAdd        ? "add"
                      : node.op == Op::kSubtract ? "subtract"
                                                 : "multiply",
                      both());
    case FailureKind::kExtension: {
      const Signature& signature = signature_of(node.function);
      const std::array<Value, 2> arguments = {failure_.a, failure_.b};
      Arena arena;
      const ExtensionResult<Value> again =
          signature.style == CallStyle::kFunction
              ? construct(arena, node.function, failure_.a.text->view())
              : call_method(node.function, arguments);
      return fmt::format("error while evaluating `{}` extension function: {}",
                         node.function == Function::kIp ? "ipaddr" : signature.name,
                         again ? "" : again.error().message);
    }
    case FailureKind::kArity:
      return fmt::format(
          "wrong number of arguments provided to extension function `{}`: expected {}, got {}",
          signature_of(node.function).name, signature_of(node.function).arity, failure_.a.number);
    case FailureKind::kUnknown:
      return "the value is not known";
  }
  return {};
}

}  // namespace keyturn::cedar
