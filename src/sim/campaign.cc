#include "sim/campaign.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/result.h"
#include "sim/sim.h"

namespace keyturn::sim {
namespace {

constexpr unsigned kRunSecondsMax = 60;     // of real time: a run takes a fraction of a second
constexpr std::uint64_t kTwiceEach = 10;    // so many seeds are run twice and compared
constexpr std::uint64_t kFailuresMax = 20;  // then the campaign has said enough

// What a worker tells the others, in memory that all share.
struct Progress {
  std::atomic<std::uint64_t> seed{0};  // that runs
  std::atomic<std::uint64_t> next{0};  // of this worker, counted from the first
};
struct Totals {
  std::atomic<std::uint64_t> runs{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::uint64_t> lives{0};
  std::atomic<std::uint64_t> entries{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> grants_used{0};
};

// Memory that a process shares with those that it forks.
template <class T>
T* make_shared_memory(std::size_t count) {
  void* memory =
      ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<T*>(memory);  // zeros, which is what the members begin with
}

class Runner {
 public:
  explicit Runner(const Campaign& campaign)
      : campaign_(campaign),
        totals_(make_shared_memory<Totals>(1)),
        progress_(make_shared_memory<Progress>(campaign.jobs)),
        workers_(campaign.jobs, -1) {}

  std::uint64_t run() {
    const auto model = aws::load_embedded_model();
    CHECK(model.has_value());
    model_ = *model;
    for (unsigned i = 0; i < campaign_.jobs; ++i) begin(i);
    while (wait_for_one()) {
    }
    fmt::print(
        "{} runs, {} failed: {} steps, {} lives of the gateway, {} ledger entries, {} calls "
        "upstream, {} grants used\n",
        totals_->runs.load(), totals_->failed.load(), totals_->steps.load(), totals_->lives.load(),
        totals_->entries.load(), totals_->calls.load(), totals_->grants_used.load());
    return totals_->failed.load();
  }

 private:
  void begin(unsigned worker) {
    std::fflush(stdout);
    const pid_t process = ::fork();
    CHECK(process >= 0);
    if (process == 0) {
      work(progress_[worker], worker);
      std::fflush(stdout);
      ::_exit(0);
    }
    workers_[worker] = process;
  }

  void work(Progress& progress, unsigned worker) {
    while (totals_->failed < kFailuresMax) {
      const std::uint64_t number = progress.next.fetch_add(1) * campaign_.jobs + worker;
      if (number >= campaign_.runs) return;
      progress.seed = campaign_.first + number;
      ::alarm(kRunSecondsMax);
      run_one(progress.seed);
      ::alarm(0);
    }
  }

  void run_one(std::uint64_t seed) {
    const Options options{.seed = seed, .scratch = campaign_.scratch, .model = model_};
    Report report = sim::run(options);
    if (seed % kTwiceEach == 0 && sim::run(options).digest != report.digest) {
      report.faults.emplace_back("two runs of this seed differ");
    }
    ++totals_->runs;
    totals_->steps += report.steps;
    totals_->lives += report.lives;
    totals_->entries += report.entries;
    totals_->calls += report.calls;
    totals_->grants_used += report.grants_used;
    if (!report.faults.empty()) say_failed(seed, fmt::format("{}", fmt::join(report.faults, "; ")));
  }

  void say_failed(std::uint64_t seed, const std::string& why) {
    ++totals_->failed;
    fmt::print("seed {} FAILED: {}\n  replay: {} {}\n", seed, why, campaign_.replay, seed);
    std::fflush(stdout);
  }

  // Whether a worker may still be running.
  bool wait_for_one() {
    int status = 0;
    const pid_t process = ::wait(&status);
    if (process < 0) return false;
    for (unsigned i = 0; i < campaign_.jobs; ++i) {
      if (workers_[i] != process) continue;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
      const bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
      ++totals_->runs;
      say_failed(progress_[i].seed, hung ? fmt::format("no end within {} s", kRunSecondsMax)
                                         : std::string("the process died"));
      begin(i);  // with the next seed
    }
    return true;
  }

  const Campaign& campaign_;
  Totals* const totals_;
  Progress* const progress_;
  std::vector<pid_t> workers_;
  std::shared_ptr<const aws::Model> model_;  // loaded once, before the workers
};

}  // namespace

std::uint64_t run_campaign(const Campaign& campaign) {
  CHECK(campaign.jobs > 0);
  return Runner(campaign).run();
}

}  // namespace keyturn::sim
