#include "cedar/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/escape.h"

namespace keyturn::cedar {
namespace {

// From loosest to tightest.
enum class Level { kIf, kOr, kAnd, kRelation, kSum, kProduct, kUnary, kMember };

Level level_of(const Node& node) {
  switch (node.op) {
    case Op::kIf:
      return Level::kIf;
    case Op::kOr:
      return Level::kOr;
    case Op::kAnd:
      return Level::kAnd;
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kIn:
    case Op::kHas:
    case Op::kLike:
    case Op::kIs:
    case Op::kIsIn:
      return Level::kRelation;
    case Op::kAdd:
    case Op::kSubtract:
      return Level::kSum;
    case Op::kMultiply:
      return Level::kProduct;
    case Op::kNot:
    case Op::kNegate:
      return Level::kUnary;
    case Op::kLiteral:
      return node.value.kind == Kind::kLong && node.value.number < 0 ? Level::kUnary
                                                                     : Level::kMember;
    default:
      return Level::kMember;
  }
}

std::string_view symbol_of(Op op) {
  switch (op) {
    case Op::kOr:
      return " || ";
    case Op::kAnd:
      return " && ";
    case Op::kEqual:
      return " == ";
    case Op::kNotEqual:
      return " != ";
    case Op::kLess:
      return " < ";
    case Op::kLessEqual:
      return " <= ";
    case Op::kGreater:
      return " > ";
    case Op::kGreaterEqual:
      return " >= ";
    case Op::kIn:
      return " in ";
    case Op::kAdd:
      return " + ";
    case Op::kSubtract:
      return " - ";
    case Op::kMultiply:
      return " * ";
    case Op::kContains:
      return ".contains";
    case Op::kContainsAll:
      return ".containsAll";
    case Op::kContainsAny:
      return ".containsAny";
    case Op::kGetTag:
      return ".getTag";
    case Op::kHasTag:
      return ".hasTag";
    default:
      return "";
  }
}

bool is_plain(std::string_view name) { return is_identifier(name) && !is_reserved(name); }

std::string key(std::string_view name) { return is_plain(name) ? std::string(name) : quote(name); }

class Printer {
 public:
  explicit Printer(const Nodes& nodes) : nodes_(nodes) {}

  // In parentheses if it binds looser than `least`.
  void print(NodeId id, Level least) {
    const Node& node = nodes_.at(id);
    const bool is_open = level_of(node) < least;
    if (is_open) out_ += '(';
    bare(node);
    if (is_open) out_ += ')';
  }
  std::string take() { return std::move(out_); }

 private:
  void bare(const Node& node) {
    switch (node.op) {
      case Op::kLiteral:
        out_ += to_text(node.value);
        return;
      case Op::kVariable:
        out_ += to_string(node.variable);
        return;
      case Op::kUnknown:
        out_ += fmt::format("unknown({})", quote(node.name->view()));
        return;
      case Op::kIf:
        out_ += "if ";
        print(node.a, Level::kIf);
        out_ += " then ";
        print(node.b, Level::kIf);
        out_ += " else ";
        print(node.c, Level::kIf);
        return;
      case Op::kOr:
      case Op::kAnd:
        logical(node);
        return;
      case Op::kNot:
      case Op::kNegate:
        unary(node);
        return;
      case Op::kAdd:
      case Op::kSubtract:
        infix(node, Level::kSum, Level::kProduct);
        return;
      case Op::kMultiply:
        infix(node, Level::kProduct, Level::kUnary);
        return;
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kLess:
      case Op::kLessEqual:
      case Op::kGreater:
      case Op::kGreaterEqual:
      case Op::kIn:
        infix(node, Level::kSum, Level::kSum);
        return;
      case Op::kHas:
        has(node);
        return;
      case Op::kLike:
        print(node.a, Level::kSum);
        out_ += fmt::format(" like \"{}\"", escape_pattern(node.pattern->codes));
        return;
      case Op::kIs:
      case Op::kIsIn:
        print(node.a, Level::kSum);
        out_ += fmt::format(" is {}", node.name->view());
        if (node.op == Op::kIs) return;
        out_ += " in ";
        print(node.b, Level::kSum);
        return;
      case Op::kSet:
        out_ += '[';
        list(nodes_.children_of(node));
        out_ += ']';
        return;
      default:
        postfix(node);
        return;
    }
  }

  void postfix(const Node& node) {
    switch (node.op) {
      case Op::kRecord:
        record(node);
        return;
      case Op::kGet: {
        print(node.a, Level::kMember);
        const std::string_view name = node.name->view();
        out_ += is_plain(name) ? fmt::format(".{}", name) : fmt::format("[{}]", quote(name));
        return;
      }
      case Op::kIsEmpty:
        print(node.a, Level::kMember);
        out_ += ".isEmpty()";
        return;
      case Op::kCall:
        call(node);
        return;
      default:
        print(node.a, Level::kMember);
        out_ += symbol_of(node.op);
        out_ += '(';
        print(node.b, Level::kIf);
        out_ += ')';
        return;
    }
  }

