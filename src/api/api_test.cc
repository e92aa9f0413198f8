#include "api/api.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "api/route.h"
#include "api/test_world.h"

namespace keyturn::api {
namespace {

std::string message_of(const World::Asked& asked) {
  const Json* error = asked.body.find("error");
  return error == nullptr ? "" : error->string_or("message", "");
}

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    for (const char* id : {"alice", "bob", "carol"}) world_.add_person(id);
    const auto asked = world_.post("/v1/agents", "alice", Json::object({{"id", "kiro"}}));
    EXPECT_EQ(asked.status, 201) << asked.text;
  }
  // The status of a request as written, which no client of ours would send.
  std::string raw_status(const std::string& request) const {
    const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(world_.server->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer(12, '\0');
    if (::connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::write(peer, request.data(), request.size()) > 0) {
      EXPECT_EQ(::recv(peer, answer.data(), answer.size(), MSG_WAITALL), 12);
    }
    ::close(peer);
    return answer.substr(9);
  }
  World world_;
};

TEST_F(ApiTest, EveryAnswerForbidsCachingSniffingAndFraming) {
  for (const char* target : {"/healthz", "/v1/whoami", "/nothing", "/metrics"}) {
    const auto asked = world_.get(target, "alice");
    EXPECT_EQ(asked.headers.find("cache-control"), "no-store") << target;
    EXPECT_EQ(asked.headers.find("x-content-type-options"), "nosniff") << target;
    EXPECT_TRUE(asked.headers.find("content-security-policy")->starts_with("default-src 'none'"))
        << target;
    EXPECT_FALSE(asked.headers.find("access-control-allow-origin")) << target;
  }
}

TEST_F(ApiTest, WithoutAValidTokenNothingIsShown) {
  for (const Route& route : routes()) {
    if (route.access == Access::kAnyone) continue;
    std::string path(route.path);
    if (const std::size_t brace = path.find("{id}"); brace != std::string::npos) {
      path.replace(brace, 4, "x");
    }
    const auto none = world_.ask(route.method, path);
    EXPECT_EQ(none.status, 401) << route.name;
    EXPECT_EQ(none.headers.find("www-authenticate"), "Bearer realm=\"keyturn\"");
    EXPECT_EQ(none.body.find("error")->string_or("code", ""), "unauthenticated");
    EXPECT_FALSE(none.body.find("error")->string_or("request_id", "").empty());
    const auto wrong = world_.ask(route.method, path, "", "",
                                  {{"authorization", "Bearer ktp_" + std::string(43, 'A')}});
    EXPECT_EQ(wrong.status, 401) << route.name;
  }
}

TEST_F(ApiTest, AWrongMethodSaysWhichAreRight) {
  const auto asked = world_.ask("PUT", "/v1/persons", "alice", "{}");
  EXPECT_EQ(asked.status, 405);
  EXPECT_EQ(asked.headers.find("allow"), "GET, POST");
  EXPECT_EQ(message_of(asked), "`/v1/persons` takes GET, POST, not `PUT`");
}

TEST_F(ApiTest, AForeignHostOrOriginIsRefused) {
  EXPECT_EQ(raw_status("GET /v1/whoami HTTP/1.1\r\nHost: evil.com\r\nAuthorization: Bearer " +
                       world_.tokens["alice"] + "\r\n\r\n"),
            "403");
  EXPECT_EQ(raw_status("GET /metrics HTTP/1.1\r\nHost: evil.com\r\n\r\n"), "403");
  EXPECT_EQ(raw_status("GET /healthz HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n"), "200")
      << "probes come by address";
  EXPECT_EQ(
      world_.ask("POST", "/v1/agents", "alice", R"({"id":"x"})", {{"origin", "http://evil.com"}})
          .status,
      403);
  EXPECT_EQ(world_.ask("GET", "/v1/whoami", "alice", "", {{"origin", "http://evil.com"}}).status,
            200)
      << "reading shows a page of another origin nothing: no cross-origin headers";
}

TEST_F(ApiTest, ABodyBeyondTheLimitIsRefused) {
  const std::string body = R"({"id":")" + std::string(kBodyBytesMax, 'x') + "\"}";
  const auto asked = world_.ask("POST", "/v1/agents", "alice", body);
  EXPECT_EQ(asked.status, 413);
  EXPECT_EQ(message_of(asked), "the body has more than 1 MiB");
}

