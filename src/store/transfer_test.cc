// From one engine to the other and back: the same lines, the same values.
#include "store/transfer.h"

#include <gtest/gtest.h>

#include <limits>

#include "store/postgres_cluster_test.h"

namespace keyturn::store {
namespace {

using Lines = std::vector<std::string>;

class Transfer : public testing::Test {
 protected:
  std::unique_ptr<Store> open(Engine engine) {
    folders_.push_back(std::make_unique<TemporaryFolder>());
    const std::string& folder = folders_.back()->path();
    auto store =
        engine == Engine::kSqlite
            ? open_sqlite({.path = folder + "/keyturn.db"}, clock_, log_, metrics_)
            : open_postgres({.url = postgres_cluster().url(), .schema = schema_for_folder(folder)},
                            clock_, log_, metrics_);
    EXPECT_TRUE(store) << store.error().message;
    const bool sqlite = engine == Engine::kSqlite;
    const std::string_view integer = sqlite ? "INTEGER" : "BIGINT";
    // By name the first refers to the second.
    const std::vector<Migration> steps = {
        {1,
         {fmt::format("CREATE TABLE test_owners (name TEXT PRIMARY KEY, data {}, number {})",
                      sqlite ? "BLOB" : "BYTEA", integer),
          fmt::format("CREATE TABLE test_items (owner TEXT NOT NULL REFERENCES test_owners (name), "
                      "id {0} NOT NULL, words TEXT, PRIMARY KEY (owner, id))",
                      integer),
          fmt::format("CREATE TABLE test_last (id {0} PRIMARY KEY, last {0} NOT NULL)", integer),
          "INSERT INTO test_last (id, last) VALUES (1, 0)"}}};
    const auto migrated = (*store)->migrate("test", steps);
    EXPECT_TRUE(migrated) << migrated.error().message;
    return std::move(*store);
  }
  static Result<void> fill(Store& store) {
    return store.run([](Transaction& t) -> Result<void> {
      constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
      constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
      std::string every_byte;
      for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
      const std::string_view insert =
          "INSERT INTO test_owners (name, data, number) VALUES (?1, ?2, ?3)";
      TRY_VOID(t.execute(insert, {"b", Blob{every_byte}, kMost}));
      TRY_VOID(t.execute(insert, {"B", Blob{""}, kLeast}));
      TRY_VOID(t.execute(insert, {"\xC3\xA9\n\"quoted\"", Value(), Value()}));
      for (std::int64_t id = -150; id < 150; ++id) {
        TRY_VOID(t.execute("INSERT INTO test_items (owner, id, words) VALUES (?1, ?2, ?3)",
                           {id % 2 == 0 ? "b" : "B", id, std::to_string(id)}));
      }
      TRY_VOID(t.execute("UPDATE test_last SET last = 9007199254740993"));
      return {};
    });
  }
  static Lines exported(Store& store) {
    Lines lines;
    const auto done = export_store(store, "about", [&](std::string_view line) -> Result<void> {
      lines.emplace_back(line);
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return lines;
  }
  static LineSource source_of(Lines lines) {
    return [lines = std::move(lines),
            at = std::size_t{0}]() mutable -> Result<std::optional<std::string>> {
      if (at == lines.size()) return std::nullopt;
      return lines[at++];
    };
  }
  static Result<void> import(Store& store, const Lines& lines) {
    const LineSource source = source_of(lines);
    TRY(const Json about, read_export_head(store, source));
    EXPECT_EQ(about, Json("about"));
    TRY_VOID(import_store(store, source));
    return {};
  }

  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::vector<std::unique_ptr<TemporaryFolder>> folders_;
};

TEST_F(Transfer, FromSqliteToPostgresAndBackGivesTheSameLines) {
  const auto first = open(Engine::kSqlite);
  ASSERT_TRUE(fill(*first));
  const Lines lines = exported(*first);
  EXPECT_EQ(lines.size(), 1 + 3 * 2 + 300 + 3 + 1 + 1U);
  for (const Engine engine : {Engine::kPostgres, Engine::kSqlite}) {
    const auto other = open(engine);
    const auto imported = import(*other, lines);
    ASSERT_TRUE(imported) << imported.error().message;
    ASSERT_TRUE(finish_import(*other));
    EXPECT_EQ(exported(*other), lines);
    EXPECT_TRUE(refuse_half_import(*other));
  }
}

TEST_F(Transfer, ADatabaseThatHoldsSomethingIsRefused) {
  const auto store = open(Engine::kSqlite);
  ASSERT_TRUE(fill(*store));
  const auto again = import(*store, exported(*store));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict) << again.error().message;
  EXPECT_TRUE(refuse_half_import(*store)) << "it was left as it was";
}

TEST_F(Transfer, EveryLineThatIsMissingDoubledOrAlteredIsFoundAndTheDatabaseCountsAsHalf) {
  const auto from = open(Engine::kSqlite);
  ASSERT_TRUE(from->run([](Transaction& t) -> Result<void> {
    TRY_VOID(t.execute("INSERT INTO test_owners (name, data, number) VALUES ('a', ?1, 7)",
                       {Blob{"bytes"}}));
    TRY_VOID(t.execute("INSERT INTO test_owners (name, data, number) VALUES ('b', ?1, 8)",
                       {Blob{"more"}}));
    return {};
  }));
  const Lines lines = exported(*from);
  for (std::size_t line = 1; line < lines.size(); ++line) {
    for (const std::string_view how : {"missing", "doubled", "altered", "cut off"}) {
      Lines damaged = lines;
      const auto at = damaged.begin() + static_cast<std::ptrdiff_t>(line);
      if (how == "missing") damaged.erase(at);
      if (how == "doubled") damaged.insert(at, *at);
      if (how == "altered") {
        char& c = (*at)[at->size() - 3];
        c = static_cast<char>(c == '1' ? '2' : '1');
      }
      if (how == "cut off") damaged.erase(at, damaged.end());
      const auto to = open(Engine::kSqlite);
      const auto imported = import(*to, damaged);
      ASSERT_FALSE(imported) << how << " line " << lines[line];
      const auto half = refuse_half_import(*to);
      ASSERT_FALSE(half) << how << " line " << lines[line];
      EXPECT_EQ(half.error().code, Code::kConflict);
    }
  }
}

TEST_F(Transfer, AnExportOfAnotherVersionIsRefused) {
  const auto from = open(Engine::kSqlite);
  const Lines lines = exported(*from);
  const auto to = open(Engine::kSqlite);
  const std::vector<Migration> other = {{1, {"CREATE TABLE other_items (id INTEGER PRIMARY KEY)"}}};
  ASSERT_TRUE(to->migrate("other", other));
  const auto refused = read_export_head(*to, source_of(lines));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_FALSE(read_export_head(*to, source_of({"{}"})));
  EXPECT_FALSE(read_export_head(*to, source_of({})));
}

TEST_F(Transfer, ATableWithoutAnOrderIsADefect) {
  const auto store = open(Engine::kSqlite);
  const std::vector<Migration> steps = {{1, {"CREATE TABLE keyless_items (id INTEGER)"}}};
  ASSERT_TRUE(store->migrate("keyless", steps));
  const auto done = export_store(*store, {}, [](std::string_view) { return Result<void>(); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInternal);
}

}  // namespace
}  // namespace keyturn::store
