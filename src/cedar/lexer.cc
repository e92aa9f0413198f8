#include "cedar/lexer.h"

#include <algorithm>
#include <array>

#include "cedar/escape.h"

namespace keyturn::cedar {
namespace {

// Unicode's White_Space beyond ASCII.
bool is_wide_space(char32_t code) {
  return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
         code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_identifier(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Lexer {
 public:
  Lexer(std::string_view source, Grammar grammar) : source_(source), grammar_(grammar) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    tokens.reserve(source_.size() / 4);  // about what policies have
    while (skip_space(), at_ < source_.size()) {
      const std::size_t begin = at_;
      TRY(const TokenKind kind, next());
      tokens.push_back(Token{kind, range_from(begin)});
    }
    tokens.push_back(Token{TokenKind::kEnd, range_from(source_.size())});
    return tokens;
  }

 private:
  Range range_from(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_)};
  }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void skip_space() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || (c >= '\t' && c <= '\r')) {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        at_ = std::min(source_.find_first_of("\r\n", at_), source_.size());
      } else if (static_cast<unsigned char>(c) >= 0x80) {
        std::size_t after = at_;
        if (!is_wide_space(next_code(source_, after))) return;
        at_ = after;
      } else {
        return;
      }
    }
  }

  Result<TokenKind> next() {
    const char c = source_[at_];
    if (starts_identifier(c)) {
      skip_identifier();
      return TokenKind::kIdentifier;
    }
    if (is_digit(c)) {
      while (is_digit(peek())) ++at_;
      return TokenKind::kNumber;
    }
    if (c == '"') return string();
    if (c == '?' && grammar_ == Grammar::kPolicy && starts_identifier(peek(1))) {
      ++at_;
      skip_identifier();
      return TokenKind::kSlot;
    }
    return symbol();
  }

  void skip_identifier() {
    while (starts_identifier(peek()) || is_digit(peek())) ++at_;
  }

  Result<TokenKind> string() {
    const std::size_t begin = at_++;
    while (at_ < source_.size() && source_[at_] != '"') {
      if (source_[at_] == '\\') {
        ++at_;
        if (peek() == '\n' || at_ >= source_.size()) break;
        next_code(source_, at_);
      } else {
        ++at_;
      }
    }
    if (peek() != '"' || at_ >= source_.size()) {
      at_ = begin + 1;
      return fail(error_at(source_, range_from(begin),
                           "invalid token: this string is not closed, or a backslash ends a line"));
    }
    ++at_;
    return TokenKind::kString;
  }

  Result<TokenKind> symbol() {
    static constexpr std::array<std::string_view, 7> kPairs = {
        "::", "==", "!=", "<=", ">=", "||", "&&"};
    static constexpr std::string_view kSingles = "@.,;:(){}[]<>+-*/%!=";
    const std::string_view pair = source_.substr(at_, 2);
    if (std::find(kPairs.begin(), kPairs.end(), pair) != kPairs.end()) {
      at_ += 2;
      return TokenKind::kSymbol;
    }
    const char c = source_[at_];
    if (kSingles.find(c) != std::string_view::npos || (c == '?' && grammar_ == Grammar::kSchema)) {
      ++at_;
      return TokenKind::kSymbol;
    }
    const std::size_t begin = at_;
    next_code(source_, at_);
    return fail(error_at(source_, range_from(begin),
                         c == '\''
                             ? "invalid token: strings must use double quotes, not single quotes"
                             : "invalid token"));
  }

  std::string_view source_;
  Grammar grammar_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view source, Grammar grammar) {
  return Lexer(source, grammar).run();
}

}  // namespace keyturn::cedar
