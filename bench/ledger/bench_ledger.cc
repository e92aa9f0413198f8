// bench_ledger FOLDER RECEIPT_ENTRIES POSTGRES: what a durable entry costs, beside what it stands
// on. Prints one line of tab-separated figures for each measurement:
//   append NAME WRITERS per_second p50_ms p99_ms
//   verify NAME entries seconds
//   receipt entries p50_ms p99_ms most_ms
//   memory entries mebibytes
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>  // tidy: the bare engine is the baseline
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/random.h"
#include "crypto/crypto.h"
#include "ledger/check.h"
#include "ledger/ledger.h"
#include "ledger/publisher.h"
#include "ledger/receipt.h"
#include "ledger/tree.h"

namespace keyturn::bench {
namespace {

constexpr std::size_t kEntryBytes = 512;
constexpr Duration kPeriod = std::chrono::seconds(4);  // of each measurement
constexpr std::size_t kLoops = 2;                      // threads that hand in work, as a gateway's
constexpr std::array<std::size_t, 4> kWriters = {1, 8, 64, 512};
constexpr std::uint64_t kVerified = 200'000;
constexpr int kReceipts = 500;

const SystemClock& system_clock_of_bench() {
  static const SystemClock clock;
  return clock;
}

double seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::duration<double>>(duration).count();
}

// How many took how many microseconds: of one size, so that it is not taken for the ledger's
// memory.
class Latencies {
 public:
  void add(Duration latency) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
    ++counts_[std::min(static_cast<std::size_t>(std::max<std::int64_t>(micros, 0)), kMicrosMax)];
    ++size_;
  }
  void add(const Latencies& others) {
    for (std::size_t i = 0; i <= kMicrosMax; ++i) counts_[i] += others.counts_[i];
    size_ += others.size_;
  }
  std::size_t size() const { return size_; }
  // Milliseconds that this share of them did not exceed.
  double at(double share) const {
    CHECK(size_ > 0);
    const auto place = static_cast<std::size_t>(share * static_cast<double>(size_ - 1));
    std::size_t before = 0;
    std::size_t micros = 0;
    while ((before += counts_[micros]) <= place) ++micros;
    return static_cast<double>(micros) / 1e3;
  }

 private:
  static constexpr std::size_t kMicrosMax = 200'000;  // and more
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(kMicrosMax + 1);
  std::size_t size_ = 0;
};

void report(std::string_view name, std::size_t writers, const Latencies& latencies, Duration took,
            std::size_t entries) {
  fmt::print("append\t{}\t{}\t{:.0f}\t{:.3f}\t{:.3f}\n", name, writers,
             static_cast<double>(entries) / seconds(took), latencies.at(0.5), latencies.at(0.99));
  std::fflush(stdout);
}

// One entry, one write, one fdatasync.
void measure_fdatasync(const std::string& folder) {
  const Clock& clock = system_clock_of_bench();
  const std::string path = folder + "/bare";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  CHECK(file >= 0);
  const std::string entry(kEntryBytes, 'e');
  Latencies latencies;
  const Instant begin = clock.monotonic();
  Instant now = begin;
  while (now - begin < kPeriod) {
    CHECK(::write(file, entry.data(), entry.size()) == static_cast<ssize_t>(entry.size()));
    CHECK(::fdatasync(file) == 0);
    const Instant then = clock.monotonic();
    latencies.add(then - now);
    now = then;
  }
  ::close(file);
  report("fdatasync", 1, latencies, now - begin, latencies.size());
}

void execute(sqlite3* database, const char* sql) {
  char* error = nullptr;
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, &error);
  if (code != SQLITE_OK) fmt::print(stderr, "{}: {}\n", sql, error == nullptr ? "" : error);
  CHECK(code == SQLITE_OK);
}

