// Cedar's string literals: escapes, `like` patterns, identifiers. Pure functions over valid UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::cedar {

// Where and why an escape is wrong; offsets are into the literal's inside.
struct EscapeError {
  std::size_t at = 0;
  std::size_t size = 0;
};

// The text between the quotes with its escapes resolved, or the first error.
std::optional<EscapeError> unescape(std::string_view literal, std::string& out);

// A pattern is text in which kWildcard stands for any run of characters.
using Pattern = std::u32string;
inline constexpr char32_t kWildcard = 0xffffffffU;  // no code point
std::optional<EscapeError> unescape_pattern(std::string_view literal, Pattern& out);
// The literal's inside that reads back as `pattern`.
std::string escape_pattern(std::u32string_view pattern);

// As Rust's escape_debug for str, without the quotes: what Cedar prints in literals.
std::string escape_text(std::string_view text);

void append_utf8(std::string& out, char32_t code);
// One code point of valid UTF-8; moves `at`.
char32_t next_code(std::string_view text, std::size_t& at);

// [_a-zA-Z][_a-zA-Z0-9]*, reserved words included.
bool is_identifier(std::string_view text);
// if then else in is has like true false __cedar
bool is_reserved(std::string_view word);
// Identifiers joined by `::`, none of them reserved.
bool is_name(std::string_view text);

}  // namespace keyturn::cedar
