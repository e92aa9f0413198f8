#include "base/json_fast.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace keyturn {
namespace {

constexpr std::size_t kDigitsMax = 19;  // of an integer of 64 bits
// A fraction of at most so many characters, without exponent, is a finite double.
constexpr std::size_t kFractionMax = 64;
// Up to here comparing every pair of keys is faster than sorting them.
constexpr std::size_t kPairsMax = 8;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  Reader(std::string_view text, std::size_t depth_max)
      : at_(text.data()), end_(text.data() + text.size()), depth_left_(depth_max) {}

  bool run(Json& out) {
    skip_space();
    if (!value(out)) return false;
    skip_space();
    return at_ == end_;
  }

 private:
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size()) return false;
    if (std::string_view(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  // Recursion is as deep as the limit allows.
  bool value(Json& out) {
    switch (peek()) {
      case '"': {
        std::string text;
        if (!string(text)) return false;
        out = Json(std::move(text));
        return true;
      }
      case '{':
        return object(out);
      case '[':
        return array(out);
      case 't':
        out = Json(true);
        return word("true");
      case 'f':
        out = Json(false);
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(out);
    }
  }

  bool object(Json& out) {
    if (depth_left_ == 0) return false;
    --depth_left_;
    ++at_;
    const std::size_t start = members_.size();
    skip_space();
    while (!take('}')) {
      if (members_.size() > start) {
        if (!take(',')) return false;
        skip_space();
      }
      Json::Member member;
      if (peek() != '"' || !string(member.first)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!value(member.second)) return false;
      members_.push_back(std::move(member));
      skip_space();
    }
    const auto first = members_.begin() + static_cast<std::ptrdiff_t>(start);
    Json::Object members(std::make_move_iterator(first), std::make_move_iterator(members_.end()));
    members_.resize(start);
    ++depth_left_;
    if (has_duplicate(members)) return false;
    out = Json(std::move(members));
    return true;
  }

  bool array(Json& out) {
    if (depth_left_ == 0) return false;
    --depth_left_;
    ++at_;
    const std::size_t start = items_.size();
    skip_space();
    while (!take(']')) {
      if (items_.size() > start) {
        if (!take(',')) return false;
        skip_space();
      }
      Json item;
      if (!value(item)) return false;
      items_.push_back(std::move(item));
      skip_space();
    }
    const auto first = items_.begin() + static_cast<std::ptrdiff_t>(start);
    Json::Array items(std::make_move_iterator(first), std::make_move_iterator(items_.end()));
    items_.resize(start);
    ++depth_left_;
    out = Json(std::move(items));
    return true;
  }

  static bool has_duplicate(const Json::Object& members) {
    if (members.size() > kPairsMax) {
      std::vector<std::string_view> keys;
      keys.reserve(members.size());
      for (const Json::Member& member : members) keys.push_back(member.first);
      std::sort(keys.begin(), keys.end());
      return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
    }
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].first == members[j].first) return true;
      }
    }
    return false;
  }

  // What needs no escape goes in runs; `text` is empty.
  bool string(std::string& text) {
    ++at_;
    while (true) {
      const char* const run = at_;
      unsigned char seen = 0;
      while (at_ < end_ && *at_ != '"' && *at_ != '\\' &&
             static_cast<unsigned char>(*at_) >= 0x20U) {
        seen |= static_cast<unsigned char>(*at_);
        ++at_;
      }
      const std::string_view plain(run, static_cast<std::size_t>(at_ - run));
      if (seen >= 0x80U && !is_valid_utf8(plain)) return false;
      text.append(plain);
      if (take('"')) return true;
      if (!take('\\') || !escape(text)) return false;
    }
  }

  bool escape(std::string& text) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    const std::size_t found = at_ < end_ ? kLetters.find(*at_) : std::string_view::npos;
    if (found == std::string_view::npos) return take('u') && code_unit(text);
    text += kMeaning[found];
    ++at_;
    return true;
  }

  // After `\u`; halves of a pair are left to the careful reader.
  bool code_unit(std::string& text) {
    constexpr std::ptrdiff_t kHexDigits = 4;
    std::uint32_t code = 0;
    if (end_ - at_ < kHexDigits) return false;
    const auto [stop, error] = std::from_chars(at_, at_ + kHexDigits, code, 16);
    if (error != std::errc() || stop != at_ + kHexDigits) return false;
    if (code >= 0xD800U && code <= 0xDFFFU) return false;
    at_ = stop;
    if (code < 0x80U) {
      text += static_cast<char>(code);
    } else if (code < 0x800U) {
      text += static_cast<char>(0xC0U | code >> 6U);
      text += static_cast<char>(0x80U | (code & 0x3FU));
    } else {
      text += static_cast<char>(0xE0U | code >> 12U);
      text += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
      text += static_cast<char>(0x80U | (code & 0x3FU));
    }
    return true;
  }

  // No exponents, no integers beyond 64 bits.
  bool number(Json& out) {
    const char* const start = at_;
    take('-');
    const char* const digits = at_;
    while (is_digit(peek())) ++at_;
    const auto count = static_cast<std::size_t>(at_ - digits);
    if (count == 0 || count > kDigitsMax || (*digits == '0' && count > 1)) return false;
    if (peek() == '.') {
      const char* const fraction = ++at_;
      while (is_digit(peek())) ++at_;
      if (at_ == fraction || at_ - start > static_cast<std::ptrdiff_t>(kFractionMax)) return false;
      out = Json(Json::Number{std::string(start, at_)});
      return peek() != 'e' && peek() != 'E';
    }
    std::int64_t number = 0;
    if (std::from_chars(start, at_, number).ec != std::errc()) return false;
    if (number == 0 && *start == '-') return false;  // -0
    out = Json(number);
    return peek() != 'e' && peek() != 'E';
  }

  const char* at_;
  const char* const end_;
  std::size_t depth_left_;
  // Of all that is open, so that each array and object takes its room once.
  std::vector<Json::Member> members_;
  std::vector<Json> items_;
};

}  // namespace

std::optional<Json> parse_fast(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) return std::nullopt;
  std::optional<Json> out(std::in_place);
  if (!Reader(text, limits.depth_max).run(*out)) return std::nullopt;
  return out;
}

Result<Json> parse_strict(std::string_view text, const JsonLimits& limits) {
  if (std::optional<Json> json = parse_fast(text, limits)) return std::move(*json);
  return parse_careful(text, limits);
}

}  // namespace keyturn
