// Reads policy text into bodies. The grammar is Cedar 4.12's; positions are byte offsets into the
// source.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/lexer.h"

namespace keyturn::cedar {

// Every policy and template of the text, in order.
Result<std::vector<std::shared_ptr<const Body>>> parse_policies(std::string_view text);
// One expression, for tests and for reading JSON schemas' examples.
Result<std::shared_ptr<const Body>> parse_expression(std::string_view text);

// A cursor over tokens: what the policy and the schema parsers share.
class Cursor {
 public:
  Cursor(std::string_view source, std::span<const Token> tokens)
      : source_(source), tokens_(tokens) {}

  std::string_view source() const { return source_; }
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  std::string_view text(const Token& token) const {
    return source_.substr(token.range.begin, token.range.end - token.range.begin);
  }
  std::string_view peek_text(std::size_t ahead = 0) const { return text(peek(ahead)); }
  const Token& take() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool is_symbol(std::string_view symbol, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek_text(ahead) == symbol;
  }
  bool is_word(std::string_view word, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kIdentifier && peek_text(ahead) == word;
  }
  bool accept_symbol(std::string_view symbol);
  bool accept_word(std::string_view word);
  Result<std::monostate> expect_symbol(std::string_view symbol);
  // From `begin` to the end of the last taken token.
  Range since(std::uint32_t begin) const {
    return {begin, at_ == 0 ? begin : tokens_[at_ - 1].range.end};
  }

  Error error(Range range, std::string_view message) const {
    return error_at(source_, range, message);
  }
  // "unexpected token `x`, expected …"
  Error unexpected(std::string_view expected) const;
  // The token's string literal without quotes, escapes resolved.
  Result<std::string> string(const Token& token) const;

 private:
  std::string_view source_;
  std::span<const Token> tokens_;
  std::size_t at_ = 0;
};

// The expression grammar; the scope parser calls it for conditions.
class ExpressionParser {
 public:
  ExpressionParser(Cursor& cursor, Builder& builder) : cursor_(cursor), builder_(builder) {}
  Result<NodeId> expression();
  // `a::b`, none of the words reserved.
  Result<std::string> name();
  Result<const Uid*> entity();

 private:
  Result<NodeId> disjunction();
  Result<NodeId> conjunction();
  Result<NodeId> relation();
  Result<NodeId> has(NodeId target, std::uint32_t begin);
  Result<NodeId> like(NodeId target, std::uint32_t begin);
  Result<NodeId> is(NodeId target, std::uint32_t begin);
  Result<NodeId> sum();
  Result<NodeId> product();
  Result<NodeId> negation();
  Result<NodeId> negated(Op op, int count, std::uint32_t begin);
  Result<NodeId> member();
  Result<NodeId> access(NodeId target, std::uint32_t begin);
  Result<NodeId> method(NodeId target, const Token& name, std::uint32_t begin);
  Result<NodeId> index(NodeId target, std::uint32_t begin);
  Result<NodeId> primary();
  Result<NodeId> named();
  Result<NodeId> function_call(std::string_view name, Range range, std::uint32_t begin);
  Result<NodeId> number(bool negative);
  Result<NodeId> set();
  Result<NodeId> record();
  Result<std::string> record_key();
  Result<std::vector<NodeId>> expressions_until(std::string_view close);
  Result<std::string> attribute();

  Cursor& cursor_;
  Builder& builder_;
  unsigned depth_ = 0;
};

}  // namespace keyturn::cedar
