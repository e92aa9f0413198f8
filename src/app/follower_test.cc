// Two gateways over one database: what one does holds at the other.
#include "app/follower.h"

#include <gmock/gmock.h>

#include <thread>

#include "gate/fixture_test.h"
#include "store/postgres_cluster_test.h"

namespace keyturn::app {
namespace {

using gate::action_of;
using testing::ElementsAre;

// One gateway's rooms.
struct Gateway {
  Gateway(const std::string& schema, const Clock& clock, Random& random,
          const crypto::SealingKey& key)
      : store(store::open_postgres({.url = store::postgres_cluster().url(), .schema = schema},
                                   clock, log, metrics)
                  .value()),
        ledger(ledger::Ledger::open(*store, clock).value()),
        identity(identity::Identity::open(*store, clock, random, key).value()),
        reviews(review::Reviews::open(*store, *identity, clock, random, {}).value()),
        gate(std::make_unique<gate::Gate>(*store, *ledger, *identity, *reviews, clock, log, metrics,
                                          gate::GateOptions{})) {
    EXPECT_TRUE(gate->set_policies(gate::load(gate::pack_files())));
    EXPECT_TRUE(identity->refresh());
    follower = std::make_unique<Follower>(Follower::Needs{*ledger, *identity, *gate, log},
                                          ledger->head().value().size);
  }
  ~Gateway() { store->close(); }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // As the API does: in a transaction, with its entry, and then seen here.
  void write(std::string_view kind, const std::function<void(store::Transaction&)>& work) {
    const auto done = store->run([&](store::Transaction& transaction) -> Result<void> {
      work(transaction);
      TRY_VOID(ledger->append(transaction, kind, Json::object({})));
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(identity->refresh());
  }

  Result<gate::Decision> decide(const Action& action, const std::string& access_key_id,
                                std::optional<gate::Sending> sending = std::nullopt) {
    gate::Question question{identity->find_key(access_key_id), action, "req-1", "because"};
    question.sending = std::move(sending);
    std::promise<Result<gate::Decision>> promise;
    auto future = promise.get_future();
    gate->decide(std::move(question), [&promise](Result<gate::Decision> decision) {
      promise.set_value(std::move(decision));
    });
    return future.get();
  }

  Result<void> finish(std::uint64_t index, int status) {
    std::promise<Result<void>> promise;
    auto future = promise.get_future();
    gate->record_outcome(index, "req-1", {gate::Outcome::Kind::kAnswered, status, "", 0},
                         [&promise](Result<void> result) { promise.set_value(std::move(result)); });
    return future.get();
  }

  MemoryLog log;
  Metrics metrics;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<review::Reviews> reviews;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<Follower> follower;
};

class TwoGateways : public testing::Test {
 protected:
  TwoGateways() {
    here_ = std::make_unique<Gateway>(schema_, clock_, random_, key_);
    there_ = std::make_unique<Gateway>(schema_, clock_, random_, key_);
    here_->write("person.created", [this](store::Transaction& transaction) {
      for (const char* name : {"alice", "bob", "carol", "dave"}) {
        tokens_.push_back(
            here_->identity->create_person(transaction, {PersonId(name), name}).value());
      }
      EXPECT_TRUE(here_->identity->create_agent(transaction, AgentId("kiro"), PersonId("alice")));
    });
    here_->write("session.started", [this](store::Transaction& transaction) {
      access_key_id_ =
          here_->identity
              ->start_session(transaction, {AgentId("kiro"), PersonId("alice"), "fix the bug"})
              .value()
              .keys.access_key_id;
    });
  }

  static Action destroy() { return action_of(Effect::kDestroy, Tier::kProduction); }
  static Action change() { return action_of(Effect::kChange, Tier::kDevelopment); }
  gate::Sending sending(const std::string& invocation, const std::string& peer = "10.0.0.7") {
    return {"signature", invocation, peer, clock_.now() + std::chrono::minutes(5)};
  }
  void approve_at(Gateway& gateway, const review::Change& change) {
    for (const char* person : {"bob", "carol"}) {
      const auto given = gateway.gate->give_review(change.id, PersonId(person),
                                                   review::Answer::kApprove, change.digest, "yes");
      EXPECT_TRUE(given) << given.error().message;
    }
  }

  ManualClock clock_;
  SeededRandom random_{7};
  crypto::SealingKey key_ = crypto::SealingKey::from_bytes(std::string(32, 'k')).value();
  gate::Folder folder_;
  const std::string schema_ = store::schema_for_folder(folder_.path);
  std::vector<crypto::Secret> tokens_;
  std::string access_key_id_;
  std::unique_ptr<Gateway> here_;
  std::unique_ptr<Gateway> there_;
};

TEST_F(TwoGateways, ASessionThatWasStartedHereIsKnownThereWhenItIsAskedFor) {
  EXPECT_EQ(there_->identity->find_key(access_key_id_), nullptr);
  EXPECT_FALSE(there_->identity->look_for_key("ASIANOBODYSKEYATALL1"));
  EXPECT_FALSE(there_->identity->look_for_key("\xff"));
  EXPECT_TRUE(there_->identity->look_for_key(access_key_id_));
  ASSERT_NE(there_->identity->find_key(access_key_id_), nullptr);
  EXPECT_EQ(there_->decide(change(), access_key_id_)->kind, VerdictKind::kAllow);
}

TEST_F(TwoGateways, WhoWasMadeOrSuspendedHereIsSoThereAtOnce) {
  ASSERT_TRUE(there_->identity->authenticate(tokens_[1].view()));
  here_->write("person.suspended", [this](store::Transaction& transaction) {
    EXPECT_TRUE(here_->identity->set_person_state(transaction, PersonId("bob"),
                                                  identity::State::kSuspended));
  });
  const auto refused = there_->identity->authenticate(tokens_[1].view());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("suspended"), std::string::npos);
  EXPECT_EQ(there_->identity->authenticate("ktp_nobodys").error().code, Code::kDenied);
}

TEST_F(TwoGateways, ReviewsGivenThereWakeWhoWaitsHereAndTheGrantIsUsedOnce) {
  const auto held = here_->decide(destroy(), access_key_id_);
  ASSERT_TRUE(held && held->change) << held.error().message;
  std::atomic<int> woken{0};
  const auto listening = here_->gate->listen(*held->change, [&woken] { ++woken; });
  here_->follower->look();
  woken = 0;
  here_->follower->look();
  EXPECT_EQ(woken, 0) << "nothing has happened";
  there_->follower->look();
  approve_at(*there_, *held->change);
  EXPECT_EQ(woken, 0);
  here_->follower->look();
  EXPECT_GT(woken, 0);
  std::vector<std::thread> threads;
  std::atomic<int> allowed{0};
  for (Gateway* gateway : {here_.get(), there_.get(), here_.get(), there_.get()}) {
    threads.emplace_back([&, gateway] {
      const auto decision = gateway->decide(destroy(), access_key_id_);
      if (decision && decision->kind == VerdictKind::kAllow) ++allowed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 1);
  EXPECT_TRUE(there_->ledger->verify());
}

TEST_F(TwoGateways, WhatWasSentHereIsDeniedThereUnlessItWasNotExecuted) {
  ASSERT_TRUE(there_->identity->look_for_key(access_key_id_));
  const auto sent = here_->decide(change(), access_key_id_, sending("one"));
  ASSERT_EQ(sent->kind, VerdictKind::kAllow);
  const auto kind_there = [this](const gate::Sending& copy) {
    return there_->decide(change(), access_key_id_, copy)->kind;
  };
  EXPECT_EQ(kind_there(sending("one")), VerdictKind::kDeny) << "a copy";
  EXPECT_EQ(kind_there(sending("")), VerdictKind::kDeny) << "a copy that names no invocation";
  EXPECT_EQ(kind_there(sending("two", "10.0.0.8")), VerdictKind::kDeny) << "from elsewhere";
  EXPECT_EQ(kind_there(sending("two")), VerdictKind::kAllow) << "an equal call in that second";
  clock_.advance(std::chrono::seconds(3));
  EXPECT_EQ(kind_there(sending("three")), VerdictKind::kDeny) << "too late for one";
  ASSERT_TRUE(here_->finish(sent->ledger_index, 500));
  EXPECT_EQ(kind_there(sending("one")), VerdictKind::kDeny) << "the equal call was executed";

  gate::Sending failed = sending("one");
  failed.signature = "another";
  const auto refused = here_->decide(change(), access_key_id_, failed);
  ASSERT_TRUE(here_->finish(refused->ledger_index, 500));
  EXPECT_EQ(kind_there(failed), VerdictKind::kAllow);
  clock_.advance(std::chrono::minutes(10));
  EXPECT_TRUE(there_->gate->sweep());
  EXPECT_EQ(kind_there(failed), VerdictKind::kDeny) << "other clocks may be behind";
  clock_.advance(std::chrono::minutes(20));
  EXPECT_TRUE(there_->gate->sweep());
  EXPECT_EQ(kind_there(failed), VerdictKind::kAllow) << "it has not passed verification for long";
}

TEST_F(TwoGateways, WhatAGatewayThatIsGoneLeftIsUnknownAndWhatLivingOnesDoIsLeftAlone) {
  ASSERT_TRUE(there_->identity->look_for_key(access_key_id_));
  const auto lost = here_->decide(change(), access_key_id_);
  const auto going_on = there_->decide(change(), access_key_id_);
  EXPECT_TRUE(there_->gate->settle_after_crash()->empty());
  // As another would after its silence.
  std::int64_t number = 0;
  EXPECT_TRUE(here_->store->run([&number](store::Transaction& transaction) -> Result<void> {
    number = transaction.writer();
    return {};
  }));
  EXPECT_TRUE(there_->store->run([number](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("DELETE FROM store_members WHERE number = ?1", {number}));
    return {};
  }));
  EXPECT_THAT(there_->gate->settle_after_crash().value(), ElementsAre(lost->ledger_index));
  EXPECT_TRUE(there_->finish(going_on->ledger_index, 200));
  const auto late = here_->finish(lost->ledger_index, 200);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kConflict);
  const auto again = here_->decide(change(), access_key_id_);
  ASSERT_TRUE(again);
  EXPECT_TRUE(there_->gate->settle_after_crash()->empty()) << "it is a member anew";
  EXPECT_TRUE(here_->finish(again->ledger_index, 200));
}

TEST_F(TwoGateways, OtherPoliciesThereAreToldOfOnce) {
  here_->follower->look();
  const auto told = [this] {
    int count = 0;
    for (const std::string& line : here_->log.lines()) {
      if (line.find("policies.differ") != std::string::npos) ++count;
    }
    return count;
  };
  EXPECT_EQ(told(), 0);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(
        there_->gate->set_policies(gate::policies_of("permit (principal, action, resource);")));
    here_->follower->look();
  }
  EXPECT_EQ(told(), 1);
}

}  // namespace
}  // namespace keyturn::app
