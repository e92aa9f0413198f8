#include "cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"

namespace keyturn::cli {
namespace {

std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::kNone:
      return "";
    case Ink::kBold:
      return "1";
    case Ink::kDim:
      return "2";
    case Ink::kRed:
      return "1;31";
    case Ink::kGreen:
      return "32";
    case Ink::kYellow:
      return "33";
  }
  return "";
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

}  // namespace

std::string Style::paint(Ink ink, std::string_view text) const {
  if (!colored || ink == Ink::kNone || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code_of(ink), text);
}

Style style_of_output() {
  Style style;
  if (::isatty(STDOUT_FILENO) == 0) return style;
  style.colored = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) style.columns = size.ws_col;
  return style;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_error(std::string_view text) {
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string safe(const Json* value, std::size_t bytes_max) {
  if (value == nullptr || value->is_null()) return "";
  if (const std::string* text = value->if_string()) return printable(*text, bytes_max);
  return printable(to_text(*value), bytes_max);
}

std::string safe(const Json& object, std::string_view key, std::size_t bytes_max) {
  return safe(object.find(key), bytes_max);
}

std::string safe_lines(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    // A line has no limit here: reviewers see everything. Every byte may become an escape.
    out += std::string(indent, ' ') + printable(text.substr(0, end), end * 8 + 16) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut(std::string_view text, std::size_t columns) {
  if (columns == 0 || width(text) <= columns) return std::string(text);
  std::size_t seen = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    if (begins_character(text[end]) && ++seen == columns) break;
    ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string table(const std::vector<std::string>& heads, const std::vector<std::vector<Cell>>& rows,
                  const Style& style) {
  std::vector<std::size_t> widths;
  for (const std::string& head : heads) widths.push_back(width(head));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i].text));
  }
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string out;
    std::size_t used = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool last = i + 1 == cells.size();
      std::string text = cells[i].text;
      if (last && style.columns > used + 1) text = cut(text, style.columns - used);
      out += style.paint(cells[i].ink, text);
      if (last) break;
      out += std::string(widths[i] - width(text) + 2, ' ');
      used += widths[i] + 2;
    }
    return out + "\n";
  };
  std::vector<Cell> head_cells;
  for (const std::string& head : heads) head_cells.push_back({head, Ink::kDim});
  std::string out = line(head_cells);
  for (const auto& row : rows) out += line(row);
  return out;
}

std::string short_time(const std::string& time) {
  constexpr std::size_t kSeconds = 19;  // up to the fraction
  if (!parse_time(time)) return time;
  std::string text = time.substr(0, kSeconds) + "Z";
  text[10] = ' ';
  return text;
}

std::string counted(const std::string& count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == "1" ? "" : "s");
}

std::string ago(const std::string& time, Time now) {
  const auto then = parse_time(time);
  if (!then) return time;
  const Duration distance = *then < now ? now - *then : *then - now;
  if (distance < std::chrono::seconds(1)) return "now";
  const std::string text = format_duration(distance);
  return *then < now ? text + " ago" : "in " + text;
}

Ink ink_of_effect(std::string_view effect) {
  if (effect == "destroy" || effect == "grant") return Ink::kRed;
  if (effect == "change" || effect == "reveal") return Ink::kYellow;
  return Ink::kNone;
}

Ink ink_of_state(std::string_view state) {
  if (state == "open") return Ink::kYellow;
  if (state == "approved" || state == "executed" || state == "active") return Ink::kGreen;
  if (state == "rejected" || state == "suspended" || state == "void") return Ink::kRed;
  return Ink::kDim;
}

}  // namespace keyturn::cli
