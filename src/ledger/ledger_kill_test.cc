#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/random.h"
#include "ledger/ledger.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 8;

// Appends until it is killed, and says each index that was acknowledged.
[[noreturn]] void append_until_killed(const std::string& path, int acknowledged) {
  const SystemClock clock;
  StreamLog log(STDERR_FILENO, Level::kError, clock);
  Metrics metrics;
  const auto store = store::open_sqlite({.path = path}, clock, log, metrics);
  if (!store) _exit(3);
  const auto ledger = Ledger::open(**store, clock);
  if (!ledger) _exit(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      while (true) {
        std::uint64_t index = 0;
        const auto result = (*store)->run([&](store::Transaction& transaction) -> Result<void> {
          TRY(index, (*ledger)->append(transaction, "test.happened", nullptr));
          return {};
        });
        if (!result) _exit(5);
        if (::write(acknowledged, &index, sizeof index) != sizeof index) _exit(6);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(7);
}

// The roots of the first `size` entries and of all, from the texts alone.
struct Roots {
  Digest earlier;
  Head now;
};
Roots recompute(const Ledger& ledger, std::uint64_t size) {
  Roots roots;
  RightEdge edge;
  roots.earlier = edge.root();
  while (true) {
    const std::vector<Entry> entries = ledger.read(edge.size(), 1'000).value();
    if (entries.empty()) break;
    for (const Entry& entry : entries) {
      edge.append(leaf_hash(entry.text));
      if (edge.size() == size) roots.earlier = edge.root();
    }
  }
  roots.now = {edge.size(), edge.root()};
  return roots;
}

TEST(LedgerKill, EveryAcknowledgedEntrySurvivesAndHistoryIsNeverRewritten) {
  std::string folder = testing::TempDir() + "keyturn-ledger-kill-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/keyturn.db";
  ManualClock clock;
  SeededRandom random(81);
  Head before;
  before.root = RightEdge().root();
  for (int round = 0; round < kRounds; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      append_until_killed(path, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t acknowledged = 0;
    std::uint64_t index = 0;
    for (int left = 1 + static_cast<unsigned char>(random.bytes(1)[0]); left > 0; --left) {
      ASSERT_EQ(::read(ends[0], &index, sizeof index), static_cast<ssize_t>(sizeof index));
      acknowledged = std::max(acknowledged, index + 1);
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    while (::read(ends[0], &index, sizeof index) == sizeof index) {
      acknowledged = std::max(acknowledged, index + 1);
    }
    ::close(ends[0]);

    MemoryLog log;
    Metrics metrics;
    const auto store = store::open_sqlite({.path = path}, clock, log, metrics).value();
    const auto ledger = Ledger::open(*store, clock).value();
    const Head now = ledger->verify().value();
    EXPECT_GE(now.size, acknowledged);
    const Roots roots = recompute(*ledger, before.size);
    EXPECT_EQ(roots.earlier, before.root) << "round " << round;
    EXPECT_EQ(roots.now.size, now.size);
    EXPECT_EQ(roots.now.root, now.root);
    before = now;
  }
  EXPECT_GE(before.size, static_cast<std::uint64_t>(kRounds));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace keyturn::ledger
