#include <gmock/gmock.h>

#include "gate/bodies.h"
#include "gate/fixture_test.h"
#include "ledger/contents.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ErasureTest : public GateTest {
 protected:
  static Action secret_action(Effect effect, Tier tier) {
    Action action = action_of(effect, tier);
    action.parameters = Json::object({{"Environment", "sk-live-secret"}});
    return action;
  }
  std::vector<ledger::Content> contents(std::uint64_t index) {
    std::vector<ledger::Content> found;
    EXPECT_TRUE(store_->read([&](store::Transaction& transaction) -> Result<void> {
      TRY(found, ledger::load_contents(transaction, index));
      return {};
    }));
    return found;
  }
  Result<Gate::Erased> erase(std::uint64_t index) {
    return gate_->erase_contents({index, PersonId("root"), "holds a key"});
  }
  review::Change change(ChangeId id) {
    std::optional<review::Change> found;
    EXPECT_TRUE(store_->read([&](store::Transaction& transaction) -> Result<void> {
      TRY(found, reviews_->get_change(transaction, id));
      return {};
    }));
    return *found;
  }
};

TEST_F(ErasureTest, ParametersAreKeptBesideTheLogAndNotInIt) {
  const Action action = secret_action(Effect::kObserve, Tier::kProduction);
  const auto decision = decide(action);
  ASSERT_TRUE(decision);
  const auto entries = get(ledger_->read(0, 100));
  for (const auto& entry : entries) EXPECT_THAT(entry.text, Not(HasSubstr("sk-live-secret")));
  const auto kept = contents(decision->ledger_index);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].text, to_canonical(action.parameters));
  EXPECT_EQ(
      body(decision->ledger_index).find("action")->find("parameters")->string_or("sha256", ""),
      kept[0].digest.hex());
}

TEST_F(ErasureTest, WhatIsErasedIsGoneEverywhereAndTheLogStillVerifies) {
  const Action action = secret_action(Effect::kDestroy, Tier::kProduction);
  const auto first = decide(action);
  const auto again = decide(action);  // waits for the same change
  ASSERT_EQ(first->kind, VerdictKind::kHold);
  ASSERT_TRUE(review(*first, "bob", review::Answer::kReject, "no"));
  const auto before = get(ledger_->read(0, 100));
  const auto erased = erase(first->ledger_index);
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_THAT(erased->entries, ElementsAre(first->ledger_index, again->ledger_index));
  EXPECT_FALSE(erased->more);
  EXPECT_TRUE(contents(first->ledger_index).empty());
  EXPECT_TRUE(contents(again->ledger_index).empty());
  const review::Change over = change(first->change->id);
  EXPECT_THAT(to_text(over.action), Not(HasSubstr("sk-live-secret")));
  EXPECT_EQ(over.digest, first->change->digest);
  const auto after = get(ledger_->read(0, 100));
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i].text, before[i].text);
  EXPECT_EQ(after.back().kind, "content.erased");
  EXPECT_THAT(after.back().text, HasSubstr("holds a key"));
  EXPECT_TRUE(ledger_->verify());
  // The agent still reads the rejection.
  EXPECT_THAT(decide(action)->message, HasSubstr("no"));
}

TEST_F(ErasureTest, TheErasedBytesLeaveTheDatabaseFile) {
  const auto decision = decide(secret_action(Effect::kObserve, Tier::kProduction));
  ASSERT_TRUE(erase(decision->ledger_index));
  store_->close();
  EXPECT_THAT(read_text(folder_.path + "/keyturn.db"), Not(HasSubstr("sk-live-secret")));
}

TEST_F(ErasureTest, WhatReviewersStillNeedIsNotErased) {
  const auto held = decide(secret_action(Effect::kDestroy, Tier::kProduction));
  const auto refused = erase(held->ledger_index);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("still waits"));
  EXPECT_EQ(contents(held->ledger_index).size(), 1U);
  // Past its time it may, swept or not.
  clock_.advance(std::chrono::hours(48));
  ASSERT_TRUE(erase(held->ledger_index));
  EXPECT_EQ(change(held->change->id).state, review::ChangeState::kExpired);
}

TEST_F(ErasureTest, ErasingTwiceOrNothingOrWithoutAReasonIsRefused) {
  const auto decision = decide(secret_action(Effect::kObserve, Tier::kProduction));
  EXPECT_EQ(gate_->erase_contents({decision->ledger_index, PersonId("root"), ""}).error().code,
            Code::kInvalid);
  ASSERT_TRUE(erase(decision->ledger_index));
  EXPECT_EQ(erase(decision->ledger_index).error().code, Code::kNotFound);
  EXPECT_EQ(erase(0).error().code, Code::kNotFound);
  EXPECT_EQ(erase(UINT64_MAX).error().code, Code::kNotFound);
}

TEST_F(ErasureTest, AnOlderDatabaseBringsWhatItKeptByDigest) {
  const auto steps = migrations(store::Engine::kSqlite);
  Folder folder;
  const auto store = get(store::open_sqlite({folder.path + "/old.db"}, clock_, log_, metrics_));
  const auto ledger = get(ledger::Ledger::open(*store, clock_));
  ASSERT_TRUE(store->migrate("gate", std::vector(steps.begin(), steps.begin() + 3)));
  const std::string content = R"({"resources":[1]})";
  const Digest digest = crypto::sha256(content);
  ASSERT_TRUE(store->run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("INSERT INTO gate_contents (digest, content) VALUES (?1, ?2)",
                                 {digest.hex(), content}));
    TRY_VOID(ledger->append(transaction, "session.started",
                            Json::object({{"purpose", "\"beside\":\"" + digest.hex() + "\""}})));
    TRY_VOID(ledger->append(transaction, "action.decided",
                            Json::object({{"action", Json::object({{"beside", digest.hex()}})}})));
    return {};
  }));
  ASSERT_TRUE(store->migrate("gate", steps));
  ASSERT_TRUE(store->read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto kept, ledger::load_contents(transaction, 1));
    EXPECT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept.at(0).text, content);
    TRY(const auto none, ledger::load_contents(transaction, 0));
    EXPECT_TRUE(none.empty());
    return {};
  }));
  store->close();
}

}  // namespace
}  // namespace keyturn::gate
