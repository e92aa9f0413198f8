#include "base/metrics.h"

namespace keyturn {
namespace {

template <class Families, class Storage>
auto& find_or_add(Families& families, Storage& storage, std::string_view name,
                  std::string_view help, std::string_view labels) {
  auto& family = families[std::string(name)];
  family.help = help;
  auto& series = family.series[std::string(labels)];
  if (series == nullptr) series = &storage.emplace_back();
  return *series;
}

std::string with_labels(std::string_view name, std::string_view labels,
                        std::string_view more = "") {
  std::string inside(labels);
  if (!inside.empty() && !more.empty()) inside += ',';
  inside += more;
  return inside.empty() ? std::string(name) : fmt::format("{}{{{}}}", name, inside);
}

void render_head(std::string& out, std::string_view name, std::string_view help,
                 std::string_view type) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void render_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const Histogram& series) {
  std::uint64_t total = 0;
  double bound = static_cast<double>(Histogram::kFirstBucketMicros) / 1e6;
  const std::string bucket = fmt::format("{}_bucket", name);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i, bound *= 2) {
    total += series.count(i);
    out += fmt::format("{} {}\n", with_labels(bucket, labels, fmt::format("le=\"{:g}\"", bound)),
                       total);
  }
  total += series.count(Histogram::kBuckets);
  out += fmt::format("{} {}\n", with_labels(bucket, labels, "le=\"+Inf\""), total);
  out += fmt::format("{} {:.6f}\n", with_labels(fmt::format("{}_sum", name), labels),
                     static_cast<double>(series.sum_micros()) / 1e6);
  out += fmt::format("{} {}\n", with_labels(fmt::format("{}_count", name), labels), total);
}

}  // namespace

void Histogram::observe(Duration duration) {
  const std::int64_t micros = std::max<std::int64_t>(0, duration.count());
  std::size_t bucket = 0;
  for (std::int64_t bound = kFirstBucketMicros; bucket < kBuckets && micros > bound; bound *= 2) {
    ++bucket;
  }
  buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_micros_.fetch_add(micros, std::memory_order_relaxed);
}

Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(counters_, counter_storage_, name, help, labels);
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(gauges_, gauge_storage_, name, help, labels);
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::string_view labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(histograms_, histogram_storage_, name, help, labels);
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : counters_) {
    render_head(out, name, family.help, "counter");
    for (const auto& [labels, series] : family.series) {
      out += fmt::format("{} {}\n", with_labels(name, labels), series->value());
    }
  }
  for (const auto& [name, family] : gauges_) {
    render_head(out, name, family.help, "gauge");
    for (const auto& [labels, series] : family.series) {
      out += fmt::format("{} {}\n", with_labels(name, labels), series->value());
    }
  }
  for (const auto& [name, family] : histograms_) {
    render_head(out, name, family.help, "histogram");
    for (const auto& [labels, series] : family.series) {
      render_histogram(out, name, labels, *series);
    }
  }
  return out;
}

}  // namespace keyturn
