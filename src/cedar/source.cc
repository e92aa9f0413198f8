#include "cedar/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace keyturn::cedar {
namespace {

// A caret line is for people; a generated line may be megabytes long.
constexpr std::size_t kShownBytesMax = 160;

std::size_t count_codes(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string place_at(std::string_view source, std::size_t offset) {
  const std::string_view before = source.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return fmt::format("line {}, column {}", lines + 1, count_codes(before.substr(start)) + 1);
}

// The first byte that is no part of a code point, in a text that has one.
std::size_t find_invalid(std::string_view text) {
  constexpr std::size_t kCodeBytesMax = 4;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= kCodeBytesMax && !is_valid_utf8(text.substr(at, length))) ++length;
    if (length > kCodeBytesMax) return at;
    at += length;
  }
  return at;
}

}  // namespace

std::string shown(std::string text) { return shortened(std::move(text), kShownBytesMax); }

void PlaceFinder::go_to(std::size_t offset) {
  if (offset < at_) {
    at_ = line_start_ = 0;
    line_ = column_ = 1;
  }
  for (; at_ < offset; ++at_) {
    if (source_[at_] == '\n') {
      ++line_;
      line_start_ = at_ + 1;
      column_ = 1;
    } else if ((static_cast<unsigned char>(source_[at_]) & 0xc0U) != 0x80U) {
      ++column_;
    }
  }
}

Error PlaceFinder::error(Range range, std::string_view message) {
  const std::size_t begin = std::min<std::size_t>(range.begin, source_.size());
  go_to(begin);
  std::string text = fmt::format("{} at line {}, column {}", message, line_, column_);
  std::string_view line = source_.substr(line_start_, kShownBytesMax + 1);
  line = line.substr(0, line.find('\n'));
  if (begin - line_start_ > kShownBytesMax || line.size() > kShownBytesMax ||
      line.find('\r') != std::string_view::npos) {
    return Error{Code::kInvalid, std::move(text)};
  }
  std::string margin;
  for (const char c : line.substr(0, begin - line_start_)) {
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) margin += c == '\t' ? '\t' : ' ';
  }
  const std::size_t end = std::clamp<std::size_t>(
      range.end, begin, std::min(line_start_ + line.size(), source_.size()));
  const std::size_t carets =
      std::max<std::size_t>(1, count_codes(source_.substr(begin, end - begin)));
  text += fmt::format("\n  {}\n  {}{}", line, margin, std::string(carets, '^'));
  return Error{Code::kInvalid, std::move(text)};
}

Error error_at(std::string_view source, Range range, std::string_view message) {
  return PlaceFinder(source).error(range, message);
}

Result<std::monostate> check_text(std::string_view source) {
  if (source.size() > kTextBytesMax) {
    return fail(Code::kExhausted, "the text is larger than the limit of {} bytes, which ends at {}",
                kTextBytesMax, place_at(source, kTextBytesMax));
  }
  if (!is_valid_utf8(source)) {
    const std::size_t bad = find_invalid(source);
    return fail(Code::kInvalid, "the text is not valid UTF-8 at {}, byte {} (0x{:02x})",
                place_at(source, bad), bad,
                static_cast<unsigned>(static_cast<unsigned char>(source[bad])));
  }
  if (source.starts_with("\xef\xbb\xbf")) {
    return fail(Code::kInvalid,
                "the text starts with a byte-order mark at line 1, column 1; save it as UTF-8 "
                "without one");
  }
  return std::monostate();
}

}  // namespace keyturn::cedar
