#include <algorithm>
#include <array>
#include <unordered_map>

#include "cedar/escape.h"
#include "cedar/policy_json.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

struct BinaryName {
  std::string_view name;
  Op op;
};
constexpr std::array<BinaryName, 15> kBinary = {{{"==", Op::kEqual},
                                                 {"!=", Op::kNotEqual},
                                                 {"in", Op::kIn},
                                                 {"<", Op::kLess},
                                                 {"<=", Op::kLessEqual},
                                                 {">", Op::kGreater},
                                                 {">=", Op::kGreaterEqual},
                                                 {"+", Op::kAdd},
                                                 {"-", Op::kSubtract},
                                                 {"*", Op::kMultiply},
                                                 {"contains", Op::kContains},
                                                 {"containsAll", Op::kContainsAll},
                                                 {"containsAny", Op::kContainsAny},
                                                 {"getTag", Op::kGetTag},
                                                 {"hasTag", Op::kHasTag}}};
constexpr std::array<BinaryName, 3> kUnary = {
    {{"!", Op::kNot}, {"neg", Op::kNegate}, {"isEmpty", Op::kIsEmpty}}};

template <std::size_t size>
const Op* find_op(const std::array<BinaryName, size>& names, std::string_view name) {
  const auto at = std::find_if(names.begin(), names.end(),
                               [&](const BinaryName& entry) { return entry.name == name; });
  return at == names.end() ? nullptr : &at->op;
}

using Keys = std::initializer_list<std::string_view>;

class PolicyReader {
 public:
  PolicyReader(Body& body, JsonFault& fault, const JsonOffsets& offsets)
      : body_(body), builder_(body.nodes, *body.pool, ""), fault_(fault), offsets_(offsets) {}

  Result<std::monostate> run(const Json& json) {
    TRY_VOID(
        check_keys(json, "a policy",
                   {"effect", "principal", "action", "resource", "conditions", "annotations"}));
    TRY(const std::string effect, json.get_string("effect"));
    if (effect != "permit" && effect != "forbid") {
      return fail(Code::kInvalid, "unknown effect `{}`, expected `permit` or `forbid`", effect);
    }
    body_.range = range_of(json);
    body_.effect = effect == "permit" ? Effect::kPermit : Effect::kForbid;
    TRY_VOID(notes(json));
    TRY(body_.principal, scope(json, "principal", Slot::kPrincipal));
    TRY(body_.action, action(json));
    TRY(body_.resource, scope(json, "resource", Slot::kResource));
    const Json* conditions = json.find("conditions");
    if (conditions == nullptr || !conditions->is_array()) {
      return fail(Code::kInvalid, "a policy needs an array of `conditions`");
    }
    for (const Json& condition : *conditions->if_array()) {
      TRY_VOID(fault_.at(condition, clause(condition)));
    }
    return std::monostate();
  }

 private:
  Range range_of(const Json& json) const {
    const JsonOffsets::Span span = offsets_.of(json);
    return {span.begin, span.end};
  }

