// Persons, agents, sessions and their keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "identity/identity.h"

namespace keyturn::identity {
namespace {

class Accounts : public testing::Test {
 protected:
  Accounts() {
    folder_ = testing::TempDir() + "keyturn-identity-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    store_ = store::open_sqlite({folder_ + "/keyturn.db"}, clock_, log_, metrics_).value();
    identity_ = Identity::open(*store_, clock_, random_, key_).value();
    const auto made = write([this](store::Transaction& transaction) -> Result<void> {
      TRY(token_, identity_->create_person(transaction, {PersonId("alice"), "Alice"}));
      TRY_VOID(identity_->create_agent(transaction, AgentId("kiro"), PersonId("alice")));
      return {};
    });
    EXPECT_TRUE(made);
  }
  ~Accounts() override {
    store_->close();
    std::filesystem::remove_all(folder_);
  }
  Result<void> write(const store::Unit& unit) {
    TRY_VOID(store_->run(unit));
    return identity_->refresh();
  }
  Result<void> start(NewSession wanted) {
    return write([&](store::Transaction& transaction) -> Result<void> {
      TRY(started_, identity_->start_session(transaction, wanted));
      return {};
    });
  }
  NewSession wanted() const { return {AgentId("kiro"), PersonId("alice"), "fix it"}; }

  std::string folder_;
  ManualClock clock_;
  SeededRandom random_{3};
  MemoryLog log_;
  Metrics metrics_;
  crypto::SealingKey key_ = crypto::SealingKey::from_bytes(std::string(32, 'k')).value();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Identity> identity_;
  crypto::Secret token_;
  Identity::StartedSession started_;
};

TEST_F(Accounts, ATokenNamesItsPersonAndNothingElseDoes) {
  EXPECT_TRUE(token_.view().starts_with("ktp_"));
  EXPECT_EQ(identity_->authenticate(token_.view())->id.text(), "alice");
  for (const std::string& wrong : {std::string(), std::string("ktp_"),
                                   std::string(token_.view()) + "x", std::string(1'000'000, 'x')}) {
    EXPECT_EQ(identity_->authenticate(wrong).error().code, Code::kDenied);
  }
}

TEST_F(Accounts, ASuspendedPersonsTokenIsRefusedAndSaysWhy) {
  ASSERT_TRUE(write([this](store::Transaction& transaction) {
    return identity_->set_person_state(transaction, PersonId("alice"), State::kSuspended);
  }));
  const auto person = identity_->authenticate(token_.view());
  ASSERT_FALSE(person);
  EXPECT_EQ(person.error().message, "the person `alice` is suspended; ask an administrator");
}

TEST_F(Accounts, NamesAreTakenOnce) {
  const auto again = write([this](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity_->create_person(transaction, {PersonId("alice"), "Other"}));
    return {};
  });
  EXPECT_EQ(again.error().code, Code::kConflict);
  const auto agent = write([this](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity_->create_agent(transaction, AgentId("kiro"), PersonId("alice")));
    return {};
  });
  EXPECT_EQ(agent.error().code, Code::kConflict);
}

// Whoever makes persons could make the reviewers of their own agent.
TEST_F(Accounts, AdministratorsOwnNoAgents) {
  const auto owns = write([this](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(
        identity_->create_person(transaction, {PersonId("root"), "Root", Role::kAdministrator}));
    TRY_VOID(identity_->create_agent(transaction, AgentId("robot"), PersonId("root")));
    return {};
  });
  ASSERT_FALSE(owns);
  EXPECT_EQ(owns.error().code, Code::kDenied);
}

TEST_F(Accounts, AdministratorsStartNoSessions) {
  ASSERT_TRUE(write([this](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(
        identity_->create_person(transaction, {PersonId("root"), "Root", Role::kAdministrator}));
    return {};
  }));
  const auto started = start({AgentId("kiro"), PersonId("root"), "fix it"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kDenied);
}

TEST_F(Accounts, SessionKeysLookLikeAwsKeysAndOpenAgainAfterARestart) {
  ASSERT_TRUE(start(wanted()));
  const SessionKeys& keys = started_.keys;
  EXPECT_THAT(keys.access_key_id, testing::MatchesRegex("ASIA[A-Z2-7]+"));
  EXPECT_EQ(keys.access_key_id.size(), 20U);
  EXPECT_EQ(keys.secret_access_key.view().size(), 40U);
  EXPECT_TRUE(keys.session_token.view().starts_with("ktst"));
  identity_ = Identity::open(*store_, clock_, random_, key_).value();
  const auto holder = identity_->find_key(keys.access_key_id);
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(holder->keys->secret_access_key.view(), keys.secret_access_key.view());
  EXPECT_EQ(holder->keys->session_token.view(), keys.session_token.view());
  const auto other = crypto::SealingKey::from_bytes(std::string(32, 'x')).value();
  EXPECT_FALSE(Identity::open(*store_, clock_, random_, other));
}

TEST_F(Accounts, KeysDieWithTheirSession) {
  ASSERT_TRUE(start(wanted()));
  const std::string key = started_.keys.access_key_id;
  EXPECT_FALSE(identity_->was_key(key));
  const auto end = [this](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity_->end_session(transaction, started_.session.id));
    return {};
  };
  ASSERT_TRUE(write(end));
  EXPECT_EQ(identity_->find_key(key), nullptr);
  EXPECT_TRUE(identity_->was_key(key));
  EXPECT_FALSE(identity_->was_key("ASIAAAAAAAAAAAAAAAAA"));
  EXPECT_EQ(write(end).error().code, Code::kConflict);
}