TEST_F(ApiTest, MalformedBodiesAreRefusedWithTheirFault) {
  EXPECT_EQ(world_.ask("POST", "/v1/agents", "alice", "{").status, 400);
  EXPECT_EQ(world_.ask("POST", "/v1/agents", "alice", R"({"id":"a","id":"b"})").status, 400);
  EXPECT_EQ(
      world_.ask("POST", "/v1/agents", "alice", R"({"id":"a"})", {{"content-type", "text/plain"}})
          .status,
      415);
  EXPECT_EQ(message_of(world_.ask("POST", "/v1/agents", "alice", R"({"id":"a","x":1})")),
            "unknown member `x`; known are `id`, `owner`");
  EXPECT_EQ(message_of(world_.get("/v1/changes?staet=open", "alice")),
            "unknown query parameter `staet`; known are `state`, `limit`");
  EXPECT_EQ(world_.ask("GET", "/v1/whoami", "alice", "{}").status, 400);
  EXPECT_EQ(world_.get("/v1/sessions?limit=0", "alice").status, 400);
  EXPECT_EQ(world_.get("/v1/sessions?limit=1001", "alice").status, 400);
}

// Whatever comes, the answer is JSON with a status below 500, and the next request works.
TEST_F(ApiTest, HostileInputGetsAClearRefusal) {
  const std::vector<std::string> ids = {
      "CHG-1", "CHG-", "CHG--1", "CHG-99999999999999999999", "ses_x", "%00", "%2e%2e",
      "a%20b", "'",    "root",   std::string(3'000, 'x')};
  const std::vector<std::string> bodies = {
      "",
      "{}",
      "[]",
      "null",
      R"({"state":"suspended"})",
      R"({"id":"'; DROP TABLE x; --"})",
      R"({"agent":"kiro","purpose":"\u0000"})",
      R"({"agent":"kiro","purpose":"x","lifetime_seconds":-1})",
      R"({"agent":"kiro","purpose":"x","lifetime_seconds":9223372036854775807})",
      R"({"answer":"approve","digest":"zz"})",
      R"({"answer":"reject","digest":")" + std::string(64, 'a') + R"(","words":""})",
      "{\"id\":\"\xc3\x28\"}",
      R"({"id":"\ud800"})",
      R"({"id":"x","name":"\u202e"})"};
  for (const Route& route : routes()) {
    for (const std::string& id : ids) {
      std::string path(route.path);
      const std::size_t brace = path.find("{id}");
      if (brace != std::string::npos) path.replace(brace, 4, id);
      for (const std::string& body : bodies) {
        const auto asked = world_.ask(route.method, path, "bob", body);
        EXPECT_LT(asked.status, 504) << route.name << " " << id << " " << body;
        const bool unready = route.path == "/readyz";
        EXPECT_LT(asked.status, unready ? 504 : 500) << route.name << " " << id << asked.text;
        if (asked.status >= 400 && !unready) {
          ASSERT_NE(asked.body.find("error"), nullptr) << asked.text;
        }
      }
      if (brace == std::string::npos) break;
    }
  }
  EXPECT_EQ(world_.get("/v1/whoami", "alice").status, 200);
}

TEST_F(ApiTest, APersonIsMadeByAnAdministratorAndTheTokenShownOnce) {
  EXPECT_EQ(world_.post("/v1/persons", "alice", Json::object({{"id", "mallory"}})).status, 403);
  const auto made =
      world_.post("/v1/persons", "root", Json::object({{"id", "dave"}, {"name", "Dave D."}}));
  ASSERT_EQ(made.status, 201);
  const std::string token = *made.body.get_string("token");
  EXPECT_TRUE(token.starts_with("ktp_"));
  world_.tokens["dave"] = token;
  EXPECT_EQ(world_.get("/v1/whoami", "dave").body.string_or("name", ""), "Dave D.");
  EXPECT_EQ(world_.get("/v1/persons", "dave").text.find(token), std::string::npos);
  EXPECT_EQ(world_.get("/v1/ledger", "dave").text.find(token), std::string::npos);
  EXPECT_EQ(world_.post("/v1/persons", "root", Json::object({{"id", "dave"}})).status, 409);
  EXPECT_EQ(world_.post("/v1/persons", "root", Json::object({{"id", "Not A Handle"}})).status, 400);
}

TEST_F(ApiTest, ASuspendedPersonIsOutAtOnce) {
  EXPECT_EQ(world_.ask("PATCH", "/v1/persons/bob", "alice", R"({"state":"suspended"})").status,
            403);
  EXPECT_EQ(world_.ask("PATCH", "/v1/persons/bob", "root", R"({"state":"suspended"})").status, 200);
  const auto refused = world_.get("/v1/whoami", "bob");
  EXPECT_TRUE(refused.status == 401 || refused.status == 403);
  EXPECT_EQ(world_.ask("PATCH", "/v1/persons/bob", "root", R"({"state":"active"})").status, 200);
  EXPECT_EQ(world_.get("/v1/whoami", "bob").status, 200);
  EXPECT_EQ(world_.ask("PATCH", "/v1/persons/root", "root", R"({"state":"suspended"})").status, 409)
      << "the last administrator could lock everyone out";
  EXPECT_EQ(world_.ask("PATCH", "/v1/persons/none", "root", R"({"state":"active"})").status, 404);
}

TEST_F(ApiTest, OnlyTheOwnerStartsSessions) {
  const Json wanted = Json::object({{"agent", "kiro"}, {"purpose", "fix"}});
  EXPECT_EQ(world_.post("/v1/sessions", "bob", wanted).status, 403);
  const auto own = world_.post("/v1/sessions", "alice", wanted);
  ASSERT_EQ(own.status, 201) << own.text;
  EXPECT_EQ(world_.post("/v1/sessions", "root", wanted).status, 403);
  const std::string key = *own.body.get_string("access_key_id");
  EXPECT_NE(world_.identity->find_key(key), nullptr) << "the request path knows it at once";
  const std::string id = *own.body.find("session")->get_string("id");
  EXPECT_EQ(world_.ask("DELETE", "/v1/sessions/" + id, "bob").status, 403);
  EXPECT_EQ(world_.ask("DELETE", "/v1/sessions/" + id, "alice").status, 200);
  EXPECT_EQ(world_.identity->find_key(key), nullptr);
  EXPECT_EQ(world_.ask("DELETE", "/v1/sessions/" + id, "alice").status, 409);
}

// Whoever makes persons could make the reviewers of their own agent.
TEST_F(ApiTest, Invariant5AnAdministratorOwnsNoAgent) {
  EXPECT_EQ(world_.post("/v1/agents", "root", Json::object({{"id", "robot"}})).status, 403);
  EXPECT_EQ(
      world_.post("/v1/agents", "root", Json::object({{"id", "robot"}, {"owner", "bob"}})).status,
      201);
}

TEST_F(ApiTest, Invariant8KeysAreShownOnceAndNowhereElse) {
  const auto made =
      world_.post("/v1/sessions", "alice", Json::object({{"agent", "kiro"}, {"purpose", "fix"}}));
  const std::string secret = *made.body.get_string("secret_access_key");
  const std::string token = *made.body.get_string("session_token");
  ASSERT_FALSE(secret.empty());
  for (const char* target : {"/v1/sessions", "/v1/ledger", "/metrics", "/readyz", "/v1/agents"}) {
    const std::string text = world_.get(target, "root").text;
    EXPECT_EQ(text.find(secret), std::string::npos) << target;
    EXPECT_EQ(text.find(token), std::string::npos) << target;
  }
  for (const std::string& line : world_.log.lines()) {
    EXPECT_EQ(line.find(secret), std::string::npos);
  }
}

TEST_F(ApiTest, ASuspendedAgentStartsNoSession) {
  EXPECT_EQ(world_.ask("PATCH", "/v1/agents/kiro", "bob", R"({"state":"suspended"})").status, 403);
  EXPECT_EQ(world_.ask("PATCH", "/v1/agents/kiro", "alice", R"({"state":"suspended"})").status,
            200);
  EXPECT_EQ(
      world_.post("/v1/sessions", "alice", Json::object({{"agent", "kiro"}, {"purpose", "fix"}}))
          .status,
      403);
  EXPECT_EQ(world_.ask("PATCH", "/v1/agents/kiro", "alice", R"({"state":"active"})").status, 403)
      << "an owner stops an agent; an administrator lets it go on";
  EXPECT_EQ(world_.ask("PATCH", "/v1/agents/kiro", "root", R"({"state":"active"})").status, 200);
}

TEST_F(ApiTest, Invariant5TheOwnerIsNoSecondKey) {
  const std::string id = world_.hold_change("kiro", "alice");
  const auto shown = world_.get("/v1/changes/" + id, "alice");
  ASSERT_EQ(shown.status, 200);
  const Json approve =
      Json::object({{"answer", "approve"}, {"digest", *shown.body.get_string("digest")}});
  const auto own = world_.post("/v1/changes/" + id + "/reviews", "alice", approve);
  EXPECT_EQ(own.status, 403) << own.text;
  const auto other = world_.post("/v1/changes/" + id + "/reviews", "bob", approve);
  EXPECT_EQ(other.status, 201) << other.text;
  EXPECT_EQ(other.body.find("change")->string_or("state", ""), "approved");
  EXPECT_TRUE(other.body.find("grant")->is_object());
  const auto again = world_.post("/v1/changes/" + id + "/reviews", "carol", approve);
  EXPECT_EQ(again.status, 409) << again.text;
}

TEST_F(ApiTest, Invariant6AReviewOfAnotherDigestDoesNotCount) {
  const std::string id = world_.hold_change("kiro", "alice");
  const auto asked =
      world_.post("/v1/changes/" + id + "/reviews", "bob",
                  Json::object({{"answer", "approve"}, {"digest", std::string(64, 'a')}}));
  EXPECT_EQ(asked.status, 409) << asked.text;
  EXPECT_EQ(world_.get("/v1/changes/" + id, "bob").body.string_or("state", ""), "open");
}

TEST_F(ApiTest, AChangeIsShownCompleteAndUntruncated) {
  const std::string id = world_.hold_change("kiro", "alice");
  const auto shown = world_.get("/v1/changes/" + id, "bob");
  const Json* parameters = shown.body.find("action")->find("parameters");
  ASSERT_NE(parameters, nullptr);
  EXPECT_EQ(parameters->get_string("Template")->size(), 100'000U);
  const auto list = world_.get("/v1/changes?state=open", "bob");
  EXPECT_EQ(list.body.find("changes")->if_array()->size(), 1U);
  EXPECT_LT(list.text.size(), 10'000U) << "a list has no actions in it";
  EXPECT_EQ(
      world_.get("/v1/changes?state=rejected", "bob").body.find("changes")->if_array()->size(), 0U);
}

TEST_F(ApiTest, AChangeSaysWhyItIsHeld) {
  const std::string id = world_.hold_change("kiro", "alice");
  const auto shown = world_.get("/v1/changes/" + id, "bob");
  const Json& answer = shown.body.find("explanation")->find("answers")->if_array()->front();
  EXPECT_EQ(to_text(*answer.find("principals")), R"(["Agent::\"kiro\"","Person::\"alice\""])");
  const Json& policy = answer.find("policies")->if_array()->front();
  EXPECT_EQ(policy.string_or("remaining", ""), "when { context.approvals >= 1 }");
  EXPECT_EQ(policy.string_or("truth", ""), "false");
  const auto held_by = world_.gate->policies();
  const auto others =
      gate::Policies::load({{"a.cedar", "permit (principal, action, resource);"}},
                           {"s", *world_.gate->find_pack(world_.gate->policies()->digest())
                                      .and_then([](const std::string& text) -> Result<std::string> {
                                        TRY(const Json pack, parse_strict(text));
                                        return pack.find("schema")->get_string("text");
                                      })});
  ASSERT_TRUE(others && world_.gate->set_policies(*others));
  // That nobody can say any more does not hide the change.
  ASSERT_TRUE(world_.store->run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("DELETE FROM gate_packs", {}));
    return {};
  }));
  const auto gone = world_.get("/v1/changes/" + id, "bob");
  ASSERT_EQ(gone.status, 200) << gone.text;
  EXPECT_EQ(*gone.body.find("digest"), *shown.body.find("digest"));
  EXPECT_NE(gone.body.find("explanation")->string_or("error", "").find("no policies are kept"),
            std::string::npos);
  // Other policies do not change what it was held for.
  ASSERT_TRUE(world_.gate->set_policies(held_by) && world_.gate->set_policies(*others));
  const auto later = world_.get("/v1/changes/" + id, "bob");
  EXPECT_EQ(*later.body.find("explanation"), *shown.body.find("explanation"));
}

