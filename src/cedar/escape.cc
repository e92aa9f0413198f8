#include "cedar/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cedar/value.h"

namespace keyturn::cedar {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_scalar(std::uint32_t code) { return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff); }

// `\u{…}`: one to six hex digits, underscores allowed but not first. `at` is behind `\u`.
std::optional<char32_t> braced_code(std::string_view text, std::size_t& at) {
  constexpr int kDigitsMax = 6;
  if (at >= text.size() || text[at] != '{') return std::nullopt;
  ++at;
  std::uint32_t code = 0;
  int digits = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '}') {
      ++at;
      if (digits == 0 || digits > kDigitsMax || !is_scalar(code)) return std::nullopt;
      return static_cast<char32_t>(code);
    }
    if (c == '_' && digits > 0) continue;
    const int value = hex_digit(c);
    if (value < 0) return std::nullopt;
    if (++digits <= kDigitsMax) code = code * 16 + static_cast<std::uint32_t>(value);
  }
  return std::nullopt;
}

// `at` is behind the backslash and the letter.
std::optional<char32_t> escaped_code(char letter, std::string_view text, std::size_t& at) {
  switch (letter) {
    case 'n':
      return U'\n';
    case 'r':
      return U'\r';
    case 't':
      return U'\t';
    case '\\':
      return U'\\';
    case '0':
      return U'\0';
    case '\'':
      return U'\'';
    case '"':
      return U'"';
    case 'u':
      return braced_code(text, at);
    case 'x': {
      if (at + 2 > text.size()) return std::nullopt;
      const int high = hex_digit(text[at]);
      const int low = hex_digit(text[at + 1]);
      at += 2;
      if (high < 0 || high > 7 || low < 0) return std::nullopt;
      return static_cast<char32_t>(high * 16 + low);
    }
    default:
      return std::nullopt;
  }
}

enum class Star { kLiteral, kWildcard };

std::optional<EscapeError> resolve(std::string_view literal, Star star, std::u32string& out) {
  std::size_t at = 0;
  while (at < literal.size()) {
    const std::size_t start = at;
    const char32_t code = next_code(literal, at);
    if (code == U'\r') return EscapeError{start, 1};
    if (code == U'*' && star == Star::kWildcard) {
      out.push_back(kWildcard);
      continue;
    }
    if (code != U'\\') {
      out.push_back(code);
      continue;
    }
    if (at >= literal.size()) return EscapeError{start, 1};
    const char letter = literal[at++];
    if (letter == '*' && star == Star::kWildcard) {
      out.push_back(U'*');
      continue;
    }
    const std::optional<char32_t> escaped = escaped_code(letter, literal, at);
    if (!escaped) return EscapeError{start, std::min(at, literal.size()) - start};
    out.push_back(*escaped);
  }
  return std::nullopt;
}

// Rust's escape_debug also escapes unprintable characters; these ranges are the common ones, and
// reading them back gives the same text whichever way they were written.
bool is_unprintable(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xe000 && code <= 0xf8ff) || (code >= 0xfff0 && code <= 0xfffb) ||
         code >= 0xe0000;
}

void append_escaped(std::string& out, char32_t code) {
  switch (code) {
    case U'\0':
      out += "\\0";
      return;
    case U'\t':
      out += "\\t";
      return;
    case U'\r':
      out += "\\r";
      return;
    case U'\n':
      out += "\\n";
      return;
    case U'\'':
      out += "\\'";
      return;
    case U'"':
      out += "\\\"";
      return;
    case U'\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  if (is_unprintable(code)) {
    out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(code));
  } else {
    append_utf8(out, code);
  }
}

}  // namespace

char32_t next_code(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(at);
  if (first < 0x80) {
    at += 1;
    return first;
  }
  const unsigned second = byte(at + 1) & 0x3fU;
  if (first < 0xe0) {
    at += 2;
    return (first & 0x1fU) << 6U | second;
  }
  const unsigned third = byte(at + 2) & 0x3fU;
  if (first < 0xf0) {
    at += 3;
    return (first & 0x0fU) << 12U | second << 6U | third;
  }
  const unsigned fourth = byte(at + 3) & 0x3fU;
  at += 4;
  return (first & 0x07U) << 18U | second << 12U | third << 6U | fourth;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | code >> 6U);
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3fU));
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

std::optional<EscapeError> unescape(std::string_view literal, std::string& out) {
  if (literal.find_first_of("\\\r") == std::string_view::npos) {
    out = literal;
    return std::nullopt;
  }
  std::u32string codes;
  if (const auto error = resolve(literal, Star::kLiteral, codes)) return error;
  out.clear();
  for (const char32_t code : codes) append_utf8(out, code);
  return std::nullopt;
}

std::optional<EscapeError> unescape_pattern(std::string_view literal, Pattern& out) {
  out.clear();
  return resolve(literal, Star::kWildcard, out);
}

std::string escape_pattern(std::u32string_view pattern) {
  std::string out;
  for (const char32_t code : pattern) {
    if (code == kWildcard) {
      out += '*';
    } else if (code == U'*') {
      out += "\\*";
    } else {
      append_escaped(out, code);
    }
  }
  return out;
}

std::string escape_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) append_escaped(out, next_code(text, at));
  return out;
}

std::string quote(std::string_view text) { return '"' + escape_text(text) + '"'; }

bool is_identifier(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

bool is_reserved(std::string_view word) {
  static constexpr std::array<std::string_view, 10> kReserved = {
      "if", "then", "else", "in", "is", "has", "like", "true", "false", "__cedar"};
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool is_name(std::string_view text) {
  while (true) {
    const std::size_t colon = text.find("::");
    const std::string_view part = text.substr(0, colon);
    if (!is_identifier(part) || is_reserved(part)) return false;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 2);
  }
}

}  // namespace keyturn::cedar