TEST_F(Accounts, AnExpiredKeyIsKnownAsSuchWithoutARefresh) {
  ASSERT_TRUE(start(wanted()));
  clock_.advance(std::chrono::hours(8));
  EXPECT_TRUE(identity_->was_key(started_.keys.access_key_id));
  ASSERT_TRUE(identity_->refresh());
  EXPECT_EQ(identity_->find_key(started_.keys.access_key_id), nullptr);
  EXPECT_TRUE(identity_->was_key(started_.keys.access_key_id));
}

TEST_F(Accounts, RefusesBadPurposesAndLifetimes) {
  for (const std::string& purpose :
       {std::string(), std::string("  "), std::string(kPurposeBytesMax + 1, 'x'),
        std::string("a\0b", 3), std::string("\xff"), std::string("a\x1b[2J")}) {
    NewSession session = wanted();
    session.purpose = purpose;
    EXPECT_EQ(start(session).error().code, Code::kInvalid);
  }
  for (const Duration lifetime :
       {Duration::zero(), Duration(-1), Duration(kSessionLifetimeMax) + Duration(1)}) {
    NewSession session = wanted();
    session.lifetime = lifetime;
    EXPECT_EQ(start(session).error().code, Code::kInvalid);
  }
}

TEST_F(Accounts, SuspendedAgentsOwnersAndStrangersStartNothing) {
  NewSession stranger = wanted();
  stranger.starter = PersonId("nobody");
  EXPECT_EQ(start(stranger).error().code, Code::kNotFound);
  ASSERT_TRUE(write([this](store::Transaction& transaction) {
    return identity_->set_agent_state(transaction, AgentId("kiro"), State::kSuspended);
  }));
  EXPECT_EQ(start(wanted()).error().code, Code::kDenied);
}

// Sessions that came from others (STS).
class Children : public Accounts {
 protected:
  Result<void> start_child(const SessionId& parent, Duration lifetime, std::string acts_as = "") {
    return write([&](store::Transaction& transaction) -> Result<void> {
      const Identity::NewChild child{
          .parent = parent, .expiry = clock_.now() + lifetime, .acts_as = std::move(acts_as)};
      TRY(child_, identity_->start_child(transaction, child));
      return {};
    });
  }
  Result<void> end(const SessionId& id) {
    return write([&](store::Transaction& transaction) -> Result<void> {
      TRY(ended_, identity_->end_session(transaction, id));
      return {};
    });
  }
  static constexpr const char* kRole = "arn:aws:sts::123456789012:assumed-role/r/s";

  Identity::StartedSession child_;
  std::vector<SessionId> ended_;
};

TEST_F(Children, AreTheirParentsButForKeysExpiryAndWhomTheyActAs) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(start_child(started_.session.id, std::chrono::hours(1), kRole));
  const auto holder = identity_->find_key(child_.keys.access_key_id);
  ASSERT_NE(holder, nullptr);
  const Session& session = holder->session;
  EXPECT_NE(session.id, started_.session.id);
  EXPECT_NE(child_.keys.access_key_id, started_.keys.access_key_id);
  EXPECT_EQ(session.parent, started_.session.id);
  EXPECT_EQ(session.root, started_.session.id);
  EXPECT_EQ(session.acts_as, kRole);
  EXPECT_EQ(session.starter, started_.session.starter);
  EXPECT_EQ(session.purpose, started_.session.purpose);
  EXPECT_EQ(session.expiry, clock_.now() + std::chrono::hours(1));
  const auto parent = identity_->find_key(started_.keys.access_key_id);
  EXPECT_EQ(parent->session.root, started_.session.id);
  EXPECT_FALSE(parent->session.parent);
  EXPECT_EQ(parent->session.acts_as, "");
}

TEST_F(Children, NeverOutliveTheirParent) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(start_child(started_.session.id, std::chrono::hours(12)));
  EXPECT_EQ(child_.session.expiry, started_.session.expiry);
}