TEST_F(ApiTest, ARejectionNeedsWords) {
  const std::string id = world_.hold_change("kiro", "alice");
  const std::string digest = *world_.get("/v1/changes/" + id, "bob").body.get_string("digest");
  Json reject = Json::object({{"answer", "reject"}, {"digest", digest}});
  EXPECT_EQ(world_.post("/v1/changes/" + id + "/reviews", "bob", reject).status, 400);
  reject.set("words", "use an update instead");
  const auto given = world_.post("/v1/changes/" + id + "/reviews", "bob", reject);
  EXPECT_EQ(given.status, 201);
  EXPECT_TRUE(given.body.find("grant")->is_null());
  EXPECT_EQ(given.body.find("change")->string_or("state", ""), "rejected");
}

TEST_F(ApiTest, EveryChangeOfAccountsIsInTheLedger) {
  const auto made =
      world_.post("/v1/sessions", "alice", Json::object({{"agent", "kiro"}, {"purpose", "fix"}}));
  world_.ask("DELETE", "/v1/sessions/" + *made.body.find("session")->get_string("id"), "alice");
  world_.ask("PATCH", "/v1/persons/bob", "root", R"({"state":"suspended"})");
  world_.ask("PATCH", "/v1/agents/kiro", "root", R"({"state":"suspended"})");
  // What is refused leaves nothing.
  world_.post("/v1/agents", "alice", Json::object({{"id", "kiro"}}));
  EXPECT_EQ(world_.ledger_kinds(),
            (std::vector<std::string>{"policy.loaded", "person.created", "person.created",
                                      "person.created", "agent.created", "session.started",
                                      "session.ended", "person.suspended", "agent.suspended"}));
  EXPECT_TRUE(world_.ledger->verify());
}

