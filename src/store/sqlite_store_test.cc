#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include "base/random.h"
#include "store/sqlite_connection.h"
#include "store/store.h"
#include "store/temporary_folder_test.h"

namespace keyturn::store {
namespace {

class SqliteStoreTest : public testing::Test {
 protected:
  std::string path(std::string_view name = "keyturn.db") const {
    return fmt::format("{}/{}", folder_.path(), name);
  }
  Result<std::unique_ptr<Store>> open() {
    return open_sqlite({.path = path()}, clock_, log_, metrics_);
  }
  static Result<void> make_table(Store& store) {
    const std::vector<Migration> steps = {
        {1, {"CREATE TABLE test_items (id INTEGER PRIMARY KEY, data BLOB)"}}};
    return store.migrate("test", steps);
  }
  static Result<void> insert(Store& store, std::int64_t id, std::size_t bytes = 10) {
    return store.run([=](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute("INSERT INTO test_items (id, data) VALUES (?1, ?2)",
                                   {id, Blob{std::string(bytes, 'x')}}));
      return {};
    });
  }
  static std::int64_t count(Store& store) {
    std::int64_t found = -1;
    EXPECT_TRUE(store.read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows rows, transaction.query("SELECT count(*) FROM test_items"));
      found = rows[0].integer(0);
      return {};
    }));
    return found;
  }
  // Leaves a database as a process does that is killed: files and marker as they are now.
  void copy_as_after_a_kill(const std::string& to) const {
    std::filesystem::create_directories(to);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      // The shared-memory file is an index that SQLite rebuilds.
      if (entry.path().extension() == ".db-shm" || entry.is_directory()) continue;
      std::filesystem::copy(entry.path(), to / entry.path().filename());
    }
  }
  static void overwrite(const std::string& file, std::streamoff at, std::string_view bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(stream.good());
  }

  TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST(SqliteVersion, WithTheWalResetBugIsRefused) {
  for (const int bad : {3'007'000, 3'040'001, 3'051'002, 3'052'000}) {
    EXPECT_EQ(check_sqlite_version(bad).error().code, Code::kUnavailable) << bad;
  }
  for (const int good : {3'051'003, 3'051'010, 3'052'001, 3'053'002, 4'000'000}) {
    EXPECT_TRUE(check_sqlite_version(good)) << good;
  }
  EXPECT_TRUE(check_sqlite_version(sqlite3_libversion_number()));
}

