// A whole gate over a store of its own, with persons, an agent and a session, for this room's
// tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "gate/gate.h"

namespace keyturn::gate {

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "keyturn-gate-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

// A store that fails on demand, as a broken disk does.
class FailingStore final : public store::Store {
 public:
  enum class Fault { kNone, kUnit, kCommit, kQueue };
  explicit FailingStore(store::Store& inner) : inner_(inner) {}
  std::atomic<Fault> fault{Fault::kNone};

  store::Engine engine() const override { return inner_.engine(); }
  bool is_shared() const override { return inner_.is_shared(); }
  Result<void> migrate(std::string_view room, std::span<const store::Migration> steps) override {
    return inner_.migrate(room, steps);
  }
  void submit(store::Unit unit, store::Committed done) override {
    switch (fault.load()) {
      case Fault::kNone:
        return inner_.submit(std::move(unit), std::move(done));
      case Fault::kQueue:
        return done(fail(Code::kExhausted, "the queue is full"));
      case Fault::kUnit:
        return inner_.submit(
            [](store::Transaction&) -> Result<void> {
              return fail(Code::kExhausted, "the disk is full");
            },
            std::move(done));
      case Fault::kCommit:
        // The unit runs to its end, and only then all is lost.
        return inner_.submit(
            [unit](store::Transaction& transaction) -> Result<void> {
              TRY_VOID(unit(transaction));
              return fail(Code::kUnavailable, "the commit failed");
            },
            std::move(done));
    }
  }
  Result<void> read(const store::Unit& unit) override { return inner_.read(unit); }
  void set_batch_step(store::Unit step, store::Committed done) override {
    inner_.set_batch_step(std::move(step), std::move(done));
  }
  void close() override { inner_.close(); }

 private:
  bool on_writer_thread() const override { return false; }
  store::Store& inner_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::filesystem::path pack_folder() {
  return std::filesystem::path(KEYTURN_SOURCE_DIR) / "policies";
}

inline Policies::File pack_schema() {
  return {"keyturn.cedarschema", read_text(pack_folder() / "keyturn.cedarschema")};
}

inline std::vector<Policies::File> pack_files() {
  std::vector<Policies::File> files;
  for (const auto& entry : std::filesystem::directory_iterator(pack_folder())) {
    if (entry.path().extension() != ".cedar") continue;
    files.push_back({entry.path().filename().string(), read_text(entry.path())});
  }
  return files;
}

inline std::shared_ptr<const Policies> load(const std::vector<Policies::File>& files) {
  auto policies = Policies::load(files, pack_schema());
  EXPECT_TRUE(policies) << policies.error().message;
  return policies ? *policies : nullptr;
}

inline std::shared_ptr<const Policies> policies_of(const std::string& text) {
  return load({{"test.cedar", text}});
}

inline Action action_of(Effect effect, Tier tier, const std::string& name = "thing") {
  Action action;
  action.door = "aws";
  action.service = "dynamodb";
  action.operation = "DeleteTable";
  action.iam_actions = {"dynamodb:DeleteTable"};
  action.effect = effect;
  action.understood = true;
  Resource resource;
  resource.name = "arn:aws-cn:dynamodb:cn-northwest-1:123456789012:table/" + name;
  resource.type = "dynamodb:table";
  resource.account = "123456789012";
  resource.region = "cn-northwest-1";
  resource.tier = tier;
  resource.environment = std::string(to_string(tier));
  action.resources = {resource};
  action.parameters = Json::object({{"TableName", name}});
  action.canonical_request = fmt::format("{} {} {}", to_string(effect), to_string(tier), name);
  action.digest = crypto::sha256(action.canonical_request);
  return action;
}

// alice owns kiro; bob, carol and dave may review.
class GateTest : public testing::Test {
 protected:
  GateTest() {
    store_ = get(store::open_sqlite({folder_.path + "/keyturn.db"}, clock_, log_, metrics_));
    failing_ = std::make_unique<FailingStore>(*store_);
    ledger_ = get(ledger::Ledger::open(*store_, clock_));
    identity_ = get(identity::Identity::open(*store_, clock_, random_, key_));
    reviews_ = get(review::Reviews::open(*store_, *identity_, clock_, random_, {}));
    gate_ = std::make_unique<Gate>(*failing_, *ledger_, *identity_, *reviews_, clock_, log_,
                                   metrics_, GateOptions{});
    write([this](store::Transaction& transaction) {
      for (const char* name : {"alice", "bob", "carol", "dave"}) {
        EXPECT_TRUE(identity_->create_person(transaction, {PersonId(name), name}));
      }
      EXPECT_TRUE(identity_->create_agent(transaction, AgentId("kiro"), PersonId("alice")));
    });
    holder_ = start_session("alice");
    EXPECT_TRUE(gate_->set_policies(load(pack_files())));
  }
  // Work that is queued refers to the gate.
  ~GateTest() override { store_->close(); }

