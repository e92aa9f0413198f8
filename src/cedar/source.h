// Where in a text something is wrong: line, column and a caret line. And the limits on texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace keyturn::cedar {

// More than any policy set written by people; a bound on memory and on offsets.
inline constexpr std::size_t kTextBytesMax = 8U << 20U;
// Of expressions, types and their printing: far beyond what people write, and a few hundred bytes
// of stack a level stay well inside a thread's stack, sanitizers included.
inline constexpr unsigned kDepthMax = 400;

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// "message at line 2, column 7" and below it the line with carets under the range.
[[nodiscard]] Error error_at(std::string_view source, Range range, std::string_view message);

// Size, UTF-8 and byte-order mark.
Result<std::monostate> check_text(std::string_view source);

}  // namespace keyturn::cedar
