#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "base/random.h"
#include "store/store.h"
#include "store/temporary_folder_test.h"

namespace keyturn::store {
namespace {

constexpr int kThreads = 4;

Result<std::unique_ptr<Store>> open_at(const std::string& folder, const Clock& clock, Log& log,
                                       Metrics& metrics) {
  TRY(auto store, open_sqlite({.path = folder + "/keyturn.db"}, clock, log, metrics));
  const std::vector<Migration> steps = {{1,
                                         {"CREATE TABLE test_items (id INTEGER PRIMARY KEY)",
                                          "CREATE TABLE test_twins (id INTEGER PRIMARY KEY)"}}};
  TRY_VOID(store->migrate("test", steps));
  return store;
}

// Writes numbers to two tables, each in one unit, and says each number that was acknowledged. Ends
// by being killed.
[[noreturn]] void write_until_killed(const std::string& folder, int acknowledged,
                                     std::int64_t from) {
  const SystemClock clock;
  StreamLog log(STDERR_FILENO, Level::kError, clock);
  Metrics metrics;
  const auto store = open_at(folder, clock, log, metrics);
  if (!store) _exit(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&store, acknowledged, from, t] {
      for (std::int64_t id = from + t;; id += kThreads) {
        const auto result = (*store)->run([id](Transaction& transaction) -> Result<void> {
          TRY_VOID(transaction.execute("INSERT INTO test_items (id) VALUES (?1)", {id}));
          TRY_VOID(transaction.execute("INSERT INTO test_twins (id) VALUES (?1)", {id}));
          return {};
        });
        if (!result) _exit(4);
        if (::write(acknowledged, &id, sizeof id) != sizeof id) _exit(5);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(6);
}

std::set<std::int64_t> ids_in(Store& store, std::string_view table) {
  std::set<std::int64_t> ids;
  EXPECT_TRUE(store.read([&](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows, transaction.query(fmt::format("SELECT id FROM {}", table)));
    for (const Row& row : rows) ids.insert(row.integer(0));
    return {};
  }));
  return ids;
}

// Invariant 1 rests on this: what was answered is there, and no unit is there by half.
TEST(SqliteKill, WhatWasAcknowledgedSurvivesKillingTheProcessAtAnyMoment) {
  const TemporaryFolder folder;
  ManualClock clock;
  SeededRandom random(41);
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(folder.path(), ends[1], round * 1'000'000);
    }
    ::close(ends[1]);
    // The moment of death: after so many answers, including none.
    const int answers = round == 0 ? 0 : static_cast<unsigned char>(random.bytes(1)[0]) * 2;
    std::int64_t id = 0;
    for (int i = 0; i < answers; ++i) {
      ASSERT_EQ(::read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
      acknowledged.insert(id);
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    // What was answered just before.
    while (::read(ends[0], &id, sizeof id) == sizeof id) acknowledged.insert(id);
    ::close(ends[0]);

    MemoryLog log;
    Metrics metrics;
    const auto store = open_at(folder.path(), clock, log, metrics).value();
    const std::set<std::int64_t> found = ids_in(*store, "test_items");
    EXPECT_EQ(found, ids_in(*store, "test_twins"));
    EXPECT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()))
        << "round " << round;
  }
  EXPECT_GT(acknowledged.size(), 100U);
}

}  // namespace
}  // namespace keyturn::store
