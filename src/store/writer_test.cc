#include "store/writer.h"

#include <gtest/gtest.h>

#include <future>

namespace keyturn::store {
namespace {

// An engine that keeps a list of words, and fails where it is told to.
struct Faults {
  bool begin = false;
  bool savepoint = false;
  std::string lose_savepoint_at;  // the word after which a savepoint can neither be kept nor undone
  bool commit = false;
  std::string lose_transaction_at;  // the word whose statement the engine answers with a rollback
};
struct Kept {
  std::vector<std::string> committed;
  Faults faults;
  int idle = 0;
};

class WordConnection final : public WriteConnection {
 public:
  explicit WordConnection(Kept& kept) : kept_(kept) {}
  Engine engine() const override { return Engine::kPostgres; }
  Result<std::int64_t> execute(std::string_view sql, Parameters) override {
    if (sql == kept_.faults.lose_transaction_at) {
      rollback();
      return fail(Code::kExhausted, "disk full");
    }
    words_.emplace_back(sql);
    return 1;
  }
  Result<Rows> query(std::string_view, Parameters) override { return Rows(); }
  Result<void> begin() override {
    if (kept_.faults.begin) return fail(Code::kUnavailable, "no connection");
    words_.clear();
    open_ = true;
    return {};
  }
  Result<void> set_savepoint() override {
    if (kept_.faults.savepoint) return fail(Code::kUnavailable, "no savepoint");
    savepoint_ = words_.size();
    return {};
  }
  Result<void> release_savepoint() override { return check_savepoint(); }
  Result<void> undo_savepoint() override {
    TRY_VOID(check_savepoint());
    words_.resize(savepoint_);
    return {};
  }
  Result<void> commit() override {
    if (kept_.faults.commit) return fail(Code::kExhausted, "disk full");
    kept_.committed.insert(kept_.committed.end(), words_.begin(), words_.end());
    open_ = false;
    return {};
  }
  void rollback() override {
    words_.clear();
    open_ = false;
  }
  bool in_transaction() const override { return open_; }
  std::size_t bytes_written() const override { return 0; }
  void keep_house(Load load) override { kept_.idle += load == Load::kIdle ? 1 : 0; }
  bool wants_idle_time() const override { return kept_.idle == 0; }

 private:
  Result<void> check_savepoint() const {
    if (words_.empty() || words_.back() != kept_.faults.lose_savepoint_at) return {};
    return fail(Code::kUnavailable, "no such savepoint");
  }

  Kept& kept_;
  std::vector<std::string> words_;
  std::size_t savepoint_ = 0;
  bool open_ = false;
};

class WriterTest : public testing::Test {
 protected:
  // Runs units of one word each in one batch; a word beginning with `!` fails. Returns the answers.
  std::vector<std::string> run(const std::vector<std::string>& words, Unit step = nullptr) {
    std::vector<std::string> answers;
    Writer writer(std::make_unique<WordConnection>(kept_), clock_, log_, metrics_);
    if (step) writer.set_batch_step(std::move(step), [](Result<void>) {});
    std::promise<void> entered;
    std::promise<void> opened;
    const Faults faults = std::exchange(kept_.faults, {});
    writer.submit(
        [&](Transaction&) -> Result<void> {
          entered.set_value();
          opened.get_future().wait();
          // So that the plug's own batch is spared.
          return fail(Code::kDenied, "plug");
        },
        [&](Result<void>) { kept_.faults = faults; });
    entered.get_future().wait();
    for (const std::string& word : words) {
      writer.submit(
          [word](Transaction& transaction) -> Result<void> {
            TRY_VOID(transaction.execute(word));
            if (word.starts_with('!')) return fail(Code::kDenied, "{}", word);
            return {};
          },
          [&answers](Result<void> result) {
            answers.push_back(result ? "done" : result.error().message);
          });
    }
    opened.set_value();
    static_cast<void>(writer.close());
    return answers;
  }

