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

// Finds line and column of one place after the other. Each looks only at the text since the one
// before, unless it goes back.
class PlaceFinder {
 public:
  explicit PlaceFinder(std::string_view source) : source_(source) {}
  // As error_at().
  [[nodiscard]] Error error(Range range, std::string_view message);

 private:
  void go_to(std::size_t offset);

  const std::string_view source_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t line_start_ = 0;
  std::size_t column_ = 1;
};

// "message at line 2, column 7" and below it the line with carets under the range.
[[nodiscard]] Error error_at(std::string_view source, Range range, std::string_view message);

}  // namespace keyturn::cedar