  Result<std::monostate> check_keys(const Json& json, std::string_view what, Keys known) {
    const Json::Object* members = json.if_object();
    if (members == nullptr) {
      fault_.note(json);
      return fail(Code::kInvalid, "{} must be a JSON object", what);
    }
    for (const auto& [key, value] : *members) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        fault_.note(value);
        return fail(Code::kInvalid, "unknown field `{}` in {}, expected one of `{}`", key, what,
                    fmt::join(known, "`, `"));
      }
    }
    return std::monostate();
  }

  Result<std::monostate> notes(const Json& json) {
    const Json* group = json.find("annotations");
    if (group == nullptr) return std::monostate();
    const Json::Object* members = group->if_object();
    if (members == nullptr) return fail(Code::kInvalid, "`annotations` must be a JSON object");
    for (const auto& [key, value] : *members) {
      if (!is_identifier(key)) {
        fault_.note(value);
        return fail(Code::kInvalid, "`{}` is not a valid annotation key", key);
      }
      if (!value.is_string() && !value.is_null()) {
        fault_.note(value);
        return fail(Code::kInvalid, "the annotation `{}` must be a string or null", key);
      }
      body_.notes.push_back({key, value.is_string() ? *value.if_string() : "", !value.is_null()});
    }
    return std::monostate();
  }

  Result<std::string> type_name(const Json& json, std::string_view key) {
    TRY(std::string type, json.get_string(key));
    if (!is_name(type)) return fail(Code::kInvalid, "`{}` is not a valid entity type name", type);
    return type;
  }

  // {"entity":…} or {"slot":…} into `scope`. Like the reference it takes `entity` first and lets
  // other keys pass.
  Result<std::monostate> reference(const Json& json, Slot slot, Scope& scope) {
    const Json* entity = json.find("entity");
    const Json* wanted = json.find("slot");
    if (entity == nullptr && wanted == nullptr) {
      return fail(Code::kInvalid, "a scope constraint needs either `entity` or `slot`");
    }
    if (entity != nullptr) {
      TRY(scope.uid, ValueReader(*body_.pool, fault_).read_uid(*entity, {"the scope"}));
      return std::monostate();
    }
    const std::string_view expected = slot == Slot::kPrincipal ? "?principal" : "?resource";
    if (wanted->if_string() == nullptr || *wanted->if_string() != expected) {
      return fail(Code::kInvalid, "expected the slot `{}`, found `{}`", expected,
                  shown(keyturn::to_text(*wanted)));
    }
    scope.slot = slot;
    return std::monostate();
  }

  Result<Scope> scope(const Json& json, std::string_view key, Slot slot) {
    const Json* given = json.find(key);
    if (given == nullptr) return fail(Code::kInvalid, "a policy needs a `{}`", key);
    TRY(Scope scope, fault_.at(*given, read_scope(*given, key, slot)));
    scope.range = range_of(*given);
    return scope;
  }

  Result<Scope> read_scope(const Json& given, std::string_view key, Slot slot) {
    TRY(const std::string op, given.get_string("op"));
    Scope scope;
    if (op == "All" || op == "all") return scope;
    if (op == "==" || op == "in") {
      scope.kind = op == "==" ? ScopeKind::kEqual : ScopeKind::kIn;
      TRY_VOID(reference(given, slot, scope));
      return scope;
    }
    if (op != "is") {
      return fail(Code::kInvalid,
                  "unknown operator `{}` of `{}`, expected `All`, `==`, `in` or `is`", op, key);
    }
    TRY_VOID(check_keys(given, fmt::format("`{}`", key), {"op", "entity_type", "in"}));
    TRY(const std::string type, type_name(given, "entity_type"));
    scope.kind = ScopeKind::kIs;
    scope.type = body_.pool->text(type);
    if (const Json* in = given.find("in"); in != nullptr && !in->is_null()) {
      scope.kind = ScopeKind::kIsIn;
      TRY_VOID(reference(*in, slot, scope));
    }
    return scope;
  }

  Result<Scope> action(const Json& json) {
    const Json* given = json.find("action");
    if (given == nullptr) return fail(Code::kInvalid, "a policy needs an `action`");
    TRY(Scope scope, fault_.at(*given, read_action(*given)));
    scope.range = range_of(*given);
    return scope;
  }

  Result<Scope> read_action(const Json& given) {
    TRY(const std::string op, given.get_string("op"));
    Scope scope;
    if (op == "All" || op == "all") return scope;
    if (op != "==" && op != "in") {
      return fail(Code::kInvalid, "unknown operator `{}` of `action`, expected `All`, `==` or `in`",
                  op);
    }
    scope.kind = op == "==" ? ScopeKind::kEqual : ScopeKind::kIn;
    const Json* entity = given.find("entity");
    const Json* entities = given.find("entities");
    if (entity == nullptr && (entities == nullptr || op == "==")) {
      return fail(Code::kInvalid, "`action` needs either `entity` or, with `in`, `entities`");
    }
    if (entity != nullptr) {
      TRY_VOID(fault_.at(*entity, add_action(*entity, scope)));
      return scope;
    }
    scope.is_list = true;
    const Json::Array* items = entities->if_array();
    if (items == nullptr) return fail(Code::kInvalid, "`entities` of `action` must be an array");
    for (const Json& item : *items) TRY_VOID(fault_.at(item, add_action(item, scope)));
    return scope;
  }

  Result<std::monostate> add_action(const Json& json, Scope& scope) {
    TRY(const Uid* uid, ValueReader(*body_.pool, fault_).read_uid(json, {"the action scope"}));
    if (!is_action_type(uid->type->view())) {
      return fail(Code::kInvalid, "expected an entity uid with type `Action` but got `{}`",
                  to_text(*uid));
    }
    scope.uids.push_back(uid);
    return std::monostate();
  }

  Result<std::monostate> clause(const Json& json) {
    TRY_VOID(check_keys(json, "a condition", {"kind", "body"}));
    TRY(const std::string kind, json.get_string("kind"));
    const Json* inner = json.find("body");
    if (kind != "when" && kind != "unless") {
      return fail(Code::kInvalid, "unknown kind `{}` of a condition, expected `when` or `unless`",
                  kind);
    }
    if (inner == nullptr) return fail(Code::kInvalid, "a condition needs a `body`");
    Clause clause;
    clause.is_when = kind == "when";
    clause.range = range_of(json);
    TRY(clause.root, expression(*inner));
    body_.clauses.push_back(clause);
    return std::monostate();
  }

  Result<NodeId> expression(const Json& json) { return fault_.at(json, read_expression(json)); }

  Result<NodeId> read_expression(const Json& json) {
    const Json::Object* members = json.if_object();
    if (members == nullptr || members->size() != 1) {
      return fail(Code::kInvalid,
                  "an expression must be a JSON object with exactly one key, got `{}`",
                  shown(keyturn::to_text(json)));
    }
    const auto& [key, inner] = members->front();
    if (const Op* op = find_op(kBinary, key)) return binary(*op, key, inner);
    if (const Op* op = find_op(kUnary, key)) {
      TRY(const NodeId operand, member(inner, key, "arg", {"arg"}));
      return builder_.unary(*op, operand, range_of(inner));
    }
    if (key == "&&" || key == "||") return logical(key, inner);
    if (key == "Value") return value(inner);
    if (key == "Var") return variable(inner);
    if (key == "Slot") {
      return fail(Code::kInvalid,
                  "found template slot in a condition: slots are allowed in the "
                  "scope only");
    }
    if (key == ".") return get(inner);
    if (key == "has") return has(inner);
    if (key == "like") return like(inner);
    if (key == "is") return is(inner);
    if (key == "if-then-else") return conditional(inner);
    if (key == "Set") {
      TRY(const std::vector<NodeId> items, expressions(inner, key));
      return builder_.set(items, range_of(inner));
    }
    if (key == "Record") return record(inner);
    if (const Signature* signature = find_signature(key)) return call(*signature, inner);
    return fail(Code::kInvalid, "unknown expression `{}`", key);
  }

  Result<NodeId> member(const Json& json, std::string_view what, std::string_view key, Keys known) {
    TRY_VOID(check_keys(json, fmt::format("`{}`", what), known));
    const Json* inner = json.find(key);
    if (inner == nullptr) return fail(Code::kInvalid, "`{}` needs a `{}`", what, key);
    return expression(*inner);
  }

  Result<NodeId> binary(Op op, std::string_view name, const Json& json) {
    TRY(const NodeId left, member(json, name, "left", {"left", "right"}));
    TRY(const NodeId right, member(json, name, "right", {"left", "right"}));
    return builder_.binary(op, left, right, range_of(json));
  }

  Result<NodeId> logical(const std::string& name, const Json& json) {
    TRY(const NodeId left, member(json, name, "left", {"left", "right"}));
    TRY(const NodeId right, member(json, name, "right", {"left", "right"}));
    const std::array<NodeId, 2> operands = {left, right};
    return builder_.logical(name == "&&" ? Op::kAnd : Op::kOr, operands, range_of(json));
  }

  Result<NodeId> variable(const Json& json) {
    for (const Variable variable :
         {Variable::kPrincipal, Variable::kAction, Variable::kResource, Variable::kContext}) {
      if (json.if_string() != nullptr && *json.if_string() == to_string(variable)) {
        return builder_.variable(variable, range_of(json));
      }
    }
    return fail(Code::kInvalid, "unknown variable `{}`", shown(keyturn::to_text(json)));
  }

  // A literal, or what it stands for as an expression: sets, records and extension calls.
  Result<NodeId> value(const Json& json) { return fault_.at(json, read_value(json)); }

  Result<NodeId> read_value(const Json& json) {
    if (const Json::Array* items = json.if_array()) {
      std::vector<NodeId> nodes;
      for (const Json& item : *items) {
        TRY(const NodeId node, value(item));
        nodes.push_back(node);
      }
      return builder_.set(nodes, range_of(json));
    }
    const Json::Object* members = json.if_object();
    const auto is_escape = [&](std::string_view key) {
      return members->size() == 1 && members->front().first == key;
    };
    if (members != nullptr && is_escape("__extn") && members->front().second.is_object()) {
      const Json& escaped = members->front().second;
      const Json* name = escaped.find("fn");
      const Signature* signature =
          name == nullptr || !name->is_string() ? nullptr : find_signature(*name->if_string());
      if (signature != nullptr) return value_call(*signature, escaped);
    }
    if (members != nullptr && !is_escape("__entity") && !is_escape("__extn") &&
        !is_escape("__expr")) {
      std::vector<std::string> names;
      std::vector<NodeId> nodes;
      for (const auto& [name, item] : *members) {
        TRY(const NodeId node, value(item));
        names.push_back(name);
        nodes.push_back(node);
      }
      return builder_.record(names, nodes, range_of(json));
    }
    TRY(const Value literal, ValueReader(*body_.pool, fault_).read(json, nullptr, {"a `Value`"}));
    return builder_.literal(literal, range_of(json));
  }

  Result<NodeId> value_call(const Signature& signature, const Json& json) {
    std::vector<NodeId> arguments;
    if (const Json* argument = json.find("arg")) {
      TRY(const NodeId node, value(*argument));
      arguments.push_back(node);
    } else if (const Json* list = json.find("args"); list != nullptr && list->is_array()) {
      for (const Json& item : *list->if_array()) {
        TRY(const NodeId node, value(item));
        arguments.push_back(node);
      }
    }
    return builder_.call(signature.function, arguments, range_of(json));
  }

  Result<NodeId> get(const Json& json) {
    TRY(const NodeId left, member(json, ".", "left", {"left", "attr"}));
    TRY(const std::string attribute, json.get_string("attr"));
    return builder_.get(left, attribute, range_of(json));
  }

  Result<NodeId> has(const Json& json) {
    // Here, too, the reference lets other keys pass.
    const Json* target = json.find("left");
    if (target == nullptr) return fail(Code::kInvalid, "`has` needs a `left`");
    TRY(const NodeId left, expression(*target));
    const Json* attribute = json.find("attr");
    std::vector<std::string> names;
    if (attribute != nullptr && attribute->is_string()) {
      names.push_back(*attribute->if_string());
    } else if (attribute != nullptr && attribute->is_array()) {
      for (const Json& item : *attribute->if_array()) {
        if (!item.is_string()) return fail(Code::kInvalid, "`attr` of `has` must be strings");
        names.push_back(*item.if_string());
      }
    }
    if (names.empty()) {
      return fail(Code::kInvalid,
                  "`attr` of `has` must be a string or a non-empty array of strings");
    }
    return builder_.has(left, names, range_of(json));
  }

  Result<NodeId> like(const Json& json) {
    TRY(const NodeId left, member(json, "like", "left", {"left", "pattern"}));
    const Json* items = json.find("pattern");
    if (items == nullptr || !items->is_array()) {
      return fail(Code::kInvalid, "`pattern` of `like` must be an array");
    }
    Pattern pattern;
    for (const Json& item : *items->if_array()) {
      if (item.is_string() && *item.if_string() == "Wildcard") {
        pattern.push_back(kWildcard);
        continue;
      }
      TRY_VOID(check_keys(item, "an item of a pattern", {"Literal"}));
      TRY(const std::string text, fault_.at(item, item.get_string("Literal")));
      for (std::size_t at = 0; at < text.size();) pattern.push_back(next_code(text, at));
    }
    return builder_.like(left, pattern, range_of(json));
  }

  Result<NodeId> is(const Json& json) {
    TRY(const NodeId left, member(json, "is", "left", {"left", "entity_type", "in"}));
    TRY(const std::string type, type_name(json, "entity_type"));
    std::optional<NodeId> in;
    if (const Json* group = json.find("in"); group != nullptr && !group->is_null()) {
      TRY(in, expression(*group));
    }
    return builder_.is(left, type, in, range_of(json));
  }

  Result<NodeId> conditional(const Json& json) {
    const Keys known = {"if", "then", "else"};
    TRY(const NodeId test, member(json, "if-then-else", "if", known));
    TRY(const NodeId yes, member(json, "if-then-else", "then", known));
    TRY(const NodeId no, member(json, "if-then-else", "else", known));
    return builder_.conditional(test, yes, no, range_of(json));
  }

  Result<std::vector<NodeId>> expressions(const Json& json, std::string_view what) {
    const Json::Array* items = json.if_array();
    if (items == nullptr) return fail(Code::kInvalid, "`{}` needs an array", what);
    std::vector<NodeId> nodes;
    for (const Json& item : *items) {
      TRY(const NodeId node, expression(item));
      nodes.push_back(node);
    }
    return nodes;
  }

  Result<NodeId> record(const Json& json) {
    const Json::Object* members = json.if_object();
    if (members == nullptr) return fail(Code::kInvalid, "`Record` needs an object");
    std::vector<std::string> names;
    std::vector<NodeId> nodes;
    for (const auto& [name, item] : *members) {
      TRY(const NodeId node, expression(item));
      names.push_back(name);
      nodes.push_back(node);
    }
    return builder_.record(names, nodes, range_of(json));
  }

  Result<NodeId> call(const Signature& signature, const Json& json) {
    TRY(const std::vector<NodeId> arguments, expressions(json, signature.name));
    // A wrong number of them, even a method without a receiver, is an error of evaluation.
    return builder_.call(signature.function, arguments, range_of(json));
  }

  Body& body_;
  Builder builder_;
  JsonFault& fault_;
  const JsonOffsets& offsets_;
};

}  // namespace

Result<std::shared_ptr<const Body>> read_policy(const Json& json, std::shared_ptr<Pool> pool,
                                                JsonFault& fault, const JsonSource& source) {
  auto body = std::make_shared<Body>();
  body->pool = std::move(pool);
  body->source = std::make_shared<const std::string>();
  body->json = source.text;
  TRY_VOID(PolicyReader(*body, fault, source.offsets).run(json));
  return body;
}

}  // namespace keyturn::cedar
