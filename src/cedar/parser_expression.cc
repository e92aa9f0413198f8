#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "cedar/parser.h"

namespace keyturn::cedar {
namespace {

// Cedar's own limit on chains of `!` and `-`.
constexpr int kUnaryMax = 4;

struct Operator {
  std::string_view symbol;
  Op op;
};
constexpr std::array<Operator, 7> kRelations = {{{"==", Op::kEqual},
                                                 {"!=", Op::kNotEqual},
                                                 {"<", Op::kLess},
                                                 {"<=", Op::kLessEqual},
                                                 {">", Op::kGreater},
                                                 {">=", Op::kGreaterEqual},
                                                 {"in", Op::kIn}}};

std::optional<Op> find_relation(std::string_view symbol) {
  for (const Operator& entry : kRelations) {
    if (entry.symbol == symbol) return entry.op;
  }
  return std::nullopt;
}

struct Method {
  std::string_view name;
  Op op;
  std::size_t arguments;
};
constexpr std::array<Method, 6> kMethods = {{{"contains", Op::kContains, 1},
                                             {"containsAll", Op::kContainsAll, 1},
                                             {"containsAny", Op::kContainsAny, 1},
                                             {"isEmpty", Op::kIsEmpty, 0},
                                             {"getTag", Op::kGetTag, 1},
                                             {"hasTag", Op::kHasTag, 1}}};

const Method* find_method(std::string_view name) {
  for (const Method& entry : kMethods) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::optional<Variable> find_variable(std::string_view word) {
  for (const Variable variable :
       {Variable::kPrincipal, Variable::kAction, Variable::kResource, Variable::kContext}) {
    if (to_string(variable) == word) return variable;
  }
  return std::nullopt;
}

}  // namespace

Result<NodeId> ExpressionParser::expression() {
  // Parentheses make no node, so nesting is counted here as well.
  if (depth_ >= kDepthMax) {
    Error error = cursor_.error(cursor_.peek().range,
                                fmt::format("expressions nest deeper than {} levels", kDepthMax));
    error.code = Code::kExhausted;
    return fail(std::move(error));
  }
  ++depth_;
  const std::uint32_t begin = cursor_.peek().range.begin;
  if (!cursor_.accept_word("if")) {
    Result<NodeId> result = disjunction();
    --depth_;
    return result;
  }
  TRY(const NodeId test, expression());
  if (!cursor_.accept_word("then")) return fail(cursor_.unexpected("`then`"));
  TRY(const NodeId yes, expression());
  if (!cursor_.accept_word("else")) return fail(cursor_.unexpected("`else`"));
  TRY(const NodeId no, expression());
  --depth_;
  return builder_.conditional(test, yes, no, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::disjunction() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(const NodeId first, conjunction());
  if (!cursor_.is_symbol("||")) return first;
  std::vector<NodeId> operands = {first};
  while (cursor_.accept_symbol("||")) {
    TRY(const NodeId next, conjunction());
    operands.push_back(next);
  }
  return builder_.logical(Op::kOr, operands, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::conjunction() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(const NodeId first, relation());
  if (!cursor_.is_symbol("&&")) return first;
  std::vector<NodeId> operands = {first};
  while (cursor_.accept_symbol("&&")) {
    TRY(const NodeId next, relation());
    operands.push_back(next);
  }
  return builder_.logical(Op::kAnd, operands, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::relation() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(const NodeId left, sum());
  if (cursor_.accept_word("has")) return has(left, begin);
  if (cursor_.accept_word("like")) return like(left, begin);
  if (cursor_.accept_word("is")) return is(left, begin);
  if (cursor_.is_symbol("=")) {
    return fail(cursor_.error(cursor_.peek().range,
                              "`=` is not a valid operator in Cedar, try using `==` instead"));
  }
  const auto next_relation = [&] {
    return cursor_.peek().kind == TokenKind::kSymbol || cursor_.is_word("in")
               ? find_relation(cursor_.peek_text())
               : std::nullopt;
  };
  const std::optional<Op> op = next_relation();
  if (!op) return left;
  cursor_.take();
  TRY(const NodeId right, sum());
  if (next_relation()) {
    return fail(cursor_.error(cursor_.peek().range,
                              "multiple relational operators (>, ==, in, etc.) must be used with "
                              "parentheses to make ordering explicit"));
  }
  return builder_.binary(*op, left, right, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::has(NodeId target, std::uint32_t begin) {
  std::vector<std::string> names;
  if (cursor_.peek().kind == TokenKind::kString) {
    TRY(std::string name, cursor_.string(cursor_.take()));
    names.push_back(std::move(name));
  } else {
    do {
      TRY(std::string name, attribute());
      names.push_back(std::move(name));
    } while (cursor_.accept_symbol("."));
  }
  for (const std::string_view symbol : {".", "(", "[", "::", "+", "-", "*"}) {
    if (cursor_.is_symbol(symbol)) {
      return fail(cursor_.error(cursor_.peek().range,
                                "invalid right-hand side of a `has` operation: use a sequence of "
                                "identifiers separated by `.` or a string literal"));
    }
  }
  return builder_.has(target, names, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::like(NodeId target, std::uint32_t begin) {
  if (cursor_.peek().kind != TokenKind::kString) {
    return fail(cursor_.error(cursor_.peek().range,
                              "right hand side of a `like` expression must be a pattern literal"));
  }
  const Token& token = cursor_.take();
  const std::string_view literal = cursor_.text(token);
  Pattern pattern;
  if (const auto wrong = unescape_pattern(literal.substr(1, literal.size() - 2), pattern)) {
    const auto at = static_cast<std::uint32_t>(token.range.begin + 1 + wrong->at);
    return fail(cursor_.error({at, at + static_cast<std::uint32_t>(wrong->size)},
                              "not a valid escape in a pattern"));
  }
  return builder_.like(target, pattern, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::is(NodeId target, std::uint32_t begin) {
  TRY(const std::string type, name());
  std::optional<NodeId> in;
  if (cursor_.accept_word("in")) {
    TRY(in, sum());
  }
  return builder_.is(target, type, in, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::sum() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(NodeId left, product());
  while (cursor_.is_symbol("+") || cursor_.is_symbol("-")) {
    const Op op = cursor_.text(cursor_.take()) == "+" ? Op::kAdd : Op::kSubtract;
    TRY(const NodeId right, product());
    TRY(left, builder_.binary(op, left, right, cursor_.since(begin)));
  }
  return left;
}

Result<NodeId> ExpressionParser::product() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(NodeId left, negation());
  while (true) {
    if (cursor_.is_symbol("/")) {
      return fail(cursor_.error(cursor_.peek().range, "division is not supported"));
    }
    if (cursor_.is_symbol("%")) {
      return fail(cursor_.error(cursor_.peek().range, "remainder/modulo is not supported"));
    }
    if (!cursor_.accept_symbol("*")) return left;
    TRY(const NodeId right, negation());
    TRY(left, builder_.binary(Op::kMultiply, left, right, cursor_.since(begin)));
  }
}

Result<NodeId> ExpressionParser::negation() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  const std::string_view symbol = cursor_.is_symbol("!") ? "!" : cursor_.is_symbol("-") ? "-" : "";
  if (symbol.empty()) return member();
  int count = 0;
  while (cursor_.accept_symbol(symbol)) ++count;
  if (count > kUnaryMax) {
    return fail(cursor_.error(
        cursor_.since(begin),
        fmt::format("too many occurrences of `{}`: cannot chain more than {} applications of a "
                    "unary operator",
                    symbol, kUnaryMax)));
  }
  return negated(symbol == "!" ? Op::kNot : Op::kNegate, count, begin);
}

Result<NodeId> ExpressionParser::negated(Op op, int count, std::uint32_t begin) {
  NodeId result = 0;
  const bool is_access =
      cursor_.is_symbol(".", 1) || cursor_.is_symbol("(", 1) || cursor_.is_symbol("[", 1);
  if (op == Op::kNegate && cursor_.peek().kind == TokenKind::kNumber && !is_access) {
    TRY(result, number(true));
    --count;
  } else {
    TRY(result, member());
  }
  for (; count > 0; --count) {
    TRY(result, builder_.unary(op, result, cursor_.since(begin)));
  }
  return result;
}

Result<NodeId> ExpressionParser::number(bool negative) {
  const Token& token = cursor_.take();
  const std::string_view digits = cursor_.text(token);
  std::uint64_t magnitude = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
  constexpr std::uint64_t kMax = std::uint64_t{1} << 63U;
  if (parsed.ec != std::errc() || magnitude > (negative ? kMax : kMax - 1)) {
    return fail(cursor_.error(
        token.range, fmt::format("integer literal `{}` is too large: the maximum allowed integer "
                                 "literal is `9223372036854775807`",
                                 digits)));
  }
  const std::uint64_t bits = negative ? 0 - magnitude : magnitude;
  return builder_.literal(Value::of(Kind::kLong, static_cast<std::int64_t>(bits)), token.range);
}

Result<NodeId> ExpressionParser::member() {
  const std::uint32_t begin = cursor_.peek().range.begin;
  TRY(NodeId result, primary());
  while (true) {
    if (cursor_.is_symbol("(")) {
      return fail(cursor_.error(cursor_.peek().range,
                                "function calls must be of the form `<name>(arg1, arg2, ...)`"));
    }
    if (cursor_.is_symbol(".")) {
      TRY(result, access(result, begin));
    } else if (cursor_.is_symbol("[")) {
      TRY(result, index(result, begin));
    } else {
      return result;
    }
  }
}

Result<std::string> ExpressionParser::attribute() {
  const Token& token = cursor_.peek();
  if (token.kind != TokenKind::kIdentifier) return fail(cursor_.unexpected("an attribute name"));
  const std::string_view word = cursor_.text(token);
  if (is_reserved(word)) {
    return fail(cursor_.error(
        token.range,
        fmt::format("this identifier is reserved and cannot be used: `{}`; write `[\"{}\"]`", word,
                    word)));
  }
  cursor_.take();
  return std::string(word);
}

Result<NodeId> ExpressionParser::access(NodeId target, std::uint32_t begin) {
  cursor_.take();  // the dot
  const Token token = cursor_.peek();
  TRY(const std::string name, attribute());
  if (cursor_.is_symbol("(")) return method(target, token, begin);
  return builder_.get(target, name, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::method(NodeId target, const Token& name, std::uint32_t begin) {
  const std::string_view word = cursor_.text(name);
  cursor_.take();  // the parenthesis
  TRY(std::vector<NodeId> arguments, expressions_until(")"));
  if (const Method* known = find_method(word)) {
    if (arguments.size() != known->arguments) {
      return fail(cursor_.error(
          name.range,
          fmt::format("call to `{}` requires exactly {} argument{}, but got {}", word,
                      known->arguments, known->arguments == 1 ? "" : "s", arguments.size())));
    }
    if (arguments.empty()) return builder_.unary(known->op, target, cursor_.since(begin));
    return builder_.binary(known->op, target, arguments[0], cursor_.since(begin));
  }
  const Signature* signature = find_signature(word);
  if (signature == nullptr) {
    return fail(cursor_.error(name.range, fmt::format("`{}` is not a valid method", word)));
  }
  if (signature->style == CallStyle::kFunction) {
    return fail(cursor_.error(
        name.range,
        fmt::format("`{}` is a function, not a method: use a function-style call `{}(..)`", word,
                    word)));
  }
  arguments.insert(arguments.begin(), target);
  return builder_.call(signature->function, arguments, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::index(NodeId target, std::uint32_t begin) {
  cursor_.take();
  if (cursor_.peek().kind != TokenKind::kString) {
    return fail(cursor_.unexpected("a string literal, as in `[\"name\"]`"));
  }
  TRY(const std::string name, cursor_.string(cursor_.take()));
  TRY_VOID(cursor_.expect_symbol("]"));
  return builder_.get(target, name, cursor_.since(begin));
}

Result<std::vector<NodeId>> ExpressionParser::expressions_until(std::string_view close) {
  std::vector<NodeId> items;
  while (!cursor_.accept_symbol(close)) {
    TRY(const NodeId item, expression());
    items.push_back(item);
    if (!cursor_.accept_symbol(",") && !cursor_.is_symbol(close)) {
      return fail(cursor_.unexpected(fmt::format("`,` or `{}`", close)));
    }
  }
  return items;
}

Result<NodeId> ExpressionParser::primary() {
  const Token& token = cursor_.peek();
  switch (token.kind) {
    case TokenKind::kNumber:
      return number(false);
    case TokenKind::kString: {
      TRY(const std::string text, cursor_.string(cursor_.take()));
      return builder_.text(text, token.range);
    }
    case TokenKind::kSlot:
      return fail(
          cursor_.error(token.range, fmt::format("found template slot {} in a condition: slots are "
                                                 "allowed in the scope only",
                                                 cursor_.text(token))));
    case TokenKind::kIdentifier:
      return named();
    default:
      break;
  }
  if (cursor_.accept_symbol("(")) {
    TRY(const NodeId inside, expression());
    TRY_VOID(cursor_.expect_symbol(")"));
    return inside;
  }
  if (cursor_.is_symbol("[")) return set();
  if (cursor_.is_symbol("{")) return record();
  return fail(cursor_.unexpected("an expression"));
}

Result<std::string> ExpressionParser::name() {
  std::string result;
  while (true) {
    const Token& token = cursor_.peek();
    if (token.kind != TokenKind::kIdentifier) return fail(cursor_.unexpected("a type name"));
    const std::string_view word = cursor_.text(token);
    if (is_reserved(word)) {
      return fail(cursor_.error(
          token.range, fmt::format("this identifier is reserved and cannot be used: `{}`", word)));
    }
    result += word;
    cursor_.take();
    if (!cursor_.is_symbol("::") || cursor_.peek(1).kind == TokenKind::kString) return result;
    cursor_.take();
    result += "::";
  }
}

Result<const Uid*> ExpressionParser::entity() {
  TRY(const std::string type, name());
  TRY_VOID(cursor_.expect_symbol("::"));
  TRY(const std::string id, cursor_.string(cursor_.take()));
  return builder_.pool().uid(type, id);
}

// A variable, a literal, an entity or the call of a function: what starts with an identifier.
Result<NodeId> ExpressionParser::named() {
  const Token token = cursor_.peek();
  const std::string_view word = cursor_.text(token);
  if (word == "true" || word == "false") {
    cursor_.take();
    return builder_.literal(Value::of(word == "true"), token.range);
  }
  const std::uint32_t begin = token.range.begin;
  if (!cursor_.is_symbol("::", 1)) {
    if (const std::optional<Variable> variable = find_variable(word)) {
      cursor_.take();
      if (cursor_.is_symbol("(")) {
        return fail(
            cursor_.error(token.range, fmt::format("`{}` is a variable, not a function", word)));
      }
      return builder_.variable(*variable, token.range);
    }
  }
  if (word == "if") return fail(cursor_.unexpected("an operand; put `if` in parentheses"));
  TRY(const std::string path, name());
  if (cursor_.is_symbol("::")) {
    cursor_.take();
    if (cursor_.peek().kind != TokenKind::kString) return fail(cursor_.unexpected("an entity id"));
    TRY(const std::string id, cursor_.string(cursor_.take()));
    return builder_.literal(Value::of(builder_.pool().uid(path, id)), cursor_.since(begin));
  }
  const Range range = cursor_.since(begin);
  if (cursor_.is_symbol("(")) return function_call(path, range, begin);
  return fail(cursor_.error(
      range,
      fmt::format("invalid variable `{}`: the valid Cedar variables are `principal`, "
                  "`action`, `resource` and `context`; did you mean to put quotes around it?",
                  path)));
}

Result<NodeId> ExpressionParser::function_call(std::string_view name, Range range,
                                               std::uint32_t begin) {
  cursor_.take();
  TRY(const std::vector<NodeId> arguments, expressions_until(")"));
  const Signature* signature = find_signature(name);
  if (find_method(name) != nullptr ||
      (signature != nullptr && signature->style == CallStyle::kMethod)) {
    return fail(cursor_.error(
        range, fmt::format("`{}` is a method, not a function: use a method-style call `e.{}(..)`",
                           name, name)));
  }
  if (signature == nullptr) {
    return fail(cursor_.error(range, fmt::format("`{}` is not a valid function", name)));
  }
  return builder_.call(signature->function, arguments, cursor_.since(begin));
}

Result<NodeId> ExpressionParser::set() {
  const std::uint32_t begin = cursor_.take().range.begin;
  TRY(const std::vector<NodeId> items, expressions_until("]"));
  return builder_.set(items, cursor_.since(begin));
}

Result<std::string> ExpressionParser::record_key() {
  if (cursor_.peek().kind == TokenKind::kString) return cursor_.string(cursor_.take());
  return attribute();
}

Result<NodeId> ExpressionParser::record() {
  const std::uint32_t begin = cursor_.take().range.begin;
  std::vector<std::string> names;
  std::vector<NodeId> items;
  std::set<std::string, std::less<>> seen;
  while (!cursor_.accept_symbol("}")) {
    const Range at = cursor_.peek().range;
    TRY(std::string name, record_key());
    if (!seen.insert(name).second) {
      return fail(cursor_.error(at, fmt::format("duplicate key `{}` in record literal", name)));
    }
    names.push_back(std::move(name));
    TRY_VOID(cursor_.expect_symbol(":"));
    TRY(const NodeId item, expression());
    items.push_back(item);
    if (!cursor_.accept_symbol(",") && !cursor_.is_symbol("}")) {
      return fail(cursor_.unexpected("`,` or `}`"));
    }
  }
  return builder_.record(names, items, cursor_.since(begin));
}

}  // namespace keyturn::cedar