  void infix(const Node& node, Level left, Level right) {
    print(node.a, left);
    out_ += symbol_of(node.op);
    print(node.b, right);
  }

  void logical(const Node& node) {
    const Level tighter = node.op == Op::kOr ? Level::kAnd : Level::kRelation;
    bool is_first = true;
    for (const NodeId child : nodes_.children_of(node)) {
      if (!is_first) out_ += symbol_of(node.op);
      is_first = false;
      print(child, tighter);
    }
  }

  // Chains of four at most may stand without parentheses; a negated number must not become a
  // negative one.
  void unary(const Node& node) {
    out_ += node.op == Op::kNot ? '!' : '-';
    const Node& operand = nodes_.at(node.a);
    const bool needs = level_of(operand) < Level::kMember ||
                       (node.op == Op::kNegate && operand.op == Op::kLiteral);
    if (needs) out_ += '(';
    bare(operand);
    if (needs) out_ += ')';
  }

  void has(const Node& node) {
    const auto names = nodes_.names_of(node);
    const bool all_plain = std::all_of(names.begin(), names.end(),
                                       [](const Text* name) { return is_plain(name->view()); });
    if (names.size() > 1 && !all_plain) {
      // Only identifiers can be chained; say it the long way.
      out_ += '(';
      print(node.c, Level::kIf);
      out_ += ')';
      return;
    }
    print(node.a, Level::kSum);
    out_ += " has ";
    if (names.size() == 1) {
      out_ += key(names[0]->view());
      return;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i > 0) out_ += '.';
      out_ += names[i]->view();
    }
  }

  void call(const Node& node) {
    const Signature& signature = signature_of(node.function);
    auto arguments = nodes_.children_of(node);
    if (signature.style == CallStyle::kMethod && !arguments.empty()) {
      print(arguments.front(), Level::kMember);
      out_ += '.';
      arguments = arguments.subspan(1);
    }
    out_ += signature.name;
    out_ += '(';
    list(arguments);
    out_ += ')';
  }

  void list(std::span<const NodeId> items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ", ";
      print(items[i], Level::kIf);
    }
  }

  void record(const Node& node) {
    const auto names = nodes_.names_of(node);
    const auto children = nodes_.children_of(node);
    out_ += '{';
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += key(names[i]->view()) + ": ";
      print(children[i], Level::kIf);
    }
    out_ += '}';
  }

  const Nodes& nodes_;
  std::string out_;
};

std::string scope_text(Variable variable, const Scope& scope) {
  std::string text(to_string(variable));
  const auto target = [&] {
    if (scope.uid != nullptr) return to_text(*scope.uid);
    return "?" + std::string(to_string(variable));
  };
  if (scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kIsIn) {
    text += fmt::format(" is {}", scope.type->view());
  }
  if (scope.kind == ScopeKind::kEqual) text += " == " + target();
  if (scope.kind == ScopeKind::kIn || scope.kind == ScopeKind::kIsIn) text += " in " + target();
  return text;
}

std::string action_text(const Scope& scope) {
  if (scope.kind == ScopeKind::kAny) return "action";
  if (scope.kind == ScopeKind::kEqual) return "action == " + to_text(*scope.uids.front());
  std::string list;
  for (const Uid* uid : scope.uids) list += (list.empty() ? "" : ", ") + to_text(*uid);
  return scope.is_list ? fmt::format("action in [{}]", list) : "action in " + list;
}

}  // namespace

std::string print_expression(const Nodes& nodes, NodeId id) {
  Printer printer(nodes);
  printer.print(id, Level::kIf);
  return printer.take();
}

std::string print_policy(const Policy& policy) {
  const Body& body = *policy.body;
  std::string text;
  for (const Note& note : body.notes) {
    text += fmt::format("@{}{}\n", note.key,
                        note.has_value ? fmt::format("({})", quote(note.value)) : "");
  }
  text += fmt::format("{}({}, {}, {})", body.effect == Effect::kPermit ? "permit" : "forbid",
                      scope_text(Variable::kPrincipal, linked_scope(body.principal, policy)),
                      action_text(body.action),
                      scope_text(Variable::kResource, linked_scope(body.resource, policy)));
  for (const Clause& clause : body.clauses) {
    text += fmt::format(" {} {{ {} }}", clause.is_when ? "when" : "unless",
                        print_expression(body.nodes, clause.root));
  }
  return text + ";";
}

std::string PolicySet::print() const {
  std::string text;
  for (const auto& group : {&content_->policies, &content_->templates}) {
    for (const Policy& policy : *group) text += print_policy(policy) + "\n";
  }
  return text;
}

}  // namespace keyturn::cedar
