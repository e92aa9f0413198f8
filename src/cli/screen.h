// What commands print: tables, colours where a terminal wants them, and text from agents made
// harmless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace keyturn::cli {

enum class Ink { kNone, kBold, kDim, kRed, kGreen, kYellow };

// How to write for this reader.
struct Style {
  bool colored = false;
  std::size_t columns = 0;  // of the terminal; 0: unlimited
  std::string paint(Ink ink, std::string_view text) const;
};
// Of standard output: colours and width only on a terminal, and not with NO_COLOR.
Style style_of_output();

void print(std::string_view text);
void print_error(std::string_view text);

// A value from the server for one line of a terminal: escaped, at most `bytes_max` long.
std::string safe(const Json* value, std::size_t bytes_max = 4'096);
std::string safe(const Json& object, std::string_view key, std::size_t bytes_max = 4'096);
// Text that may have lines: each line made harmless, indented by `indent`.
std::string safe_lines(std::string_view text, std::size_t indent);

struct Cell {
  std::string text;
  Ink ink = Ink::kNone;
};
// Columns as wide as their widest cell; the last one is cut at the terminal's edge.
std::string table(const std::vector<std::string>& heads, const std::vector<std::vector<Cell>>& rows,
                  const Style& style);
// Characters, as a terminal counts them for the scripts we print.
std::size_t width(std::string_view text);
std::string cut(std::string_view text, std::size_t columns);

// `2026-01-01 12:00:00Z` of an RFC 3339 time; anything else as it is.
std::string short_time(const std::string& time);
// `1 approval`, `2 approvals`.
std::string counted(const std::string& count, std::string_view noun);
// `3 min ago`, `in 2 h`; the time itself when it is no time.
std::string ago(const std::string& time, Time now);

Ink ink_of_effect(std::string_view effect);
Ink ink_of_state(std::string_view state);

}  // namespace keyturn::cli
