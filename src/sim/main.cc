// keyturn_sim SEED: one run with its trace. keyturn_sim --runs N [--first SEED] [--jobs N]: many.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "sim/campaign.h"
#include "sim/sim.h"

namespace keyturn::sim {
namespace {

constexpr int kUsage = 2;
constexpr unsigned kJobsMax = 256;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

int run_one(std::uint64_t seed, const std::string& scratch) {
  const Report report = run({.seed = seed, .scratch = scratch});
  fmt::print("{}", report.trace);
  for (const std::string& fault : report.faults) fmt::print("FAULT: {}\n", fault);
  fmt::print("seed {}: {} steps, {} lives, {} entries, {} calls, {} grants used, {}, trace {}\n",
             seed, report.steps, report.lives, report.entries, report.calls, report.grants_used,
             report.faults.empty() ? "all held" : "FAILED", report.digest.hex());
  return report.faults.empty() ? 0 : 1;
}

int fail_usage() {
  fmt::print(stderr,
             "usage: keyturn_sim SEED | --runs N [--first SEED] [--jobs N] "
             "[--scratch FOLDER]\n");
  return kUsage;
}

int main_of(int argc, char** argv) {
  Campaign campaign{.scratch = "/dev/shm", .replay = "./run sim"};
  std::optional<std::uint64_t> seed;
  bool many = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (const auto number = number_of(name)) {
      seed = *number;
      continue;
    }
    if (++i == argc) return fail_usage();
    if (name == "--scratch" || name == "--replay") {
      (name == "--scratch" ? campaign.scratch : campaign.replay) = argv[i];
      continue;
    }
    const auto number = number_of(argv[i]);
    if (!number) return fail_usage();
    if (name == "--runs") {
      campaign.runs = *number;
      many = true;
    } else if (name == "--first") {
      campaign.first = *number;
    } else if (name == "--jobs" && *number > 0 && *number <= kJobsMax) {
      campaign.jobs = static_cast<unsigned>(*number);
    } else {
      return fail_usage();
    }
  }
  if (many == seed.has_value()) return fail_usage();
  if (seed) return run_one(*seed, campaign.scratch);
  return run_campaign(campaign) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace keyturn::sim

int main(int argc, char** argv) { return keyturn::sim::main_of(argc, argv); }
