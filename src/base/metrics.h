// Counters, gauges and histograms, rendered as Prometheus text (exposition format 0.0.4). A Metrics
// owns its series; references stay valid as long as it lives. Registering takes a lock, counting
// does not. May be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace keyturn {

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Durations in buckets that double from 50 µs to about 26 s.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 20;
  static constexpr std::int64_t kFirstBucketMicros = 50;
  void observe(Duration duration);
  std::uint64_t count(std::size_t bucket) const {
    return buckets_[bucket].load(std::memory_order_relaxed);
  }
  std::int64_t sum_micros() const { return sum_micros_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets + 1> buckets_{};
  std::atomic<std::int64_t> sum_micros_{0};
};

class Metrics {
 public:
  // `name` like keyturn_requests_total; `labels` like `door="aws",verdict="allow"` or empty. The
  // same name and labels give the same series.
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = "");
  Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = "");
  Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = "");
  std::string render() const;

 private:
  template <class Series>
  struct Family {
    std::string help;
    std::map<std::string, Series*, std::less<>> series;
  };
  template <class Series>
  using Families = std::map<std::string, Family<Series>, std::less<>>;

  mutable std::mutex mutex_;
  std::deque<Counter> counter_storage_;
  std::deque<Gauge> gauge_storage_;
  std::deque<Histogram> histogram_storage_;
  Families<Counter> counters_;
  Families<Gauge> gauges_;
  Families<Histogram> histograms_;
};

}  // namespace keyturn