TEST_F(ApiTest, TheLedgerIsReadPageByPageAndByKind) {
  const auto first = world_.get("/v1/ledger?limit=2", "alice");
  EXPECT_EQ(first.body.find("entries")->if_array()->size(), 2U);
  EXPECT_EQ(*first.body.get_integer("next"), 2);
  EXPECT_EQ(*first.body.find("head")->get_integer("size"), 5);
  const auto agents = world_.get("/v1/ledger?kinds=agent.created,agent.suspended", "alice");
  ASSERT_EQ(agents.body.find("entries")->if_array()->size(), 1U);
  EXPECT_EQ(agents.body.find("entries")->if_array()->front().string_or("kind", ""),
            "agent.created");
  const auto beyond = world_.get("/v1/ledger?from=9223372036854775807", "alice");
  EXPECT_EQ(beyond.status, 200);
  EXPECT_TRUE(beyond.body.find("entries")->if_array()->empty());
}

TEST_F(ApiTest, WhatTheLedgerNamesByDigestCanBeHad) {
  const auto policies = world_.gate->policies();
  const std::string path = "/v1/kept/" + policies->digest().hex();
  EXPECT_EQ(*world_.get(path, "bob").body.get_string("text"), policies->text());
  EXPECT_EQ(world_.ask("GET", path).status, 401);
  EXPECT_EQ(world_.get("/v1/kept/" + Digest().hex(), "bob").status, 404);
  EXPECT_EQ(world_.get("/v1/kept/xyz", "bob").status, 400);
}

