#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/bytes.h"
#include "base/json.h"

namespace keyturn {
namespace {

enum class Style { kCompact, kPretty, kCanonical };

// RFC 8785's order of keys, by UTF-16 code units, on valid UTF-8. That is the order of the bytes,
// except that U+10000 and above, being surrogates, come before U+E000 to U+FFFF.
bool comes_before(std::string_view a, std::string_view b) {
  const std::size_t both = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < both; ++i) {
    const auto x = static_cast<unsigned char>(a[i]);
    const auto y = static_cast<unsigned char>(b[i]);
    if (x == y) continue;
    constexpr unsigned char kPrivateUse = 0xEEU;  // leads U+E000 and on
    constexpr unsigned char kSurrogates = 0xF0U;  // leads U+10000 and on
    if (x >= kPrivateUse && y >= kPrivateUse && (x >= kSurrogates) != (y >= kSurrogates)) {
      return x >= kSurrogates;
    }
    return x < y;
  }
  return a.size() < b.size();
}

// ECMA-262 Number::toString over the shortest digits that read back as the same double.
std::string ecmascript_number(double value) {
  if (value == 0) return "0";
  char buffer[32];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific);
  CHECK(error == std::errc());
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  const std::size_t sign = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + sign, text.data() + text.size(), exponent);
  const int point = exponent + 1;  // digits before the decimal point
  const int count = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (point >= count && point <= 21) {
    out += digits + std::string(static_cast<std::size_t>(point - count), '0');
  } else if (point > 0 && point <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(point)) + "." +
           digits.substr(static_cast<std::size_t>(point));
  } else if (point > -6 && point <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  } else {
    out += digits.substr(0, 1);
    if (count > 1) out += "." + digits.substr(1);
    out += fmt::format("e{}{}", exponent < 0 ? "-" : "+", std::abs(exponent));
  }
  return out;
}

class Writer {
 public:
  explicit Writer(Style style) : style_(style) {}
  std::string take() { return std::move(out_); }

  void write(const Json& value) {
    if (value.is_null()) out_ += "null";
    if (const bool* flag = value.if_bool()) out_ += *flag ? "true" : "false";
    if (const std::int64_t* integer = value.if_integer()) out_ += std::to_string(*integer);
    if (const Json::Number* number = value.if_number()) write_number(*number);
    if (const std::string* text = value.if_string()) append_json_string(out_, *text);
    if (const Json::Array* items = value.if_array()) write_array(*items);
    if (const Json::Object* members = value.if_object()) write_object(*members);
  }

 private:
  void write_number(const Json::Number& number) {
    if (style_ != Style::kCanonical) {
      out_ += number.text;
      return;
    }
    double value = 0;
    std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
    out_ += ecmascript_number(value);
  }
  void write_array(const Json::Array& items) {
    out_ += '[';
    ++depth_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      separate(i);
      write(items[i]);
    }
    close(items.empty(), ']');
  }
  void write_object(const Json::Object& members) {
    std::vector<const Json::Member*> order;
    order.reserve(members.size());
    for (const Json::Member& member : members) order.push_back(&member);
    if (style_ == Style::kCanonical) {
      std::sort(order.begin(), order.end(),
                [](const auto* a, const auto* b) { return comes_before(a->first, b->first); });
    }
    out_ += '{';
    ++depth_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      separate(i);
      append_json_string(out_, order[i]->first);
      out_ += style_ == Style::kPretty ? ": " : ":";
      write(order[i]->second);
    }
    close(order.empty(), '}');
  }
  void separate(std::size_t index) {
    if (index > 0) out_ += ',';
    if (style_ == Style::kPretty) new_line();
  }
  void close(bool empty, char bracket) {
    --depth_;
    if (style_ == Style::kPretty && !empty) new_line();
    out_ += bracket;
  }
  void new_line() { out_ += '\n' + std::string(depth_ * 2, ' '); }

  Style style_;
  std::string out_;
  std::size_t depth_ = 0;
};

std::string write_with(const Json& value, Style style) {
  Writer writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // where what needs no escape begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20U && c != '"' && c != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetter = "\"\\bfnrt";
    const std::size_t found = kShort.find(c);
    if (found == std::string_view::npos) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += '\\';
      out += kLetter[found];
    }
  }
  out += text.substr(plain);
  out += '"';
}

std::string to_text(const Json& value) { return write_with(value, Style::kCompact); }
std::string to_pretty_text(const Json& value) { return write_with(value, Style::kPretty); }
std::string to_canonical(const Json& value) { return write_with(value, Style::kCanonical); }

}  // namespace keyturn
