#include "base/clock.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

namespace keyturn {
namespace {

std::int64_t read_clock_micros(clockid_t clock) {
  timespec value{};
  CHECK(clock_gettime(clock, &value) == 0);
  return static_cast<std::int64_t>(value.tv_sec) * 1'000'000 + value.tv_nsec / 1'000;
}

// Reads exactly `width` digits at `position`; -1 when they are not there.
int read_digits(std::string_view text, std::size_t position, std::size_t width) {
  if (position + width > text.size()) return -1;
  int value = 0;
  for (const char c : text.substr(position, width)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Time SystemClock::now() const { return from_micros(read_clock_micros(CLOCK_REALTIME)); }
Instant SystemClock::monotonic() const { return Instant{read_clock_micros(CLOCK_MONOTONIC)}; }

// The wall is read first: a thread that is stopped between both reads then makes the lead smaller,
// which the next call mends, and not larger for good.
Time ForwardClock::now() const {
  const std::int64_t wall = to_micros(inner_.now());
  const std::int64_t ticks = inner_.monotonic().micros;
  return from_micros(std::max(wall, ticks + raise_lead(wall - ticks)));
}

void ForwardClock::raise(Time floor) { raise_lead(to_micros(floor) - inner_.monotonic().micros); }

Duration ForwardClock::ahead() const {
  const Time time = now();
  return std::max(Duration(0), time - inner_.now());
}

// Returns the largest of all so far.
std::int64_t ForwardClock::raise_lead(std::int64_t lead) const {
  std::int64_t most = lead_.load();
  while (most < lead && !lead_.compare_exchange_weak(most, lead)) {
  }
  return std::max(most, lead);
}

std::string format_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::int64_t micros = (time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     micros / 3'600'000'000, micros / 60'000'000 % 60, micros / 1'000'000 % 60,
                     micros % 1'000'000);
}

Result<Time> parse_time(std::string_view text) {
  const auto bad = [&] {
    return fail(Code::kInvalid, "`{}` is not a time like 2026-11-23T05:47:17Z", text);
  };
  const int year = read_digits(text, 0, 4);
  const int month = read_digits(text, 5, 2);
  const int day = read_digits(text, 8, 2);
  const int hour = read_digits(text, 11, 2);
  const int minute = read_digits(text, 14, 2);
  const int second = read_digits(text, 17, 2);
  if (text.size() < 20 || year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59) {
    return bad();
  }
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  std::size_t position = 19;
  std::int64_t fraction = 0;
  if (text[position] == '.') {
    std::int64_t unit = 100'000;
    ++position;
    const std::size_t start = position;
    while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
      fraction += (text[position] - '0') * unit;
      unit /= 10;
      ++position;
    }
    if (position == start || position - start > 6) return bad();
  }
  if (text.substr(position) != "Z") return bad();
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) + Duration(fraction);
}

Result<Duration> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t micros = 0;
  if (unit == "ms") micros = 1'000;
  if (unit == "s") micros = 1'000'000;
  if (unit == "m") micros = 60'000'000;
  if (unit == "h") micros = 3'600'000'000;
  if (unit == "d") micros = 86'400'000'000;
  if (error != std::errc() || micros == 0 || count < 0 ||
      count > std::numeric_limits<std::int64_t>::max() / micros) {
    return fail(Code::kInvalid, "`{}` is not a duration like 90s, 15m, 2h or 7d", text);
  }
  return Duration(count * micros);
}

std::string format_duration(Duration duration) {
  const std::int64_t seconds = duration.count() / 1'000'000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3'600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3'600 % 24);
}

}  // namespace keyturn