TEST_F(ApiTest, WhatIsKeptBesideAnEntryCanBeReadAndErasedByAdministrators) {
  world_.post("/v1/agents", "alice", Json::object({{"id", "kiro"}}));
  const std::string change = world_.hold_change("kiro", "alice");
  const auto decided = world_.get("/v1/ledger?kinds=action.decided", "bob");
  const auto index = *decided.body.find("entries")->if_array()->front().get_integer("index");
  const std::string path = fmt::format("/v1/ledger/{}", index);
  const auto kept = world_.get(path + "/contents", "bob");
  ASSERT_EQ(kept.status, 200);
  EXPECT_EQ(kept.body.find("contents")->if_array()->size(), 1U);
  const Json why = Json::object({{"why", "a template with a key"}});
  EXPECT_EQ(world_.ask("POST", path + "/erasure").status, 401);
  EXPECT_EQ(world_.post(path + "/erasure", "bob", why).status, 403);
  EXPECT_EQ(world_.post(path + "/erasure", "root", Json::object({})).status, 400);
  EXPECT_EQ(world_.post(path + "/erasure", "root", why).status, 409) << "it waits for reviewers";
  const auto shown = world_.get("/v1/changes/" + change, "bob");
  ASSERT_EQ(world_
                .post("/v1/changes/" + change + "/reviews", "bob",
                      Json::object({{"answer", "reject"},
                                    {"words", "no"},
                                    {"digest", *shown.body.get_string("digest")}}))
                .status,
            201);
  EXPECT_EQ(world_.post(path + "/erasure", "root", why).status, 200);
  EXPECT_TRUE(world_.get(path + "/contents", "bob").body.find("contents")->if_array()->empty());
  EXPECT_EQ(world_.post(path + "/erasure", "root", why).status, 404);
  const auto after = world_.get("/v1/changes/" + change, "bob");
  ASSERT_EQ(after.status, 200);
  EXPECT_EQ(after.body.find("action")->find("parameters")->find("Template"), nullptr);
  EXPECT_NE(after.body.find("explanation")->find("error"), nullptr);
  for (const char* bad : {"x", "-1", "1x", "99999999999999999999"}) {
    EXPECT_EQ(world_.get(fmt::format("/v1/ledger/{}/contents", bad), "bob").status, 400) << bad;
  }
}