// The same engine with the same durability and nothing around it: `batch` rows a commit.
void measure_sqlite(const std::string& folder, std::size_t batch) {
  const Clock& clock = system_clock_of_bench();
  sqlite3* database = nullptr;
  const std::string path = fmt::format("{}/bare-{}.db", folder, batch);
  CHECK(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  execute(database, "PRAGMA journal_mode = WAL");
  execute(database, "PRAGMA synchronous = FULL");
  execute(database, "CREATE TABLE entries (id INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT");
  sqlite3_stmt* insert = nullptr;
  CHECK(sqlite3_prepare_v2(database, "INSERT INTO entries (entry) VALUES (?1)", -1, &insert,
                           nullptr) == SQLITE_OK);
  const std::string entry(kEntryBytes, 'e');
  Latencies latencies;
  std::size_t entries = 0;
  const Instant begin = clock.monotonic();
  Instant now = begin;
  while (now - begin < kPeriod) {
    execute(database, "BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < batch; ++i, ++entries) {
      sqlite3_bind_text(insert, 1, entry.data(), static_cast<int>(entry.size()), SQLITE_STATIC);
      CHECK(sqlite3_step(insert) == SQLITE_DONE);
      sqlite3_reset(insert);
    }
    execute(database, "COMMIT");
    const Instant then = clock.monotonic();
    latencies.add(then - now);
    now = then;
  }
  sqlite3_finalize(insert);
  sqlite3_close(database);
  report("bare sqlite, rows a commit", batch, latencies, now - begin, entries);
}

// A ledger in a store, as a server has it.
struct World {
  static std::unique_ptr<World> in_sqlite(const std::string& folder) {
    auto world = std::make_unique<World>();
    world->open(store::open_sqlite({.path = folder + "/keyturn.db"}, system_clock_of_bench(),
                                   world->log, world->metrics));
    return world;
  }
  static std::unique_ptr<World> in_postgres(const std::string& url, const std::string& schema) {
    auto world = std::make_unique<World>();
    world->open(store::open_postgres({.url = url, .schema = schema}, system_clock_of_bench(),
                                     world->log, world->metrics));
    return world;
  }
  void open(Result<std::unique_ptr<store::Store>> opened) {
    CHECK(opened);
    store = std::move(*opened);
    auto made = ledger::Ledger::open(*store, system_clock_of_bench());
    CHECK(made);
    ledger = std::move(*made);
  }
  ~World() { store->close(); }
  StreamLog log{STDERR_FILENO, Level::kWarning, system_clock_of_bench()};
  Metrics metrics;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ledger::Ledger> ledger;
};

// A body that makes an entry of kEntryBytes, whatever its index has of digits.
std::string body_of() {
  const std::size_t around = 120;  // index, kind, time and version, and the body's own braces
  return R"({"filler":")" + std::string(kEntryBytes - around, 'f') + R"("})";
}

// Writers in a closed loop: each hands in its next entry when the last one is durable. Answers go
// to the threads that handed in, as a server's go to its event loops; these share out the worlds.
class Load {
 public:
  Load(std::vector<World*> worlds, std::size_t writers)
      : worlds_(std::move(worlds)), loops_(kLoops), writers_(writers) {
    for (std::size_t i = 0; i < kLoops; ++i) loops_[i].world = worlds_[i % worlds_.size()];
  }

  void run(std::string_view name) {
    const Clock& clock = system_clock_of_bench();
    const Instant begin = clock.monotonic();
    end_ = begin + kPeriod;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const std::size_t share = writers_ / kLoops + (i < writers_ % kLoops ? 1 : 0);
      threads.emplace_back([this, i, share] { work(loops_[i], share); });
    }
    for (std::thread& thread : threads) thread.join();
    const Duration took = clock.monotonic() - begin;
    Latencies latencies;
    for (const Loop& loop : loops_) latencies.add(loop.latencies);
    report(name, writers_, latencies, took, latencies.size());
  }

 private:
  struct Loop {
    World* world = nullptr;
    std::mutex mutex;
    std::condition_variable woken;
    std::vector<Instant> durable;  // when their writers had handed in
    Latencies latencies;
  };

  void hand_in(Loop& loop) {
    const Instant since = system_clock_of_bench().monotonic();
    loop.world->store->submit(
        [this, &loop](store::Transaction& transaction) -> Result<void> {
          TRY_VOID(loop.world->ledger->append_canonical(transaction, "action.decided", body_));
          return {};
        },
        [&loop, since](const Result<void>& committed) {
          CHECK(committed);
          const std::lock_guard lock(loop.mutex);
          loop.durable.push_back(since);
          if (loop.durable.size() == 1) loop.woken.notify_one();
        });
  }

  void work(Loop& loop, std::size_t writers) {
    for (std::size_t i = 0; i < writers; ++i) hand_in(loop);
    std::size_t busy = writers;
    std::vector<Instant> durable;
    while (busy > 0) {
      {
        std::unique_lock lock(loop.mutex);
        loop.woken.wait(lock, [&loop] { return !loop.durable.empty(); });
        durable.swap(loop.durable);
      }
      const Instant now = system_clock_of_bench().monotonic();
      for (const Instant since : durable) {
        loop.latencies.add(now - since);
        if (now < end_) {
          hand_in(loop);
        } else {
          --busy;
        }
      }
      durable.clear();
    }
  }

  const std::vector<World*> worlds_;
  std::vector<Loop> loops_;
  const std::size_t writers_;
  const std::string body_ = body_of();
  Instant end_;
};

// Resident memory that is the process's own, without mapped files.
double resident_mebibytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) / 1024;
  }
  return 0;
}

void report_memory(const World& world) {
  const auto head = world.ledger->head();
  CHECK(head);
  fmt::print("memory\t{}\t{:.1f}\n", head->size, resident_mebibytes());
}

