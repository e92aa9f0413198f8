// A ledger in a folder of its own, with a publisher beside it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/random.h"
#include "ledger/check.h"
#include "ledger/publisher.h"

namespace keyturn::ledger {

class PublishedLog : public testing::Test {
 protected:
  PublishedLog() : log_folder_("") {
    std::string name = testing::TempDir() + "keyturn-published-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    log_folder_ = LogFolder(root_ + "/ledger");
    open_store();
  }
  ~PublishedLog() override {
    publisher_.reset();
    ledger_.reset();
    store_.reset();
    std::filesystem::remove_all(root_);
  }
  void open_store() {
    publisher_.reset();
    ledger_.reset();
    store_.reset();
    store_ = store::open_sqlite({.path = root_ + "/keyturn.db"}, clock_, log_, metrics_).value();
    ledger_ = Ledger::open(*store_, clock_).value();
  }
  static LogKey key(std::uint64_t seed = 1) {
    SeededRandom random(seed);
    return LogKey::generate("ledger.example/test", random).value();
  }
  Result<void> open_publisher(std::uint64_t seed = 1) {
    publisher_.reset();
    TRY(publisher_, Publisher::open(*ledger_, key(seed), root_ + "/ledger", log_));
    return {};
  }
  void append(std::uint64_t count) {
    constexpr std::uint64_t kUnit = 5'000;
    while (count > 0) {
      const std::uint64_t now = std::min(count, kUnit);
      count -= now;
      ASSERT_TRUE(store_->run([&](store::Transaction& transaction) -> Result<void> {
        for (std::uint64_t i = 0; i < now; ++i) {
          TRY_VOID(ledger_->append(transaction, "test.happened", Json::object({{"i", next_++}})));
        }
        return {};
      }));
    }
  }
  void append_and_publish(std::uint64_t count) {
    append(count);
    if (!publisher_) {
      ASSERT_TRUE(open_publisher());
    }
    const auto tree = publisher_->publish();
    ASSERT_TRUE(tree) << tree.error().message;
  }
  ReadFile reader() const {
    return [this](const std::string& name) { return log_folder_.read(name); };
  }
  Result<Checkpoint> check(const std::optional<Checkpoint>& kept = std::nullopt) const {
    TRY(const Checkpoint checkpoint, check_log(reader(), key().verifier(), kept));
    TRY(const auto others, check_other_files(log_folder_, checkpoint.size));
    EXPECT_TRUE(others.empty()) << others.front();
    return checkpoint;
  }
  Checkpoint checkpoint() const {
    return read_checkpoint(log_folder_.read(kCheckpointFile).value(), key().verifier(), "it")
        .value();
  }
  std::string path(const std::string& name) const { return root_ + "/ledger/" + name; }
  std::string bytes_of(const std::string& name) const { return log_folder_.read(name).value(); }
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  Result<void> execute(std::string_view sql) {
    return store_->run([sql](store::Transaction& transaction) -> Result<void> {
      TRY_VOID(transaction.execute(sql));
      return {};
    });
  }

  std::string root_;
  LogFolder log_folder_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Publisher> publisher_;
  std::uint64_t next_ = 0;
};

}  // namespace keyturn::ledger
