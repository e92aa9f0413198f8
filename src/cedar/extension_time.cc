// `datetime` and `duration` text (RFC 80).
#include <fmt/format.h>

#include <array>
#include <optional>

#include "cedar/extension.h"

namespace keyturn::cedar {
namespace {

tl::unexpected<ExtensionError> error(std::string message) {
  return tl::unexpected<ExtensionError>(ExtensionError{std::move(message)});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Matches `pattern`, in which `0` stands for a digit, at the start of `text`.
bool matches(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int number(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) value = value * 10 + (text[i] - '0');
  return value;
}

bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in(int year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level
// date algorithms").
std::int64_t days_from_civil(int year, int month, int day) {
  const int shifted = month <= 2 ? year - 1 : year;
  const int era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  const int year_of_era = shifted - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return std::int64_t{era} * 146097 + day_of_era - 719468;
}

// `Z`, `.sssZ`, `+hhmm`, `.sss-hhmm`: milliseconds to add and the offset's minutes.
struct Tail {
  int milliseconds = 0;
  int offset_minutes = 0;
};

ExtensionResult<Tail> parse_tail(std::string_view text) {
  Tail tail;
  if (text.starts_with('.')) {
    if (!matches(text, ".000")) return error("invalid millisecond and/or offset pattern");
    tail.milliseconds = number(text, 1, 3);
    text.remove_prefix(4);
  }
  if (text == "Z") return tail;
  if (text.size() != 5 || (!matches(text, "+0000") && !matches(text, "-0000"))) {
    return error("invalid millisecond and/or offset pattern");
  }
  const int hours = number(text, 1, 2);
  const int minutes = number(text, 3, 2);
  tail.offset_minutes = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
  if (hours >= 24 || minutes >= 60) {
    return error(fmt::format("invalid offset range: {}{}", hours, minutes));
  }
  return tail;
}

}  // namespace

ExtensionResult<std::int64_t> parse_datetime(std::string_view text) {
  if (!matches(text, "0000-00-00")) return error("invalid date pattern");
  const int year = number(text, 0, 4);
  const int month = number(text, 5, 2);
  const int day = number(text, 8, 2);
  const bool valid_date = month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
  const auto invalid_date = [&] {
    return error(fmt::format("invalid date: {}", text.substr(0, 10)));
  };
  const std::string_view time = text.substr(10);
  if (time.empty()) {
    if (!valid_date) return invalid_date();
    return days_from_civil(year, month, day) * 86'400'000;
  }
  if (!matches(time, "T00:00:00")) return error("invalid hour/minute/second pattern");
  const int hour = number(time, 1, 2);
  const int minute = number(time, 4, 2);
  const int second = number(time, 7, 2);
  const auto tail = parse_tail(time.substr(9));
  if (!tail && !tail.error().message.starts_with("invalid offset")) {
    return tl::unexpected<ExtensionError>(tail.error());
  }
  if (!valid_date) return invalid_date();
  if (hour > 23 || minute > 59 || second > 59) {
    return error(fmt::format("invalid hour/minute/second: {}", time.substr(1, 8)));
  }
  if (!tail) return tl::unexpected<ExtensionError>(tail.error());
  const std::int64_t seconds = days_from_civil(year, month, day) * 86'400 +
                               (hour * 60 + minute - tail->offset_minutes) * 60 + second;
  return seconds * 1000 + tail->milliseconds;
}

ExtensionResult<std::int64_t> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  static constexpr std::array<Unit, 5> kUnits = {
      {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
  const auto pattern = [] { return error("invalid duration pattern"); };
  const bool negative = text.starts_with('-');
  std::string_view rest = text.substr(negative ? 1 : 0);
  if (rest.empty()) return pattern();
  std::int64_t total = 0;
  bool fits = true;
  std::size_t next_unit = 0;
  while (!rest.empty()) {
    std::size_t digits = 0;
    std::int64_t value = 0;
    for (; digits < rest.size() && is_digit(rest[digits]); ++digits) {
      const std::int64_t digit = negative ? '0' - rest[digits] : rest[digits] - '0';
      fits = fits && !__builtin_mul_overflow(value, std::int64_t{10}, &value) &&
             !__builtin_add_overflow(value, digit, &value);
    }
    rest.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < rest.size() && !is_digit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (digits == 0 || next_unit == kUnits.size()) return pattern();
    std::int64_t part = 0;
    fits = fits && !__builtin_mul_overflow(value, kUnits[next_unit].milliseconds, &part) &&
           !__builtin_add_overflow(total, part, &total);
    ++next_unit;
  }
  if (!fits) return error("Duration overflows internal representation");
  return total;
}

}  // namespace keyturn::cedar