void measure_ledger(const std::string& folder) {
  for (const std::size_t writers : kWriters) {
    const std::string own = fmt::format("{}/ledger-{}", folder, writers);
    std::filesystem::create_directories(own);
    const auto world = World::in_sqlite(own);
    Load({world.get()}, writers).run("keyturn");
    if (writers != kWriters.back()) continue;
    report_memory(*world);
    for (int round = 0; round < 2; ++round) {
      Load({world.get()}, writers).run("keyturn, longer log");
      report_memory(*world);
    }
  }
}

void measure_ledger_in_postgres(const std::string& url) {
  for (const std::size_t writers : kWriters) {
    const std::string schema = fmt::format("bench_{}", writers);
    const auto world = World::in_postgres(url, schema);
    Load({world.get()}, writers).run("keyturn, PostgreSQL");
    if (writers < kLoops) continue;
    const auto beside = World::in_postgres(url, schema);
    Load({world.get(), beside.get()}, writers).run("keyturn, PostgreSQL, two gateways");
  }
}

// A published log of `count` entries, written by the room's builder without a database.
ledger::LogKey publish(const std::string& folder, std::uint64_t count) {
  SystemRandom random;
  auto key = ledger::LogKey::generate("ledger.example/bench", random);
  CHECK(key);
  ledger::LogFolder files(folder);
  ledger::TileBuilder builder;
  const auto sink = [&files](const ledger::TileId& id, std::string_view bytes) {
    return files.write(id.path(), bytes);
  };
  std::string entry(kEntryBytes, 'e');
  for (std::uint64_t i = 0; i < count; ++i) {
    fmt::format_to_n(entry.data(), 20, "{:020}", i);
    CHECK(builder.append(entry, sink));
  }
  CHECK(builder.emit_partial(sink));
  CHECK(files.sync());
  const ledger::Tree tree = builder.tree();
  const auto note = key->sign({key->origin(), tree.size, tree.root});
  CHECK(note);
  CHECK(files.write(ledger::kCheckpointFile, *note));
  CHECK(files.sync());
  return std::move(*key);
}

void measure_verify(const std::string& folder) {
  const Clock& clock = system_clock_of_bench();
  const ledger::LogKey key = publish(folder, kVerified);
  const ledger::LogFolder files(folder);
  const auto read = [&files](const std::string& name) { return files.read(name); };
  const std::string hashed(kEntryBytes + 1, 'e');
  for (int round = 0; round < 3; ++round) {
    Instant begin = clock.monotonic();
    Digest sum;
    for (std::uint64_t i = 0; i < kVerified; ++i) sum = crypto::sha256(hashed);
    fmt::print("verify\tSHA-256 alone\t{}\t{:.3f}\n", kVerified,
               seconds(clock.monotonic() - begin));
    CHECK(sum != Digest());
    begin = clock.monotonic();
    const auto checked = ledger::check_log(read, key.verifier(), std::nullopt);
    CHECK(checked && checked->size == kVerified);
    fmt::print("verify\tkeyturn\t{}\t{:.3f}\n", kVerified, seconds(clock.monotonic() - begin));
  }
}

void measure_receipts(const std::string& folder, std::uint64_t entries) {
  const Clock& clock = system_clock_of_bench();
  const ledger::LogKey key = publish(folder, entries);
  const ledger::LogFolder files(folder);
  const auto read = [&files](const std::string& name) { return files.read(name); };
  std::mt19937_64 random(1);
  Latencies latencies;
  for (int i = 0; i < kReceipts; ++i) {
    const Instant begin = clock.monotonic();
    const auto receipt = ledger::make_receipt(random() % entries, read, key.verifier());
    latencies.add(clock.monotonic() - begin);
    CHECK(receipt && ledger::verify_receipt(*receipt, key.verifier()));
  }
  fmt::print("receipt\t{}\t{:.3f}\t{:.3f}\t{:.3f}\n", entries, latencies.at(0.5),
             latencies.at(0.99), latencies.at(1));
}

void run(const std::string& folder, std::uint64_t receipt_entries, const std::string& postgres) {
  measure_fdatasync(folder);
  for (const std::size_t batch : kWriters) measure_sqlite(folder, batch);
  measure_ledger(folder);
  measure_ledger_in_postgres(postgres);
  measure_verify(folder + "/verified");
  measure_receipts(folder + "/receipts", receipt_entries);
}

}  // namespace
}  // namespace keyturn::bench

int main(int count, char** arguments) {
  std::uint64_t entries = 0;
  const std::string number = count == 4 ? arguments[2] : "";
  if (std::from_chars(number.data(), number.data() + number.size(), entries).ec != std::errc() ||
      entries == 0) {
    std::fputs("usage: bench_ledger FOLDER RECEIPT_ENTRIES POSTGRES\n", stderr);
    return 2;
  }
  keyturn::bench::run(arguments[1], entries, arguments[3]);
  return 0;
}