TEST_F(Children, EndWithWhomTheyCameFromAndNotTheOtherWayRound) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(start_child(started_.session.id, std::chrono::hours(1)));
  const Identity::StartedSession first = std::move(child_);
  ASSERT_TRUE(start_child(first.session.id, std::chrono::hours(1), kRole));
  const Identity::StartedSession second = std::move(child_);
  ASSERT_TRUE(start_child(second.session.id, std::chrono::hours(1), kRole));
  EXPECT_EQ(child_.session.root, started_.session.id);
  ASSERT_TRUE(end(second.session.id));
  EXPECT_EQ(ended_, (std::vector<SessionId>{second.session.id, child_.session.id}));
  EXPECT_NE(identity_->find_key(first.keys.access_key_id), nullptr);
  ASSERT_TRUE(end(started_.session.id));
  EXPECT_EQ(ended_, (std::vector<SessionId>{started_.session.id, first.session.id}));
  for (const auto* one : std::initializer_list<const Identity::StartedSession*>{&started_, &first,
                                                                                &second, &child_}) {
    EXPECT_EQ(identity_->find_key(one->keys.access_key_id), nullptr);
    EXPECT_TRUE(identity_->was_key(one->keys.access_key_id));
  }
  EXPECT_EQ(start_child(first.session.id, std::chrono::hours(1)).error().code, Code::kDenied);
}

TEST_F(Children, DoNotComeFromWhoMayNotAct) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(write([this](store::Transaction& transaction) {
    return identity_->set_agent_state(transaction, AgentId("kiro"), State::kSuspended);
  }));
  EXPECT_EQ(start_child(started_.session.id, std::chrono::hours(1)).error().code, Code::kDenied);
  ASSERT_TRUE(write([this](store::Transaction& transaction) {
    return identity_->set_agent_state(transaction, AgentId("kiro"), State::kActive);
  }));
  ASSERT_TRUE(write([this](store::Transaction& transaction) {
    return identity_->set_person_state(transaction, PersonId("alice"), State::kSuspended);
  }));
  EXPECT_EQ(start_child(started_.session.id, std::chrono::hours(1)).error().code, Code::kDenied);
}

// The gate's own rights are more than a role's may be.
TEST_F(Children, OfARoleNeverActAsTheGateItself) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(start_child(started_.session.id, std::chrono::hours(1), kRole));
  const SessionId role = child_.session.id;
  EXPECT_EQ(start_child(role, std::chrono::hours(1)).error().code, Code::kInvalid);
}

TEST_F(Children, AreBoundedInNumberAndDepth) {
  ASSERT_TRUE(start(wanted()));
  SessionId parent = started_.session.id;
  for (std::size_t i = 0; i < kGenerationsMax; ++i) {
    ASSERT_TRUE(start_child(parent, std::chrono::hours(1))) << i;
    parent = child_.session.id;
  }
  EXPECT_EQ(start_child(parent, std::chrono::hours(1)).error().code, Code::kExhausted);
  for (std::size_t i = kGenerationsMax; i < kChildrenMax; ++i) {
    ASSERT_TRUE(start_child(started_.session.id, std::chrono::hours(1))) << i;
  }
  EXPECT_EQ(start_child(started_.session.id, std::chrono::hours(1)).error().code, Code::kExhausted);
  clock_.advance(std::chrono::hours(1));
  EXPECT_TRUE(start_child(started_.session.id, std::chrono::hours(1)));
}

// Invariant 8: secrets stay.
TEST_F(Accounts, Invariant8TheStoreHoldsNeitherTokensNorSecrets) {
  ASSERT_TRUE(start(wanted()));
  ASSERT_TRUE(store_->read([&](store::Transaction& transaction) -> Result<void> {
    for (const char* table : {"identity_persons", "identity_sessions"}) {
      TRY(const auto rows, transaction.query(fmt::format("SELECT * FROM {}", table)));
      for (const store::Row& row : rows) {
        for (const store::Value& value : row.values()) {
          const auto* blob = std::get_if<store::Blob>(&value);
          const auto* text = std::get_if<std::string>(&value);
          const std::string bytes = blob ? blob->bytes : text ? *text : "";
          for (const std::string_view secret :
               {token_.view(), started_.keys.secret_access_key.view(),
                started_.keys.session_token.view()}) {
            EXPECT_EQ(bytes.find(secret), std::string::npos);
          }
        }
      }
    }
    return {};
  }));
}

TEST_F(Accounts, ReadersMayRaceWithRefreshes) {
  ASSERT_TRUE(start(wanted()));
  std::jthread refresher([this] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(identity_->refresh());
  });
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_NE(identity_->find_key(started_.keys.access_key_id), nullptr);
  }
}

}  // namespace
}  // namespace keyturn::identity