TEST_F(SqliteStoreTest, CreatesItsFolderAndKeepsOthersOut) {
  const auto store = open_sqlite({.path = path("a/b/keyturn.db")}, clock_, log_, metrics_).value();
  ASSERT_TRUE(make_table(*store));
  struct stat found{};
  ASSERT_EQ(::stat(path("a/b").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
  for (const char* name : {"a/b/keyturn.db", "a/b/keyturn.db-wal", "a/b/keyturn.db-shm"}) {
    ASSERT_EQ(::stat(path(name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0077U, 0U) << name;
  }
}

TEST_F(SqliteStoreTest, AFolderServesOneStoreAtATime) {
  auto store = open().value();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_NE(second.error().message.find("is in use"), std::string::npos);
  store->close();
  EXPECT_TRUE(open()) << "whoever is closed holds it no more";
}

TEST_F(SqliteStoreTest, AFolderServesOneProcessAtATime) {
  int ready[2];
  int finish[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(finish), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  char byte = 0;
  if (child == 0) {
    ::close(finish[1]);
    const auto store = open();
    byte = store ? 'y' : 'n';
    static_cast<void>(!::write(ready[1], &byte, 1));
    static_cast<void>(!::read(finish[0], &byte, 1));
    _exit(0);
  }
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(open().error().code, Code::kConflict);
  for (const int end : {ready[0], ready[1], finish[0], finish[1]}) ::close(end);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  // The child did not close its store: the lock is gone with it, the marker is not.
  EXPECT_TRUE(open());
  EXPECT_EQ(log_.lines().size(), 1U);
}

TEST_F(SqliteStoreTest, OnlyOneConnectionCanWrite) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  EXPECT_EQ(count(*store), 0);
  int writers = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path(), error) != path()) continue;
    const int flags = fcntl(std::stoi(entry.path().filename()), F_GETFL);
    writers += (flags & O_ACCMODE) == O_RDONLY ? 0 : 1;
  }
  EXPECT_EQ(writers, 1);
}

TEST_F(SqliteStoreTest, RunsWithTheSafeSettings) {
  auto connection =
      (open().value(), SqliteConnection::open(path(), SqliteConnection::Access::kWrite).value());
  const auto pragma = [&](std::string_view name) {
    return connection->query(fmt::format("PRAGMA {}", name)).value().at(0).values().at(0);
  };
  EXPECT_EQ(pragma("journal_mode"), Value("wal"));
  EXPECT_EQ(pragma("synchronous"), Value(std::int64_t{2}));
  EXPECT_EQ(pragma("foreign_keys"), Value(std::int64_t{1}));
  EXPECT_EQ(pragma("trusted_schema"), Value(std::int64_t{0}));
  EXPECT_EQ(pragma("wal_autocheckpoint"), Value(std::int64_t{0}));
  EXPECT_EQ(pragma("recursive_triggers"), Value(std::int64_t{1}));
  EXPECT_TRUE(connection->query("PRAGMA mmap_size").value().empty() ||
              pragma("mmap_size") == Value(std::int64_t{0}));
  // Double quotes are for names.
  EXPECT_FALSE(connection->query("SELECT \"no such column\""));
}

TEST_F(SqliteStoreTest, EnforcesForeignKeysAndStrictTypes) {
  const auto store = open().value();
  const std::vector<Migration> steps = {
      {1,
       {"CREATE TABLE test_a (id INTEGER PRIMARY KEY) STRICT",
        "CREATE TABLE test_b (a INTEGER NOT NULL REFERENCES test_a (id)) STRICT"}}};
  ASSERT_TRUE(store->migrate("test", steps));
  const auto code_after = [&](std::string_view sql) {
    const auto unit = [sql](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    };
    return store->run(unit).error().code;
  };
  EXPECT_EQ(code_after("INSERT INTO test_b (a) VALUES (1)"), Code::kConflict);
  EXPECT_EQ(code_after("INSERT INTO test_a (id) VALUES ('one')"), Code::kInternal);
  EXPECT_EQ(code_after("INSERT INTO test_b (a) VALUES ('one')"), Code::kInternal);
}

TEST_F(SqliteStoreTest, ACleanStopLeavesOneFileAndNoMarker) {
  {
    const auto store = open().value();
    ASSERT_TRUE(make_table(*store));
    EXPECT_TRUE(std::filesystem::exists(path("store.in-use")));
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    files.push_back(entry.path().filename());
  }
  EXPECT_EQ(files, std::vector<std::string>{"keyturn.db"});
  EXPECT_TRUE(open());
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(SqliteStoreTest, AnUncleanStopIsNoticedAndWhatWasCommittedIsThere) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  for (int id = 0; id < 100; ++id) ASSERT_TRUE(insert(*store, id));
  const std::string copy = path("copy");
  copy_as_after_a_kill(copy);
  const auto again = open_sqlite({.path = copy + "/keyturn.db"}, clock_, log_, metrics_).value();
  EXPECT_EQ(count(*again), 100);
  ASSERT_EQ(log_.lines().size(), 1U);
  EXPECT_NE(log_.lines()[0].find("store.unclean_stop"), std::string::npos);
}

// A crash may tear the log's tail: then the last commits are gone, never half of one.
TEST_F(SqliteStoreTest, ATornLogGivesAPrefixOfTheCommits) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  for (int id = 0; id < 40; ++id) ASSERT_TRUE(insert(*store, id, 3'000));
  const std::string whole = path("whole");
  copy_as_after_a_kill(whole);
  const auto size = std::filesystem::file_size(whole + "/keyturn.db-wal");
  SeededRandom random(31);
  std::int64_t most = -1;
  for (int round = 0; round < 30; ++round) {
    const std::string torn = path(fmt::format("torn-{}", round));
    std::filesystem::copy(whole, torn);
    const std::string bytes = random.bytes(8);
    std::uint64_t where = 0;
    std::memcpy(&where, bytes.data(), sizeof where);
    where %= size;
    if (round % 2 == 0) {
      std::filesystem::resize_file(torn + "/keyturn.db-wal", where);
    } else {
      overwrite(torn + "/keyturn.db-wal", static_cast<std::streamoff>(where), "torn");
    }
    const auto again = open_sqlite({.path = torn + "/keyturn.db"}, clock_, log_, metrics_).value();
    ASSERT_TRUE(make_table(*again));
    std::int64_t found = 0;
    ASSERT_TRUE(again->read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows rows, transaction.query("SELECT id FROM test_items ORDER BY id"));
      for (const Row& row : rows) EXPECT_EQ(row.integer(0), found++);
      return {};
    }));
    most = std::max(most, found);
  }
  EXPECT_GT(most, 0);
  EXPECT_LE(most, 40);
}

