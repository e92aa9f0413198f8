// The engine's half of `./run bench cedar`: writes every workload to a folder, so that other
// implementations answer the same stores and requests, and measures deciding, loading, validating
// and the corpus. A line of JSON for each row, on standard output; compare.py makes the tables.
// Times are CPU time of `decide` alone: the request is read before, as in the paper.
//   bench_cedar FOLDER [CORPUS]
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>

#include "cedar/corpus.h"
#include "corpus_run.h"
#include "workloads.h"

namespace keyturn::bench {
namespace {

constexpr unsigned kGraphs = 200;  // as in the paper
// Other implementations scan every link for each request: a quarter of the graphs is enough.
constexpr unsigned kTemplateGraphs = 50;
constexpr unsigned kRepeats = 128;  // of one decision, so that a clock in microseconds suffices

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

double seconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct Samples {
  std::vector<double> microseconds;
  std::size_t allowed = 0;
  std::string decisions;  // `a` or `d` for each request of the last store

  double at(double quantile) {
    std::sort(microseconds.begin(), microseconds.end());
    const auto last = static_cast<double>(microseconds.size() - 1);
    return microseconds[static_cast<std::size_t>(quantile * last)];
  }
};

void measure(const Loaded& loaded, Samples& samples) {
  cedar::Outcome outcome;
  samples.decisions.clear();
  for (const cedar::PreparedRequest& request : loaded.requests) {
    const std::clock_t start = std::clock();
    for (unsigned i = 0; i < kRepeats; ++i) {
      decide(loaded.policies, loaded.entities, request, outcome);
    }
    samples.microseconds.push_back(1e6 * seconds_since(start) / kRepeats);
    const bool is_allowed = outcome.decision == cedar::Decision::kAllow;
    samples.allowed += is_allowed ? 1 : 0;
    samples.decisions.push_back(is_allowed ? 'a' : 'd');
  }
}

// The store for the other implementations: `links` has the template links as static policies too.
Json store_json(const Workload& workload, const Loaded& loaded, std::string decisions) {
  Json::Array requests;
  for (const cedar::Request& request : workload.requests) {
    requests.push_back(Json::array({Json(request.principal.type), Json(request.principal.id),
                                    Json(request.action.id), Json(request.resource.type),
                                    Json(request.resource.id)}));
  }
  std::string text = workload.policies;
  if (!workload.policy_json.empty()) {
    text.clear();
    for (const std::string& id : loaded.policies.ids()) text += *loaded.policies.text(id) + "\n";
  }
  return Json::object({{"policies", Json(std::move(text))},
                       {"policy_json", Json(workload.policy_json)},
                       {"entities", workload.entities},
                       {"context", workload.requests.front().context},
                       {"requests", Json(std::move(requests))},
                       {"decisions", Json(std::move(decisions))}});
}

void print_row(Json row, Samples& samples) {
  row.set("p50", samples.at(0.5));
  row.set("p99", samples.at(0.99));
  row.set("allowed",
          static_cast<double>(samples.allowed) / static_cast<double>(samples.microseconds.size()));
  std::printf("%s\n", to_text(row).c_str());
  std::fflush(stdout);
}

using Make = Workload (*)(const Shape&);

// The sizes that the other implementations answer too: all would take them long.
bool is_compared(unsigned size) { return size == 5 || size == 20 || size == 50; }

void application(Make make, unsigned graphs, unsigned size, const std::string& folder) {
  Samples samples;
  std::ofstream file;
  std::string name;
  std::size_t policies = 0;
  for (unsigned graph = 0; graph < graphs; ++graph) {
    Shape shape;
    shape.size = size;
    shape.seed = graph + 1;
    const Workload workload = make(shape);
    const Loaded loaded = load(workload);
    name = workload.name;
    if (graph == 0 && is_compared(size)) {
      file.open(fmt::format("{}/{}-{}.jsonl", folder, name, size));
    }
    policies = loaded.policies.ids().size();
    measure(loaded, samples);
    if (file.is_open()) {
      file << to_text(store_json(workload, loaded, samples.decisions)) << "\n";
    }
  }
  CHECK(file.good());
  print_row(Json::object({{"kind", "application"},
                          {"name", Json(fmt::format("{}-{}", name, size))},
                          {"policies", Json(policies)}}),
            samples);
}

// One number, in KiB, from the process's own account of its memory.
long memory_kib(std::string_view field) {
  std::ifstream status("/proc/self/status");
  std::string name;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(field)) continue;
    return std::stol(line.substr(field.size() + 1));
  }
  return 0;
}

void scale(std::size_t count, const std::string& folder) {
  const Workload workload = make_scale(count, 2000, 7);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
  const long before = memory_kib("VmRSS");
  const std::clock_t start = std::clock();
  Loaded loaded;
  loaded.policies = load_policies(workload);
  const double taken = seconds_since(start);
  const long peak = memory_kib("VmHWM");
  loaded = load(workload);
  Samples samples;
  measure(loaded, samples);
  std::ofstream(fmt::format("{}/scale-{}.jsonl", folder, count))
      << to_text(store_json(workload, loaded, samples.decisions)) << "\n";
  const Result<cedar::Schema> schema = cedar::Schema::parse(scale_schema());
  CHECK(schema);
  const std::clock_t validating = std::clock();
  const cedar::ValidationResult verdict =
      cedar::validate(loaded.policies, *schema, cedar::ValidationMode::kStrict);
  CHECK(verdict.errors.empty());
  print_row(Json::object({{"kind", "scale"},
                          {"name", Json(fmt::format("scale-{}", count))},
                          {"policies", Json(count)},
                          {"load_s", taken},
                          {"peak_mib", static_cast<double>(peak - before) / 1024},
                          {"validate_s", seconds_since(validating)}}),
            samples);
}

void run(const std::string& folder) {
  std::ofstream(folder + "/scale.cedarschema") << scale_schema();
  for (const std::size_t count : {1UL, 10UL, 100UL, 1'000UL, 10'000UL, 100'000UL}) {
    scale(count, folder);
  }
  for (const Make make : {make_github, make_gdrive, make_tinytodo}) {
    for (const unsigned size : {5U, 10U, 15U, 20U, 30U, 40U, 50U}) {
      application(make, kGraphs, size, folder);
    }
  }
  for (const Make make : {make_github_templates, make_gdrive_templates}) {
    for (const unsigned size : {5U, 10U, 20U, 50U}) {
      application(make, kTemplateGraphs, size, folder);
    }
  }
}

}  // namespace
}  // namespace keyturn::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_cedar FOLDER [CORPUS]\n", stderr);
    return 2;
  }
  keyturn::bench::run(argv[1]);
  if (argc > 2) keyturn::bench::run_corpus(argv[2]);
  return 0;
}
