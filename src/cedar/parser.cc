#include "cedar/parser.h"

#include <algorithm>
#include <set>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

class PolicyParser {
 public:
  PolicyParser(Cursor& cursor, std::shared_ptr<Pool> pool,
               std::shared_ptr<const std::string> source)
      : cursor_(cursor), pool_(std::move(pool)), source_(std::move(source)) {}

  Result<std::shared_ptr<const Body>> policy() {
    auto body = std::make_shared<Body>();
    body->pool = pool_;
    body->source = source_;
    const std::uint32_t begin = cursor_.peek().range.begin;
    TRY_VOID(notes(*body));
    TRY_VOID(effect(*body));
    Builder builder(body->nodes, *pool_, *source_);
    TRY_VOID(scopes(*body, builder));
    while (cursor_.peek().kind == TokenKind::kIdentifier) {
      TRY(const Clause clause, this->clause(builder));
      body->clauses.push_back(clause);
    }
    if (!cursor_.is_symbol(";")) return fail(cursor_.unexpected("`when`, `unless` or `;`"));
    cursor_.take();
    body->range = cursor_.since(begin);
    body->nodes.nodes.shrink_to_fit();
    body->nodes.children.shrink_to_fit();
    return body;
  }

 private:
  Result<std::monostate> notes(Body& body) {
    std::set<std::string, std::less<>> seen;
    while (cursor_.is_symbol("@")) {
      const std::uint32_t begin = cursor_.take().range.begin;
      if (cursor_.peek().kind != TokenKind::kIdentifier) {
        return fail(cursor_.unexpected("an annotation key"));
      }
      Note note;
      note.key = cursor_.text(cursor_.take());
      note.has_value = false;
      if (cursor_.accept_symbol("(")) {
        if (cursor_.peek().kind != TokenKind::kString) {
          return fail(cursor_.unexpected("a string literal"));
        }
        TRY(note.value, cursor_.string(cursor_.take()));
        note.has_value = true;
        TRY_VOID(cursor_.expect_symbol(")"));
      }
      if (!seen.insert(note.key).second) {
        return fail(cursor_.error(cursor_.since(begin),
                                  fmt::format("duplicate annotation: @{}", note.key)));
      }
      body.notes.push_back(std::move(note));
    }
    return std::monostate();
  }

  Result<std::monostate> effect(Body& body) {
    if (!cursor_.is_word("permit") && !cursor_.is_word("forbid")) {
      return fail(cursor_.unexpected("`permit`, `forbid` or an annotation"));
    }
    body.effect = cursor_.text(cursor_.take()) == "permit" ? Effect::kPermit : Effect::kForbid;
    return std::monostate();
  }

  Result<std::monostate> scopes(Body& body, Builder& builder) {
    TRY_VOID(cursor_.expect_symbol("("));
    TRY(body.principal, scope(Variable::kPrincipal, builder));
    TRY_VOID(comma(Variable::kAction));
    TRY(body.action, scope(Variable::kAction, builder));
    TRY_VOID(comma(Variable::kResource));
    TRY(body.resource, scope(Variable::kResource, builder));
    cursor_.accept_symbol(",");
    if (!cursor_.is_symbol(")")) return fail(cursor_.unexpected("`)`"));
    cursor_.take();
    return std::monostate();
  }

  Result<std::monostate> comma(Variable next) {
    if (cursor_.is_symbol(")")) {
      return fail(cursor_.error(
          cursor_.peek().range,
          fmt::format("this policy is missing the `{}` variable in the scope", to_string(next))));
    }
    if (!cursor_.is_symbol(",")) return fail(cursor_.unexpected("`,`"));
    cursor_.take();
    return std::monostate();
  }

  Result<Scope> scope(Variable variable, Builder& builder) {
    const Token& token = cursor_.peek();
    if (cursor_.is_symbol(")")) {
      return fail(cursor_.error(token.range,
                                fmt::format("this policy is missing the `{}` variable in the scope",
                                            to_string(variable))));
    }
    if (token.kind != TokenKind::kIdentifier || cursor_.text(token) != to_string(variable)) {
      return fail(
          cursor_.error(token.range, fmt::format("found `{}` where the variable `{}` must be used",
                                                 cursor_.text(token), to_string(variable))));
    }
    cursor_.take();
    if (cursor_.is_symbol(":")) {
      return fail(cursor_.error(cursor_.peek().range,
                                "type constraints using `:` are not supported: try using `is`"));
    }
    Result<Scope> result =
        variable == Variable::kAction ? action_constraint(builder) : constraint(variable, builder);
    if (result) result->range = cursor_.since(token.range.begin);
    return result;
  }

