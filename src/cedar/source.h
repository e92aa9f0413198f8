// Where in a text something is wrong: line, column and a caret line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/limits.h"

namespace keyturn::cedar {

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// The start of a text that may be as long as the input, for messages; whole code points.
std::string shown(std::string text);

// "message at line 2, column 7" and below it the line with carets under the range.
[[nodiscard]] Error error_at(std::string_view source, Range range, std::string_view message);

}  // namespace keyturn::cedar
