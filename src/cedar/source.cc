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

}  // namespace

Error error_at(std::string_view source, Range range, std::string_view message) {
  const std::size_t begin = std::min<std::size_t>(range.begin, source.size());
  const std::string_view before = source.substr(0, begin);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  const std::size_t column = count_codes(source.substr(start, begin - start));
  std::string text = fmt::format("{} at line {}, column {}", message, lines + 1, column + 1);

  const std::string_view line = source.substr(start, source.find('\n', start) - start);
  if (line.size() > kShownBytesMax || line.find('\r') != std::string_view::npos) {
    return Error{Code::kInvalid, std::move(text)};
  }
  std::string margin;
  for (const char c : line.substr(0, begin - start)) {
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) margin += c == '\t' ? '\t' : ' ';
  }
  const std::size_t end =
      std::clamp<std::size_t>(range.end, begin, std::min(start + line.size(), source.size()));
  const std::size_t carets =
      std::max<std::size_t>(1, count_codes(source.substr(begin, end - begin)));
  text += fmt::format("\n  {}\n  {}{}", line, margin, std::string(carets, '^'));
  return Error{Code::kInvalid, std::move(text)};
}

Result<std::monostate> check_text(std::string_view source) {
  if (source.size() > kTextBytesMax) {
    return fail(Code::kExhausted, "the text has {} bytes, more than the limit of {}", source.size(),
                kTextBytesMax);
  }
  if (!is_valid_utf8(source)) return fail(Code::kInvalid, "the text is not valid UTF-8");
  if (source.starts_with("\xef\xbb\xbf")) {
    return fail(Code::kInvalid,
                "the text starts with a byte-order mark; save it as UTF-8 without one");
  }
  return std::monostate();
}

}  // namespace keyturn::cedar
