// Time comes through this seam, so that a test can move it. Wall time is UTC in microseconds;
// monotonic time never goes back and is for measuring and deadlines only. A Clock may be called
// from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn {

using Duration = std::chrono::microseconds;
// Wall-clock time, UTC, microseconds since 1970-01-01T00:00:00Z without leap seconds.
using Time = std::chrono::sys_time<Duration>;
// A point on a clock that only goes forward; comparable within one process.
struct Instant {
  std::int64_t micros = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant instant, Duration duration) {
    return Instant{instant.micros + duration.count()};
  }
  friend Duration operator-(Instant a, Instant b) { return Duration(a.micros - b.micros); }
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Instant monotonic() const = 0;
};

// The machine's clocks. The only place in the tree that reads them.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Instant monotonic() const override;
};

// Wall time that never goes back, for expiries: what has expired stays so when a machine's clock is
// set back. From the latest time it has said or was told of, it goes on at the pace of monotonic
// time until the inner clock has caught up.
class ForwardClock final : public Clock {
 public:
  explicit ForwardClock(const Clock& inner) : inner_(inner) {}
  Time now() const override;
  Instant monotonic() const override { return inner_.monotonic(); }
  // It is at least this late.
  void raise(Time floor);
  // Of the inner clock.
  Duration ahead() const;

 private:
  std::int64_t raise_lead(std::int64_t lead) const;

  const Clock& inner_;
  mutable std::atomic<std::int64_t> lead_{INT64_MIN / 2};  // of wall over monotonic time, the most
};

// A clock that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = Time(std::chrono::seconds(1'763'856'000))) : wall_(start) {}
  Time now() const override { return wall_.load(); }
  Instant monotonic() const override { return Instant{ticks_.load()}; }
  // Moves both clocks forward.
  void advance(Duration by) {
    wall_.store(wall_.load() + by);
    ticks_.fetch_add(by.count());
  }
  // Moves the wall clock alone, as an administrator or NTP may, also backwards.
  void step_wall(Duration by) { wall_.store(wall_.load() + by); }

 private:
  std::atomic<Time> wall_;
  std::atomic<std::int64_t> ticks_{0};
};

inline std::int64_t to_micros(Time time) { return time.time_since_epoch().count(); }
inline Time from_micros(std::int64_t micros) { return Time(Duration(micros)); }

// RFC 3339 in UTC with microseconds: 2026-11-23T05:47:17.000000Z.
std::string format_time(Time time);
// Reads RFC 3339 with `Z`, with or without a fraction of up to six digits.
Result<Time> parse_time(std::string_view text);
// Human durations for command lines and configuration: `90s`, `15m`, `2h`, `7d`. Errors: kInvalid.
Result<Duration> parse_duration(std::string_view text);
// The same, for people: `2 h 5 min`.
std::string format_duration(Duration duration);

}  // namespace keyturn