  Result<Scope> constraint(Variable variable, Builder& builder) {
    Scope scope;
    ExpressionParser expressions(cursor_, builder);
    if (cursor_.accept_word("is")) {
      TRY(const std::string type, expressions.name());
      scope.kind = ScopeKind::kIs;
      scope.type = pool_->text(type);
    }
    if (cursor_.is_symbol("==") && scope.kind == ScopeKind::kIs) {
      return fail(cursor_.error(cursor_.peek().range, "`is` cannot be used together with `==`"));
    }
    if (cursor_.accept_symbol("==")) {
      scope.kind = ScopeKind::kEqual;
    } else if (cursor_.accept_word("in")) {
      scope.kind = scope.kind == ScopeKind::kIs ? ScopeKind::kIsIn : ScopeKind::kIn;
    } else {
      if (!cursor_.is_symbol(",") && !cursor_.is_symbol(")")) {
        return fail(cursor_.unexpected("`==`, `in`, `is`, `,` or `)`"));
      }
      return scope;
    }
    TRY_VOID(reference(variable, scope, expressions));
    return scope;
  }

  // An entity or the slot of the variable, in any number of parentheses.
  Result<std::monostate> reference(Variable variable, Scope& scope, ExpressionParser& expressions) {
    TRY(const unsigned open, parentheses());
    const Token& token = cursor_.peek();
    if (token.kind == TokenKind::kSlot) {
      if (cursor_.text(token).substr(1) != to_string(variable)) {
        return fail(
            cursor_.error(token.range, fmt::format("expected an entity uid or the slot "
                                                   "`?{}`, found `{}`",
                                                   to_string(variable), cursor_.text(token))));
      }
      cursor_.take();
      scope.slot = variable == Variable::kPrincipal ? Slot::kPrincipal : Slot::kResource;
    } else if (cursor_.is_symbol("[")) {
      return fail(cursor_.error(
          token.range, "expected single entity uid or template slot, found set of entity uids"));
    } else {
      TRY(scope.uid, expressions.entity());
    }
    return close(open);
  }

  Result<unsigned> parentheses() {
    unsigned open = 0;
    while (cursor_.accept_symbol("(")) {
      if (++open > kDepthMax) return fail(cursor_.error(cursor_.peek().range, "too many `(`"));
    }
    return open;
  }
  Result<std::monostate> close(unsigned open) {
    for (; open > 0; --open) TRY_VOID(cursor_.expect_symbol(")"));
    return std::monostate();
  }

  Result<Scope> action_constraint(Builder& builder) {
    Scope scope;
    ExpressionParser expressions(cursor_, builder);
    if (cursor_.is_word("is")) {
      return fail(cursor_.error(cursor_.peek().range, "`is` cannot appear in the action scope"));
    }
    if (cursor_.accept_symbol("==")) {
      scope.kind = ScopeKind::kEqual;
    } else if (cursor_.accept_word("in")) {
      scope.kind = ScopeKind::kIn;
    } else {
      if (!cursor_.is_symbol(",") && !cursor_.is_symbol(")")) {
        return fail(cursor_.unexpected("`==`, `in`, `,` or `)`"));
      }
      return scope;
    }
    TRY(const unsigned open, parentheses());
    if (scope.kind == ScopeKind::kIn && cursor_.accept_symbol("[")) {
      scope.is_list = true;
      while (!cursor_.accept_symbol("]")) {
        TRY(const unsigned inner, parentheses());
        TRY_VOID(action(scope, expressions));
        TRY_VOID(close(inner));
        if (!cursor_.accept_symbol(",") && !cursor_.is_symbol("]")) {
          return fail(cursor_.unexpected("`,` or `]`"));
        }
      }
    } else {
      TRY_VOID(action(scope, expressions));
    }
    TRY_VOID(close(open));
    return scope;
  }

  Result<std::monostate> action(Scope& scope, ExpressionParser& expressions) {
    const std::uint32_t begin = cursor_.peek().range.begin;
    if (cursor_.peek().kind == TokenKind::kSlot) {
      return fail(cursor_.unexpected("an entity uid: slots are not allowed for the action"));
    }
    TRY(const Uid* uid, expressions.entity());
    const std::string_view type = uid->type->view();
    if (type != "Action" && !type.ends_with("::Action")) {
      return fail(cursor_.error(
          cursor_.since(begin),
          fmt::format("expected an entity uid with type `Action` but got `{}`", to_text(*uid))));
    }
    scope.uids.push_back(uid);
    return std::monostate();
  }