  Kept kept_;
  ManualClock clock_;
  MemoryLog log_;
  Metrics metrics_;
};

using Strings = std::vector<std::string>;

TEST_F(WriterTest, CommitsABatchAndUndoesTheFailingUnitAlone) {
  EXPECT_EQ(run({"a", "!b", "c"}), (Strings{"done", "!b", "done"}));
  EXPECT_EQ(kept_.committed, (Strings{"a", "c"}));
}

TEST_F(WriterTest, AFailingCommitFailsEveryUnitOfTheBatch) {
  kept_.faults.commit = true;
  EXPECT_EQ(run({"a", "!b", "c"}), (Strings{"disk full", "!b", "disk full"}));
  EXPECT_TRUE(kept_.committed.empty());
  EXPECT_EQ(log_.lines().size(), 1U);
}

TEST_F(WriterTest, AFailingBeginFailsEveryUnitAndRunsNone) {
  kept_.faults.begin = true;
  EXPECT_EQ(run({"a", "!b"}), (Strings{"no connection", "no connection"}));
  EXPECT_TRUE(kept_.committed.empty());
}

TEST_F(WriterTest, AUnitWithoutASavepointDoesNotRun) {
  kept_.faults.savepoint = true;
  EXPECT_EQ(run({"a", "b"}), (Strings{"no savepoint", "no savepoint"}));
  EXPECT_TRUE(kept_.committed.empty());
}

TEST_F(WriterTest, ATransactionThatTheEngineEndedTakesWhatRanBeforeWithIt) {
  kept_.faults.lose_transaction_at = "c";
  const Strings answers = run({"a", "!b", "c", "d", "e"});
  const std::string lost = "the batch was rolled back: disk full";
  EXPECT_EQ(answers, (Strings{lost, "!b", "disk full", "done", "done"}));
  EXPECT_EQ(kept_.committed, (Strings{"d", "e"}));
}

TEST_F(WriterTest, AUnitThatCanNeitherBeKeptNorUndoneCommitsNothing) {
  const std::string lost = "the batch was rolled back: no such savepoint";
  kept_.faults.lose_savepoint_at = "b";
  EXPECT_EQ(run({"a", "b", "c"}), (Strings{lost, "no such savepoint", "done"}));
  EXPECT_EQ(kept_.committed, Strings{"c"});
  kept_.faults.lose_savepoint_at = "!b";
  EXPECT_EQ(run({"d", "!b", "e"}), (Strings{lost, "no such savepoint", "done"}));
  EXPECT_EQ(kept_.committed, (Strings{"c", "e"}));
}

TEST_F(WriterTest, TheBatchStepIsPartOfTheTransaction) {
  EXPECT_EQ(run({"a"},
                [](Transaction& transaction) -> Result<void> {
                  TRY_VOID(transaction.execute("step"));
                  return {};
                }),
            Strings{"done"});
  EXPECT_EQ(kept_.committed, (Strings{"a", "step"}));
  EXPECT_EQ(
      run({"b"}, [](Transaction&) -> Result<void> { return fail(Code::kCorrupt, "no head"); }),
      Strings{"no head"});
  EXPECT_EQ(kept_.committed, (Strings{"a", "step"}));
  EXPECT_EQ(log_.take_errors().size(), 1U);
}

// Keeps what it is to run, as a simulator does.
struct LateHost final : public WriterHost {
  void schedule(std::function<void()> commit) override { commits.push_back(std::move(commit)); }
  std::vector<std::function<void()>> commits;
};

TEST_F(WriterTest, WithAHostNothingIsCommittedBeforeTheHostSays) {
  LateHost host;
  Writer writer(std::make_unique<WordConnection>(kept_), clock_, log_, metrics_, &host);
  Strings answers;
  const auto submit = [&](const std::string& word) {
    writer.submit(
        [word](Transaction& transaction) -> Result<void> {
          TRY_VOID(transaction.execute(word));
          return {};
        },
        [&answers, word](const Result<void>&) { answers.push_back(word); });
  };
  submit("a");
  submit("b");
  EXPECT_TRUE(kept_.committed.empty());
  ASSERT_EQ(host.commits.size(), 1U) << "asked once for both";
  host.commits.front()();
  EXPECT_EQ(kept_.committed, (Strings{"a", "b"}));
  EXPECT_EQ(answers, (Strings{"a", "b"}));
  submit("c");
  ASSERT_EQ(host.commits.size(), 2U);
  EXPECT_TRUE(writer.commit_here());
  EXPECT_FALSE(writer.commit_here());
  host.commits.back()();  // finds nothing any more
  submit("d");
  static_cast<void>(writer.close());
  EXPECT_EQ(kept_.committed, (Strings{"a", "b", "c", "d"})) << "closing commits what waits";
}

TEST_F(WriterTest, WithAHostItKnowsWhenItIsCalledFromWithinAUnit) {
  LateHost host;
  Writer writer(std::make_unique<WordConnection>(kept_), clock_, log_, metrics_, &host);
  bool in_unit = false;
  bool in_answer = false;
  writer.submit(
      [&](Transaction&) -> Result<void> {
        in_unit = writer.is_this_thread();
        return {};
      },
      [&](const Result<void>&) { in_answer = writer.is_this_thread(); });
  EXPECT_FALSE(writer.is_this_thread());
  host.commits.front()();
  EXPECT_TRUE(in_unit);
  EXPECT_TRUE(in_answer);
  EXPECT_FALSE(writer.is_this_thread());
}

}  // namespace
}  // namespace keyturn::store
