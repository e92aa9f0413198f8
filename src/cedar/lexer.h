// Cedar's tokens, for policies and for schemas. The input is checked UTF-8.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/source.h"

namespace keyturn::cedar {

enum class TokenKind : std::uint8_t {
  kIdentifier,  // reserved words too
  kNumber,
  kString,  // with its quotes
  kSlot,    // ?name
  kSymbol,  // one of @ . , ; : :: ( ) { } [ ] == != < <= >= > || && + - * / % ! = ?
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Range range;
};

enum class Grammar { kPolicy, kSchema };

// Ends with a kEnd token. In a schema `?` is a symbol and there are no slots.
Result<std::vector<Token>> lex(std::string_view source, Grammar grammar);

}  // namespace keyturn::cedar
