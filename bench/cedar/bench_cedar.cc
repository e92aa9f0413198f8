// Measures deciding, loading and validating; prints one Markdown table each. Times are of `decide`
// alone: the request is read before, as in the paper. With a folder as argument, also the corpus
// found there.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "cedar/corpus.h"
#include "workloads.h"

namespace keyturn::bench {
namespace {

constexpr unsigned kGraphs = 200;
constexpr unsigned kRepeats = 64;  // of one decision, so that a clock in microseconds suffices

struct Loaded {
  cedar::PolicySet policies;
  cedar::Entities entities;
  std::vector<cedar::PreparedRequest> requests;
};

// One text holds 8 MiB at most; larger sets come as two.
cedar::PolicySet load_policies(const Workload& workload) {
  if (!workload.policy_json.empty()) {
    const Result<cedar::PolicySet> set = cedar::PolicySet::parse_json(workload.policy_json);
    CHECK(set);
    return *set;
  }
  const std::string_view text = workload.policies;
  const std::size_t middle = text.find(";\n", text.size() / 2) + 2;
  const Result<cedar::PolicySet> first = cedar::PolicySet::parse(text.substr(0, middle));
  const Result<cedar::PolicySet> second = cedar::PolicySet::parse(text.substr(middle));
  CHECK(first && second);
  if (second->ids().empty()) return *first;
  const Result<cedar::PolicySet> both = first->merged_with(*second, "b/");
  CHECK(both);
  return *both;
}

Loaded load(const Workload& workload) {
  Loaded loaded;
  loaded.policies = load_policies(workload);
  const Result<cedar::Entities> entities = cedar::Entities::from_json(workload.entities);
  CHECK(entities);
  loaded.entities = *entities;
  for (const cedar::Request& request : workload.requests) {
    const Result<cedar::PreparedRequest> prepared = cedar::PreparedRequest::make(request);
    CHECK(prepared);
    loaded.requests.push_back(*prepared);
  }
  return loaded;
}

struct Samples {
  std::vector<double> nanoseconds;
  std::size_t allowed = 0;

  double at(double quantile) {
    std::sort(nanoseconds.begin(), nanoseconds.end());
    const auto last = static_cast<double>(nanoseconds.size() - 1);
    return nanoseconds[static_cast<std::size_t>(quantile * last)];
  }
};

void measure(const Clock& clock, const Loaded& loaded, Samples& samples) {
  cedar::Outcome outcome;
  for (const cedar::PreparedRequest& request : loaded.requests) {
    const Instant start = clock.monotonic();
    for (unsigned i = 0; i < kRepeats; ++i) {
      decide(loaded.policies, loaded.entities, request, outcome);
    }
    const Duration taken = clock.monotonic() - start;
    samples.nanoseconds.push_back(1000.0 * static_cast<double>(taken.count()) / kRepeats);
    if (outcome.decision == cedar::Decision::kAllow) ++samples.allowed;
  }
}

void print_row(const std::string& name, unsigned size, std::size_t policies, Samples& samples) {
  std::printf("| %s | %u | %zu | %.3f | %.3f | %.0f %% |\n", name.c_str(), size, policies,
              samples.at(0.5) / 1000, samples.at(0.99) / 1000,
              100.0 * static_cast<double>(samples.allowed) /
                  static_cast<double>(samples.nanoseconds.size()));
  std::fflush(stdout);
}

void applications(const Clock& clock) {
  std::printf(
      "| application | N | policies | p50 µs | p99 µs | allowed |\n|---|---|---|---|---|---|\n");
  for (const auto make :
       {make_github, make_gdrive, make_tinytodo, make_github_templates, make_gdrive_templates}) {
    for (const unsigned size : {5U, 10U, 20U, 50U}) {
      Samples samples;
      std::string name;
      std::size_t policies = 0;
      for (unsigned graph = 0; graph < kGraphs; ++graph) {
        Shape shape;
        shape.size = size;
        shape.seed = graph + 1;
        const Workload workload = make(shape);
        const Loaded loaded = load(workload);
        name = workload.name;
        policies = loaded.policies.ids().size();
        measure(clock, loaded, samples);
      }
      print_row(name, size, policies, samples);
    }
  }
}

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

long resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void scale(const Clock& clock) {
  std::printf(
      "\n| policies | load s | peak MiB added | p50 µs | p99 µs | allowed |\n"
      "|---|---|---|---|---|---|\n");
  for (const std::size_t count : {1UL, 100UL, 1'000UL, 10'000UL, 100'000UL}) {
    const Workload workload = make_scale(count, 2000, 7);
    const long before = resident_mib();
    const Instant start = clock.monotonic();
    const cedar::PolicySet policies = load_policies(workload);
    const double taken = seconds(clock.monotonic() - start);
    const long after = resident_mib();
    const Loaded loaded = load(workload);
    Samples samples;
    measure(clock, loaded, samples);
    std::printf("| %zu | %.3f | %ld | %.3f | %.3f | %.0f %% |\n", count, taken, after - before,
                samples.at(0.5) / 1000, samples.at(0.99) / 1000,
                100.0 * static_cast<double>(samples.allowed) /
                    static_cast<double>(samples.nanoseconds.size()));
    std::fflush(stdout);
  }
}

void corpus(const Clock& clock, const std::string& folder) {
  const Instant start = clock.monotonic();
  const Result<cedar::CorpusReport> report = cedar::run_corpus(folder, {});
  CHECK(report);
  std::printf(
      "\ncorpus: %zu cases with %zu requests read, validated and decided in %.3f s, %zu "
      "disagree\n",
      report->cases, report->requests, seconds(clock.monotonic() - start),
      report->disagreements.size());
}

}  // namespace
}  // namespace keyturn::bench

int main(int argc, char** argv) {
  const keyturn::SystemClock clock;
  keyturn::bench::applications(clock);
  keyturn::bench::scale(clock);
  if (argc > 1) keyturn::bench::corpus(clock, argv[1]);
  return 0;
}
