// What the conformance tests of all engines share: a store over a folder of its own, opened by the
// engine under test.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/random.h"
#include "store/store.h"
#include "store/temporary_folder_test.h"

namespace keyturn {

inline void PrintTo(const Result<void>& result, std::ostream* out) {
  *out << (result ? "done"
                  : fmt::format("{}: {}", to_string(result.error().code), result.error().message));
}

namespace store {

// A result that is no error, for EXPECT_EQ.
struct Done {
  friend void PrintTo(Done, std::ostream* out) { *out << "done"; }
};
inline constexpr Done kDone;
inline bool operator==(const Result<void>& result, Done) { return result.has_value(); }
inline Code code_of(const Result<void>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Code::kInternal : result.error().code;
}

struct EngineUnderTest {
  std::string name;
  std::function<Result<std::unique_ptr<Store>>(const std::string& folder, const Clock& clock,
                                               Log& log, Metrics& metrics)>
      open;
};

inline void PrintTo(const EngineUnderTest& engine, std::ostream* out) { *out << engine.name; }

class StoreConformance : public testing::TestWithParam<EngineUnderTest> {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    store_.reset();
    auto opened = GetParam().open(folder_.path(), clock_, log_, metrics_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void make_table() {
    const bool sqlite = store_->engine() == Engine::kSqlite;
    const std::vector<Migration> steps = {
        {1,
         {fmt::format("CREATE TABLE test_items (id {} PRIMARY KEY, name TEXT UNIQUE, data {})",
                      sqlite ? "INTEGER" : "BIGINT", sqlite ? "BLOB" : "BYTEA")}}};
    ASSERT_EQ(store_->migrate("test", steps), kDone);
  }
  static Unit insert(std::int64_t id) {
    return [id](Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute("INSERT INTO test_items (id, name) VALUES (?1, ?2)",
                                   {id, std::to_string(id)}));
      return {};
    };
  }
  // The ids in the table, as a reader sees them.
  std::vector<std::int64_t> ids() {
    std::vector<std::int64_t> found;
    EXPECT_EQ(store_->read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows rows, transaction.query("SELECT id FROM test_items ORDER BY id"));
      for (const Row& row : rows) found.push_back(row.integer(0));
      return {};
    }),
              kDone);
    return found;
  }
  // Holds the writer thread inside a unit, so that what is submitted meanwhile shares batches.
  class Plug {
   public:
    explicit Plug(Store& store) {
      store.submit(
          [this](Transaction&) -> Result<void> {
            entered_.set_value();
            opened_.get_future().wait();
            return {};
          },
          [](Result<void>) {});
      entered_.get_future().wait();
    }
    void open() { opened_.set_value(); }

   private:
    std::promise<void> entered_;
    std::promise<void> opened_;
  };

  TemporaryFolder folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::unique_ptr<Store> store_;
};

}  // namespace store
}  // namespace keyturn