TEST_F(ApiTest, ReadinessNamesWhatIsMissing) {
  const auto asked = world_.ask("GET", "/readyz");
  EXPECT_EQ(asked.status, 503);
  EXPECT_EQ(*asked.body.get_bool("ready"), false);
  const Json* checks = asked.body.find("checks");
  EXPECT_EQ(*checks->get_string("store"), "ok");
  EXPECT_EQ(*checks->get_string("policies"), "ok");
  EXPECT_NE(*checks->get_string("upstream_credentials"), "ok");
  const vault::Credentials credentials{"AKIAEXAMPLE", crypto::Secret("very-secret"), {}, {}};
  ASSERT_TRUE(world_.store->run([&](store::Transaction& transaction) {
    return world_.vault->seal(transaction, credentials);
  }));
  ASSERT_TRUE(world_.vault->refresh());
  const auto ready = world_.ask("GET", "/readyz");
  EXPECT_EQ(ready.status, 200) << ready.text;
  EXPECT_EQ(ready.text.find("very-secret"), std::string::npos);
}

TEST_F(ApiTest, MetricsCountByRouteNotByWhatStrangersAskFor) {
  for (int i = 0; i < 5; ++i) world_.get(fmt::format("/stranger-{}", i), "alice");
  world_.get("/v1/changes/CHG-77", "alice");
  const auto asked = world_.ask("GET", "/metrics");
  EXPECT_EQ(asked.text.find("stranger"), std::string::npos);
  EXPECT_EQ(asked.text.find("CHG-77"), std::string::npos);
  EXPECT_NE(asked.text.find(R"(route="/v1/changes/{id}",method="GET",status="404")"),
            std::string::npos)
      << asked.text;
}

TEST_F(ApiTest, OfManyReviewsAtOnceExactlyTheQuorumCounts) {
  const std::string id = world_.hold_change("kiro", "alice");
  const std::string digest = *world_.get("/v1/changes/" + id, "bob").body.get_string("digest");
  const Json approve = Json::object({{"answer", "approve"}, {"digest", digest}});
  std::atomic<int> granted = 0;
  std::vector<std::thread> threads;
  for (const char* person : {"bob", "carol", "bob", "carol", "alice", "root"}) {
    threads.emplace_back([&, person] {
      const auto asked = world_.post("/v1/changes/" + id + "/reviews", person, approve);
      if (asked.status == 201 && asked.body.find("grant")->is_object()) ++granted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 1);
}

}  // namespace
}  // namespace keyturn::api
