// Every database that an earlier version may have left is brought up to date with what it holds.
#include <gtest/gtest.h>

#include <map>

#include "api/api.h"
#include "crypto/crypto.h"
#include "gate/gate.h"
#include "ledger/contents.h"
#include "review/review.h"
#include "store/postgres_cluster_test.h"
#include "store/transfer.h"
#include "vault/vault.h"

namespace keyturn::app {
namespace {

using store::Transaction;
using Versions = std::map<std::string, std::size_t, std::less<>>;

// As an earlier version's program: it knows only the first steps of each room.
class Earlier final : public store::Store {
 public:
  Earlier(store::Store& inner, const Versions& versions) : inner_(inner), versions_(versions) {}
  store::Engine engine() const override { return inner_.engine(); }
  bool is_shared() const override { return inner_.is_shared(); }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override {
    known[std::string(room)] = migrations.size();
    const auto version = versions_.find(room);
    const std::size_t count = version == versions_.end() ? migrations.size() : version->second;
    return inner_.migrate(room, migrations.first(std::min(count, migrations.size())));
  }
  void submit(store::Unit unit, store::Committed done) override {
    inner_.submit(std::move(unit), std::move(done));
  }
  Result<void> read(const store::Unit& unit) override { return inner_.read(unit); }
  void set_batch_step(store::Unit step, store::Committed done) override {
    inner_.set_batch_step(std::move(step), std::move(done));
  }
  void close() override {}

  Versions known;  // how many steps each room has by now

 private:
  bool on_writer_thread() const override { return false; }  // the inner one looks