  Result<Clause> clause(Builder& builder) {
    const std::uint32_t begin = cursor_.peek().range.begin;
    Clause clause;
    if (!cursor_.is_word("when") && !cursor_.is_word("unless")) {
      return fail(cursor_.unexpected("`when`, `unless` or `;`"));
    }
    clause.is_when = cursor_.text(cursor_.take()) == "when";
    TRY_VOID(cursor_.expect_symbol("{"));
    if (cursor_.is_symbol("}")) {
      return fail(
          cursor_.error(cursor_.since(begin), fmt::format("`{}` condition clause cannot be empty",
                                                          clause.is_when ? "when" : "unless")));
    }
    ExpressionParser expressions(cursor_, builder);
    TRY(clause.root, expressions.expression());
    TRY_VOID(cursor_.expect_symbol("}"));
    clause.range = cursor_.since(begin);
    return clause;
  }

  Cursor& cursor_;
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<const std::string> source_;
};

}  // namespace

bool Cursor::accept_symbol(std::string_view symbol) {
  if (!is_symbol(symbol)) return false;
  take();
  return true;
}

bool Cursor::accept_word(std::string_view word) {
  if (!is_word(word)) return false;
  take();
  return true;
}

Result<std::monostate> Cursor::expect_symbol(std::string_view symbol) {
  if (accept_symbol(symbol)) return std::monostate();
  return fail(unexpected(fmt::format("`{}`", symbol)));
}

Error Cursor::unexpected(std::string_view expected) const {
  const Token& token = peek();
  if (token.kind == TokenKind::kEnd) {
    return error(token.range, fmt::format("unexpected end of input, expected {}", expected));
  }
  constexpr std::size_t kShownMax = 60;  // of the token, in the message
  return error(token.range, fmt::format("unexpected token `{}`, expected {}",
                                        text(token).substr(0, kShownMax), expected));
}

Result<std::string> Cursor::string(const Token& token) const {
  if (token.kind != TokenKind::kString)
    return fail(error(token.range, "expected a string literal"));
  const std::string_view literal = text(token);
  std::string out;
  if (const auto wrong = unescape(literal.substr(1, literal.size() - 2), out)) {
    const auto at = static_cast<std::uint32_t>(token.range.begin + 1 + wrong->at);
    return fail(error({at, at + static_cast<std::uint32_t>(wrong->size)},
                      fmt::format("the input `{}` is not a valid escape",
                                  literal.substr(1 + wrong->at, wrong->size))));
  }
  return out;
}

Result<std::vector<std::shared_ptr<const Body>>> parse_policies(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const std::vector<Token> tokens, lex(text, Grammar::kPolicy));
  auto source = std::make_shared<const std::string>(text);
  auto pool = std::make_shared<Pool>();
  Cursor cursor(*source, tokens);
  PolicyParser parser(cursor, pool, source);
  std::vector<std::shared_ptr<const Body>> bodies;
  while (cursor.peek().kind != TokenKind::kEnd) {
    TRY(std::shared_ptr<const Body> body, parser.policy());
    bodies.push_back(std::move(body));
  }
  return bodies;
}

Result<std::shared_ptr<const Body>> parse_expression(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const std::vector<Token> tokens, lex(text, Grammar::kPolicy));
  auto body = std::make_shared<Body>();
  body->source = std::make_shared<const std::string>(text);
  body->pool = std::make_shared<Pool>();
  Cursor cursor(*body->source, tokens);
  Builder builder(body->nodes, *body->pool, *body->source);
  ExpressionParser parser(cursor, builder);
  Clause clause;
  TRY(clause.root, parser.expression());
  if (cursor.peek().kind != TokenKind::kEnd) return fail(cursor.unexpected("end of input"));
  body->clauses.push_back(clause);
  return body;
}

Result<EntityUid> EntityUid::parse(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const std::vector<Token> tokens, lex(text, Grammar::kPolicy));
  Nodes nodes;
  Pool pool;
  const std::string source(text);
  Cursor cursor(source, tokens);
  Builder builder(nodes, pool, source);
  TRY(const Uid* uid, ExpressionParser(cursor, builder).entity());
  if (cursor.peek().kind != TokenKind::kEnd) return fail(cursor.unexpected("end of input"));
  return EntityUid{std::string(uid->type->view()), std::string(uid->id->view())};
}

}  // namespace keyturn::cedar
