// Past verdicts computed again from the record: invariant 9.
#include "gate/replay.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "gate/fixture_test.h"
#include "ledger/contents.h"

namespace keyturn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array<std::string_view, 6> kPacks = {
    "",
    "@id(\"all\") permit (principal, action, resource);",
    "@id(\"all\") permit (principal, action, resource);\n"
    "@id(\"freeze\") forbid (principal, action, resource in Tier::\"production\") "
    "unless { context.approvals >= 2 };",
    "@id(\"two\") permit (principal, action, resource) when { context.approvals >= 2 };\n"
    "@id(\"tag\") permit (principal, action, resource) when { resource.hasTag(\"team\") };",
    "@id(\"dry\") permit (principal, action, resource) when { context has dry_run };\n"
    "@id(\"name\") permit (principal, action, resource) when { resource.name like \"*xff*\" };",
    "@id(\"many\") permit (principal, action, resource) when { context.approvals >= 4 };\n"
    "@id(\"agent\") forbid (principal == Person::\"alice\", action == Action::\"grant\", "
    "resource);",
};

class Replay : public GateTest {
 protected:
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

  Action any_action() {
    Action action =
        action_of(static_cast<Effect>(below(5)), static_cast<Tier>(below(3)), any_name());
    action.parameters = Json::object({{"TableName", "shown"}});
    action.understood = below(4) != 0;
    if (below(3) == 0) action.attributes = Json::object({{"dry_run", below(2) == 0}});
    if (below(4) == 0) action.resources.front().environment.clear();
    if (below(4) == 0) action.resources.front().tags = {{"team", any_name()}};
    if (below(8) == 0) action.resources.clear();
    if (below(12) == 0) action.parameters = Json(std::string(70'000, 'p'));
    if (below(12) == 0) add_resources(action, below(2) == 0 ? 400 : kResourcesMax + 1);
    return action;
  }
  std::string any_name() {
    static constexpr std::array<std::string_view, 5> kNames = {"a", "b", "\xff", "\\xff", "*"};
    return std::string(kNames[below(kNames.size())]);
  }
  // More than an entry holds.
  static void add_resources(Action& action, std::size_t count) {
    Resource resource;
    resource.tags = {{"team", std::string(120, 't')}};
    for (std::size_t i = 0; i < count; ++i) {
      resource.name = fmt::format("arn:aws:s3:::bucket/{}-{}", i, std::string(60, 'n'));
      resource.tier = Tier::kDevelopment;
      action.resources.push_back(resource);
    }
  }

  // What happens to an action between two tries of it.
  void answer(const Decision& decision) {
    if (decision.kind != VerdictKind::kHold) return;
    const auto change = below(6);
    for (const char* person : {"bob", "carol", "dave"}) {
      if (change == 0) {
        static_cast<void>(review(decision, person, review::Answer::kReject, "no"));
      } else if (change > 1) {
        static_cast<void>(review(decision, person));
      }
    }
  }

  struct Past {
    Json body;
    PastDecision decision;
  };
  std::vector<Past> read_all() {
    std::vector<Past> all;
    for (std::uint64_t from = 0; from < size();) {
      for (const ledger::Entry& entry : get(ledger_->read(from, 1'000))) {
        from = entry.index + 1;
        if (entry.kind != "action.decided") continue;
        const Json body = *get(parse_strict(entry.text)).find("body");
        all.push_back({body, get(PastDecision::read(body, find_kept(entry.index)))});
      }
    }
    return all;
  }
  PastDecision::FindKept find_kept(std::uint64_t index) {
    return [this, index](const Digest& digest) -> Result<std::string> {
      std::string text;
      TRY_VOID(store_->read([&](store::Transaction& transaction) -> Result<void> {
        TRY(const auto contents, ledger::load_contents(transaction, index));
        for (const auto& content : contents) {
          if (content.digest == digest) text = content.text;
        }
        return {};
      }));
      if (text.empty()) return fail(Code::kNotFound, "erased");
      return text;
    };
  }
  std::shared_ptr<const Policies> pack(const Digest& digest) {
    if (digest == Digest()) return nullptr;
    return get(read_pack(get(gate_->find_pack(digest))));
  }

  std::mt19937_64 engine_{9};
};

TEST_F(Replay, EveryRecordedVerdictComesOutTheSame) {
  for (int round = 0; round < 400; ++round) {
    if (round % 40 == 0) {
      const std::string text(kPacks[static_cast<std::size_t>(round) / 40 % kPacks.size()]);
      ASSERT_TRUE(gate_->set_policies(round == 80 ? load(pack_files()) : policies_of(text)));
    }
    if (round == 250) suspend("dave");
    if (round % 50 == 49) holder_ = start_session("alice");
    const Action action = any_action();
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto decision = decide(action);
      ASSERT_TRUE(decision) << decision.error().message;
      answer(*decision);
    }
    if (round % 100 == 99) {
      write([this](store::Transaction& transaction) {
        EXPECT_TRUE(identity_->end_session(transaction, holder_->session.id));
      });
      ASSERT_TRUE(decide(action));
    }
  }
  std::map<std::string, int> seen;
  for (const Past& past : read_all()) {
    const auto policies = pack(past.decision.policy_digest());
    const Verdict again = past.decision.recompute(policies.get());
    EXPECT_EQ(again, past.decision.verdict()) << to_pretty_text(past.body);
    ++seen[past.body.string_or("verdict", "")];
    ++seen[past.body.string_or("cause", "")];
    if (past.body.find("grant") != nullptr) ++seen["grant"];
    if (past.body.find("action")->find("beside") != nullptr) ++seen["beside"];
  }
  for (const char* what :
       {"allow", "hold", "deny", "policy", "review", "session", "grant", "beside"}) {
    EXPECT_GT(seen[what], 2) << what;
  }
}

TEST_F(Replay, OtherPoliciesSayWhatWouldChange) {
  ASSERT_TRUE(decide(action_of(Effect::kObserve, Tier::kProduction)));
  ASSERT_TRUE(decide(action_of(Effect::kChange, Tier::kDevelopment)));
  ASSERT_TRUE(decide(action_of(Effect::kDestroy, Tier::kProduction)));
  const auto past = read_all();
  ASSERT_EQ(past.size(), 3U);
  const auto stricter = policies_of(
      "@id(\"look\") permit (principal, action == Action::\"observe\", resource);\n"
      "@id(\"one\") permit (principal, action == Action::\"change\", resource) "
      "when { context.approvals >= 1 };");
  EXPECT_EQ(past[0].decision.recompute(stricter.get()).kind, VerdictKind::kAllow);
  const Verdict held = past[1].decision.recompute(stricter.get());
  EXPECT_EQ(held.kind, VerdictKind::kHold);
  EXPECT_EQ(held.approvals_needed, 1);
  EXPECT_THAT(held.policies, ElementsAre("one"));
  EXPECT_EQ(past[2].decision.recompute(stricter.get()).kind, VerdictKind::kDeny);
  EXPECT_EQ(past[0].decision.recompute(nullptr).kind, VerdictKind::kDeny);
}

TEST_F(Replay, ARejectionAndAnEndedSessionStayWhatTheyWere) {
  const Action action = action_of(Effect::kDestroy, Tier::kProduction);
  const Decision held = get(decide(action));
  ASSERT_TRUE(review(held, "bob", review::Answer::kReject, "restore it instead"));
  ASSERT_TRUE(decide(action));
  write([this](store::Transaction& transaction) {
    EXPECT_TRUE(identity_->end_session(transaction, holder_->session.id));
  });
  ASSERT_TRUE(decide(action));
  const auto past = read_all();
  ASSERT_EQ(past.size(), 3U);
  const auto one = policies_of(
      "@id(\"one\") permit (principal, action, resource) when { context.approvals >= 1 };");
  EXPECT_EQ(past[1].decision.recompute(one.get()).kind, VerdictKind::kDeny);
  const auto all = policies_of("@id(\"all\") permit (principal, action, resource);");
  EXPECT_EQ(past[1].decision.recompute(all.get()).kind, VerdictKind::kAllow);
  EXPECT_EQ(past[2].decision.recompute(all.get()).kind, VerdictKind::kDeny);
}

TEST_F(Replay, AnAlteredRecordDoesNotComeOutTheSame) {
  const Action action = action_of(Effect::kDestroy, Tier::kProduction);
  ASSERT_TRUE(decide(action));
  const Json honest = body(size() - 1);
  Json milder = *honest.find("action");
  milder.set("effect", "observe");
  Json facts = *honest.find("facts");
  facts.set("approvals", 2);
  for (const auto& [key, value] :
       {std::pair{"verdict", Json("allow")}, std::pair{"approvals_needed", Json(1)},
        std::pair{"policies", Json::array({"observe-anywhere"})}, std::pair{"action", milder},
        std::pair{"facts", facts}}) {
    Json forged = honest;
    forged.set(key, value);
    const PastDecision past = get(PastDecision::read(forged, find_kept(size() - 1)));
    EXPECT_NE(past.recompute(pack(past.policy_digest()).get()), past.verdict()) << key;
  }
}

TEST_F(Replay, WhatIsKeptBesideTheLogMustHashToItsName) {
  Action action = action_of(Effect::kObserve, Tier::kDevelopment);
  add_resources(action, 400);
  ASSERT_TRUE(decide(action));
  const Json recorded = body(size() - 1);
  ASSERT_NE(recorded.find("action")->find("beside"), nullptr);
  EXPECT_TRUE(PastDecision::read(recorded, find_kept(size() - 1)));
  const auto forged = PastDecision::read(
      recorded, [](const Digest&) -> Result<std::string> { return std::string("{}"); });
  ASSERT_FALSE(forged);
  EXPECT_EQ(forged.error().code, Code::kCorrupt);
  EXPECT_THAT(forged.error().message, HasSubstr("is something else"));
  const auto erased = PastDecision::read(recorded, [](const Digest&) -> Result<std::string> {
    return fail(Code::kNotFound, "erased");
  });
  EXPECT_EQ(erased.error().code, Code::kNotFound);
}

TEST_F(Replay, ARecordWithoutItsMembersIsCorrupt) {
  ASSERT_TRUE(decide(action_of(Effect::kObserve, Tier::kDevelopment)));
  const Json whole = body(size() - 1);
  for (const char* key :
       {"verdict", "cause", "facts", "policy_digest", "policies", "action", "approvals_needed"}) {
    Json::Object less = *whole.if_object();
    std::erase_if(less, [key](const Json::Member& member) { return member.first == key; });
    EXPECT_FALSE(PastDecision::read(Json(less), find_kept(size() - 1))) << key;
    Json wrong = whole;
    wrong.set(key, Json::object({{"x", 1}}));
    EXPECT_FALSE(PastDecision::read(wrong, find_kept(size() - 1))) << key;
  }
}

TEST_F(Replay, APackIsReadFromItsTextWithTheSameDigest) {
  const auto policies = load(pack_files());
  EXPECT_EQ(get(read_pack(policies->text()))->digest(), policies->digest());
  EXPECT_FALSE(read_pack("{}"));
  EXPECT_FALSE(read_pack(R"({"files":{},"schema":{}})"));
  EXPECT_FALSE(read_pack(R"({"files":[{"name":"a"}],"schema":{"name":"s","text":""}})"));
}

}  // namespace
}  // namespace keyturn::gate