  store::Store& inner_;
  const Versions& versions_;
};

class MigrationsTest : public testing::TestWithParam<store::Engine> {
 protected:
  std::unique_ptr<store::Store> open(const std::string& name) {
    const store::TemporaryFolder& folder = folder_;
    auto store =
        GetParam() == store::Engine::kSqlite
            ? store::open_sqlite({.path = fmt::format("{}/{}/keyturn.db", folder.path(), name)},
                                 clock_, log_, metrics_)
            : store::open_postgres(
                  {.url = store::postgres_cluster().url(),
                   .schema = fmt::format("{}_{}", store::schema_for_folder(folder.path()), name)},
                  clock_, log_, metrics_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Result<std::unique_ptr<ledger::Ledger>> prepare(store::Store& store) {
    TRY(auto ledger, ledger::Ledger::open(store, clock_));
    TRY_VOID(identity::Identity::prepare(store));
    TRY_VOID(vault::Vault::prepare(store));
    TRY_VOID(review::Reviews::prepare(store));
    TRY_VOID(gate::Gate::prepare(store));
    TRY_VOID(api::Api::prepare(store));
    return ledger;
  }
  Versions newest() {
    const Versions all;
    const auto store = open("newest");
    Earlier program(*store, all);
    EXPECT_TRUE(prepare(program));
    return program.known;
  }
  // What an earlier gate left: a decision with content beside it, one without an outcome.
  Result<void> leave_records(store::Store& store, ledger::Ledger& ledger, const Versions& at) {
    return store.run([&](Transaction& transaction) -> Result<void> {
      TRY_VOID(ledger.append(transaction, "person.created", Json::object({{"person", "alice"}})));
      TRY_VOID(
          ledger.append(transaction, "action.decided",
                        Json::object({{"action", Json::object({{"beside", digest_.hex()}})}})));
      TRY_VOID(transaction.execute(
          "INSERT INTO gate_unfinished (decided_index, request_id) VALUES (1, 'req')"));
      TRY_VOID(transaction.execute("INSERT INTO gate_packs (digest, pack) VALUES ('d', 'pack')"));
      if (at.at("gate") == 2 || at.at("gate") == 3) {
        TRY_VOID(transaction.execute("INSERT INTO gate_contents (digest, content) VALUES (?1, ?2)",
                                     {digest_.hex(), content_}));
      } else if (at.at("gate") > 3) {
        TRY_VOID(ledger::keep_content(transaction, 1, {digest_, content_}));
      }
      return {};
    });
  }
  void expect_records(store::Store& store, ledger::Ledger& ledger, const Versions& was) {
    const auto head = ledger.verify();
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->size, 2U);
    const auto read = store.read([&](Transaction& transaction) -> Result<void> {
      TRY(const auto contents, ledger::load_contents(transaction, 1));
      EXPECT_EQ(contents.size(), was.at("gate") >= 2 ? 1U : 0U);
      for (const ledger::Content& content : contents) EXPECT_EQ(content.text, content_);
      TRY(const auto unfinished, transaction.query("SELECT request_id FROM gate_unfinished"));
      EXPECT_EQ(unfinished.at(0).text(0), "req");
      TRY(const auto packs, transaction.query("SELECT pack FROM gate_packs"));
      EXPECT_EQ(packs.at(0).text(0), "pack");
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    const auto more = store.run([&](Transaction& transaction) -> Result<void> {
      TRY_VOID(ledger.append(transaction, "person.created", Json::object({{"person", "bob"}})));
      return ledger::keep_content(transaction, 2, {digest_, content_});
    });
    EXPECT_TRUE(more) << more.error().message;
  }
  // Every table with its columns, as an export names them.
  static std::vector<std::string> tables(store::Store& store) {
    std::vector<std::string> heads;
    const auto done =
        store::export_store(store, Json(), [&](std::string_view line) -> Result<void> {
          if (line.find("\"columns\"") != std::string_view::npos) heads.emplace_back(line);
          return {};
        });
    EXPECT_TRUE(done) << done.error().message;
    return heads;
  }

  store::TemporaryFolder folder_;
  const std::string content_ = "what is kept beside the log";
  const Digest digest_ = crypto::sha256(content_);
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST_P(MigrationsTest, FromEveryEarlierVersionEndInTheSameTablesAndLoseNothing) {
  const Versions now = newest();
  ASSERT_GE(now.at("gate"), 4U);
  const std::vector<std::string> expected = tables(*open("newest"));
  ASSERT_FALSE(expected.empty());
  int tried = 0;
  for (const auto& [room, steps] : now) {
    for (std::size_t step = 1; step <= steps; ++step) {
      // The gate's fourth step fills a table of the ledger's second.
      for (std::size_t log = room == "gate" && step < 4 ? 1 : now.at("ledger");
           log <= now.at("ledger"); ++log) {
        Versions was = now;
        was["ledger"] = room == "ledger" ? step : log;
        was[room] = step;
        if (was["ledger"] < 2) was["gate"] = std::min<std::size_t>(was["gate"], 3);
        SCOPED_TRACE(fmt::format("{} {}, ledger {}", room, step, was["ledger"]));
        const std::string name = fmt::format("v{}", ++tried);
        {
          const auto store = open(name);
          Earlier program(*store, was);
          auto ledger = prepare(program);
          ASSERT_TRUE(ledger) << ledger.error().message;
          const auto left = leave_records(program, **ledger, was);
          ASSERT_TRUE(left) << left.error().message;
          store->close();
        }
        const auto store = open(name);
        const auto ledger = prepare(*store);
        ASSERT_TRUE(ledger) << ledger.error().message;
        expect_records(*store, **ledger, was);
        EXPECT_EQ(tables(*store), expected);
      }
    }
  }
  EXPECT_GE(tried, 10);
}

TEST_P(MigrationsTest, AnEarlierProgramRefusesANewerDatabase) {
  Versions was = newest();
  for (const char* room : {"gate", "ledger"}) {
    Versions earlier = was;
    --earlier[room];
    const auto store = open("newest");
    Earlier program(*store, earlier);
    const auto refused = prepare(program);
    ASSERT_FALSE(refused) << room;
    EXPECT_EQ(refused.error().code, Code::kConflict) << refused.error().message;
    EXPECT_NE(refused.error().message.find("a newer version wrote it"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, MigrationsTest,
                         testing::Values(store::Engine::kSqlite, store::Engine::kPostgres),
                         [](const auto& engine) {
                           return engine.param == store::Engine::kSqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace keyturn::app