TEST_F(SqliteStoreTest, ADamagedDatabaseDoesNotOpenAfterAnUncleanStop) {
  {
    const auto store = open().value();
    ASSERT_TRUE(make_table(*store));
    for (int id = 0; id < 200; ++id) ASSERT_TRUE(insert(*store, id, 500));
  }
  std::ofstream(path("store.in-use")).close();
  // The middle of the file: pages of the table.
  overwrite(path(),
            static_cast<std::streamoff>(std::filesystem::file_size(path()) / 2 / 4'096 * 4'096),
            std::string(2'000, '\xA5'));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_NE(opened.error().message.find("restore a backup"), std::string::npos);
  // It stays refused.
  EXPECT_EQ(open().error().code, Code::kCorrupt);
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefusedAndLeftAsItIs) {
  const std::string text(10'000, 'n');
  std::ofstream(path()) << text;
  EXPECT_EQ(open().error().code, Code::kCorrupt);
  std::ifstream file(path());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
  EXPECT_EQ(open_sqlite({.path = folder_.path() + "/"}, clock_, log_, metrics_).error().code,
            Code::kInvalid);
}

// The limit on a file's size stands for a full disk: it needs no mount and no root.
TEST_F(SqliteStoreTest, AFullDiskFailsUnitsAndReadsGoOnAndSpaceHeals) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  for (int id = 0; id < 10; ++id) ASSERT_TRUE(insert(*store, id));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(path("keyturn.db-wal")) + 20'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  int refused = 0;
  std::int64_t id = 10;
  for (int i = 0; i < 20; ++i) {
    const Result<void> result = insert(*store, id, 3'000);
    if (result) {
      ++id;
      continue;
    }
    ++refused;
    EXPECT_EQ(result.error().code, Code::kExhausted) << result.error().message;
    EXPECT_EQ(count(*store), id);
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20);
  EXPECT_TRUE(insert(*store, id, 3'000));
  EXPECT_EQ(count(*store), id + 1);
}

TEST_F(SqliteStoreTest, TheLogIsMovedIntoTheDatabaseUnderLoad) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  std::uintmax_t largest = 0;
  for (int id = 0; id < 60; ++id) {
    ASSERT_TRUE(insert(*store, id, 1'000'000));
    largest = std::max(largest, std::filesystem::file_size(path("keyturn.db-wal")));
  }
  EXPECT_LT(largest, 25'000'000U);
  EXPECT_GT(std::filesystem::file_size(path()), 30'000'000U);
}

TEST_F(SqliteStoreTest, ALogThatAReaderHeldBackIsCutOnceTheReaderIsDone) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  std::promise<void> reading;
  std::promise<void> done;
  std::thread reader([&] {
    EXPECT_TRUE(store->read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows before, transaction.query("SELECT count(*) FROM test_items"));
      reading.set_value();
      done.get_future().wait();
      TRY(const Rows after, transaction.query("SELECT count(*) FROM test_items"));
      EXPECT_EQ(after[0].integer(0), before[0].integer(0));
      return {};
    }));
  });
  reading.get_future().wait();
  for (int id = 0; id < 70; ++id) ASSERT_TRUE(insert(*store, id, 1'000'000));
  EXPECT_GT(std::filesystem::file_size(path("keyturn.db-wal")), 64'000'000U);
  done.set_value();
  reader.join();
  // The log is cut after a batch is answered, before the next one begins.
  ASSERT_TRUE(insert(*store, 70));
  ASSERT_TRUE(insert(*store, 71));
  EXPECT_LT(std::filesystem::file_size(path("keyturn.db-wal")), 1'000'000U);
  EXPECT_EQ(count(*store), 72);
}

TEST_F(SqliteStoreTest, KeepsABoundedNumberOfStatementsAndAllStillWork) {
  const auto store = open().value();
  ASSERT_TRUE(store->run([](Transaction& transaction) -> Result<void> {
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 600; ++i) {
        TRY(const Rows rows,
            transaction.query(fmt::format("SELECT {} + ?1", i), {std::int64_t{1}}));
        EXPECT_EQ(rows[0].integer(0), i + 1);
      }
    }
    return {};
  }));
}

TEST_F(SqliteStoreTest, AQueryOfTooManyRowsIsRefused) {
  const auto store = open().value();
  const auto rows = [&](std::size_t count) {
    return store->read([&](Transaction& transaction) -> Result<void> {
      TRY_VOID(
          transaction.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                            "WHERE i < ?1) SELECT i FROM n",
                            {static_cast<std::int64_t>(count)}));
      return {};
    });
  };
  EXPECT_TRUE(rows(Transaction::kQueryRowsMax));
  EXPECT_EQ(rows(Transaction::kQueryRowsMax + 1).error().code, Code::kExhausted);
}

TEST_F(SqliteStoreTest, CountsWhatItDoes) {
  const auto store = open().value();
  ASSERT_TRUE(make_table(*store));
  ASSERT_TRUE(insert(*store, 1));
  ASSERT_FALSE(insert(*store, 1));
  store->close();
  ASSERT_FALSE(insert(*store, 2));
  const std::string text = metrics_.render();
  EXPECT_NE(text.find("keyturn_store_units_total{result=\"committed\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_store_units_total{result=\"failed\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_store_units_total{result=\"refused\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace keyturn::store