  template <class T>
  static T get(Result<T> result) {
    EXPECT_TRUE(result) << result.error().message;
    return std::move(result).value();
  }

  void write(const std::function<void(store::Transaction&)>& work) {
    const auto result = store_->run([&](store::Transaction& transaction) -> Result<void> {
      work(transaction);
      return {};
    });
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_TRUE(identity_->refresh());
  }

  std::shared_ptr<const identity::KeyHolder> start_session(const std::string& starter) {
    std::string access_key_id;
    write([&](store::Transaction& transaction) {
      const auto started = identity_->start_session(
          transaction, {AgentId("kiro"), PersonId(starter), "fix the rounding bug"});
      ASSERT_TRUE(started) << started.error().message;
      access_key_id = started->keys.access_key_id;
    });
    return identity_->find_key(access_key_id);
  }

  void suspend(const std::string& person) {
    write([&](store::Transaction& transaction) {
      EXPECT_TRUE(
          identity_->set_person_state(transaction, PersonId(person), identity::State::kSuspended));
    });
  }

  Result<Decision> decide(const Action& action) { return decide(action, holder_); }
  Result<Decision> decide(const Action& action, std::shared_ptr<const identity::KeyHolder> holder) {
    std::promise<Result<Decision>> promise;
    auto future = promise.get_future();
    gate_->decide(
        {std::move(holder), action, "req-1", "because"},
        [&promise](Result<Decision> decision) { promise.set_value(std::move(decision)); });
    return future.get();
  }

  Result<review::Reviews::Given> review(const Decision& decision, const std::string& person,
                                        review::Answer answer = review::Answer::kApprove,
                                        const std::string& words = "looks right") {
    return gate_->give_review(decision.change->id, PersonId(person), answer,
                              decision.change->digest, words);
  }

  Result<void> finish(std::uint64_t index, Outcome outcome) {
    std::promise<Result<void>> promise;
    auto future = promise.get_future();
    gate_->record_outcome(index, "req-1", std::move(outcome), [&promise](Result<void> result) {
      promise.set_value(std::move(result));
    });
    return future.get();
  }

  // Kinds of all entries, from `from` on.
  std::vector<std::string> kinds(std::uint64_t from = 0) {
    std::vector<std::string> kinds;
    for (const ledger::Entry& entry : get(ledger_->read(from, 1'000))) kinds.push_back(entry.kind);
    return kinds;
  }
  std::uint64_t size() { return get(ledger_->head()).size; }
  Json body(std::uint64_t index) {
    const auto entries = get(ledger_->read(index, 1));
    return *get(parse_strict(entries.front().text)).find("body");
  }

  Folder folder_;
  ManualClock clock_;
  SeededRandom random_{7};
  MemoryLog log_;
  Metrics metrics_;
  crypto::SealingKey key_ = get(crypto::SealingKey::from_bytes(std::string(32, 'k')));
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<FailingStore> failing_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<review::Reviews> reviews_;
  std::unique_ptr<Gate> gate_;
  std::shared_ptr<const identity::KeyHolder> holder_;
};

}  // namespace keyturn::gate
