// STS through the gate: keys of a session of ours, and never upstream's.
#include <gtest/gtest.h>

#include "aws/gateway_fixture.h"
#include "aws/xml.h"

namespace keyturn::aws {
namespace {

using namespace std::chrono_literals;
using review::Answer;

constexpr std::string_view kRoleSecret = "roleSecret/AAAABBBBCCCCDDDDEEEEFFFFGGGG";
constexpr std::string_view kRoleToken = "role-session-token/ZZZZYYYYXXXX==";
constexpr std::size_t kStsBytes = 65'537;
constexpr std::string_view kRoleKey = "ASIAROLEROLEROLEROLE";

class GatewaySts : public GatewayTest {
 protected:
  static Ask sts(std::string_view operation, std::string_view more) {
    return {.service = "sts",
            .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                        {"accept", "application/json"},
                        {"accept-encoding", "gzip"}},
            .body = fmt::format("Action={}&Version=2011-06-15{}", operation, more)};
  }
  static Ask assume(std::string_view role, std::string_view more = "",
                    std::string_view account = "123456789012") {
    return sts("AssumeRole",
               fmt::format("&RoleArn=arn%3Aaws%3Aiam%3A%3A{}%3Arole%2F{}&RoleSessionName=one{}",
                           account, role, more));
  }
  std::string credentials() const {
    return fmt::format(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>"
        "<SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>",
        kRoleKey, kRoleSecret, kRoleToken, format_time(clock_.now() + 1h));
  }
  std::string handed_out(std::string_view account = "123456789012",
                         std::string_view role = "dev") const {
    return fmt::format(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
        "<AssumeRoleResult>{}<AssumedRoleUser><Arn>arn:aws:sts::{}:assumed-role/{}/one</Arn>"
        "<AssumedRoleId>AROA:one</AssumedRoleId></AssumedRoleUser></AssumeRoleResult>"
        "</AssumeRoleResponse>",
        credentials(), account, role);
  }
  // Roles of development; upstream hands out keys for them.
  void open(std::string_view account = "123456789012") {
    build({});
    const EnvironmentSelector dev{
        .arns = {"*:table/dev-*", "arn:aws:iam::*:role/dev*", "arn:aws:sqs:*:123456789012:*"}};
    environments_ = Environments({{.name = "dev", .tier = Tier::kDevelopment, .selectors = {dev}}});
    add_upstream_keys(std::string(kRoleKey), std::string(kRoleSecret), std::string(kRoleToken));
    answer_with([this, account](const Seen& seen) {
      if (seen.body.find("Action=AssumeRole") == std::string::npos) return UpstreamAnswer();
      UpstreamAnswer answer;
      answer.headers.add("content-type", "text/xml");
      answer.body = handed_out(account);
      return answer;
    });
  }
  // The keys in an answer.
  static identity::SessionKeys keys_in(const Reply& reply, std::string_view operation) {
    identity::SessionKeys keys;
    const auto xml = read_xml(reply.body);
    const Json* result = xml ? xml->value.find(fmt::format("{}Result", operation)) : nullptr;
    const Json* given = result == nullptr ? nullptr : result->find("Credentials");
    EXPECT_NE(given, nullptr) << reply.status << reply.body;
    if (given == nullptr) return keys;
    keys.access_key_id = given->string_or("AccessKeyId", "");
    keys.secret_access_key = crypto::Secret(given->string_or("SecretAccessKey", ""));
    keys.session_token = crypto::Secret(given->string_or("SessionToken", ""));
    return keys;
  }
  Reply ask_as(const identity::SessionKeys& keys, const Ask& what) {
    return send(sign(what, keys), what.body);
  }
  void expect_no_secret_said() {
    const std::string said = everything_said();
    for (const std::string_view secret : {kRoleSecret, kRoleToken, kVaultSecret, kVaultToken}) {
      EXPECT_EQ(said.find(secret.substr(0, 20)), std::string::npos);
    }
  }
};

TEST_F(GatewaySts, Invariant8ARoleIsAssumedWithoutItsCredentials) {
  open();
  const Reply reply = ask(assume("dev"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].refused, "");
  EXPECT_EQ(seen()[0].head.headers.count("accept"), 0U);
  EXPECT_EQ(seen()[0].head.headers.count("accept-encoding"), 0U);
  EXPECT_NE(reply.body.find("arn:aws:sts::123456789012:assumed-role/dev/one"), std::string::npos);
  const auto keys = keys_in(reply, "AssumeRole");
  EXPECT_NE(keys.access_key_id, kRoleKey);
  EXPECT_NE(keys.access_key_id, session_->keys.access_key_id);

  const auto started = entries("session.started", 1);
  EXPECT_EQ(started[0].string_or("parent", ""), session_->session.id.text());
  EXPECT_EQ(started[0].string_or("role", ""), "arn:aws:iam::123456789012:role/dev");
  EXPECT_EQ(started[0].string_or("acts_as", ""), "arn:aws:sts::123456789012:assumed-role/dev/one");
  EXPECT_EQ(started[0].string_or("access_key_id", ""), keys.access_key_id);

  // Its requests leave with the role's credentials.
  EXPECT_EQ(ask_as(keys, dynamodb("DeleteItem", "dev-t", R"(,"Key":{"k":{"S":"1"}})")).status, 200);
  ASSERT_EQ(seen().size(), 2U);
  EXPECT_EQ(seen()[1].refused, "");
  const auto claim = read_claim(seen()[1].head);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->access_key_id, kRoleKey);
  // And those of its parent with the gate's.
  EXPECT_EQ(ask(dynamodb("DescribeTable", "dev-t")).status, 200);
  EXPECT_EQ(read_claim(seen()[2].head)->access_key_id, "ASIAVAULTVAULTVAULT1");
  expect_no_secret_said();
}

TEST_F(GatewaySts, ARoleOfProductionIsHeldAndAssumedOnceAfterTwoReviews) {
  open();
  answer_with([this](const Seen&) {
    UpstreamAnswer answer;
    answer.headers.add("content-type", "text/xml");
    answer.body = handed_out("123456789012", "prod");
    return answer;
  });
  const Ask what = assume("prod");
  const Reply held = ask(what);
  EXPECT_EQ(held.status, 403);
  EXPECT_TRUE(seen().empty());
  const ChangeId change = change_of(held);
  ASSERT_TRUE(review(change, "alice", Answer::kApprove));
  EXPECT_EQ(ask(what).status, 403);
  ASSERT_TRUE(review(change, "bob", Answer::kApprove));
  const auto head = sign(what);
  const Reply reply = send(head, what.body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(seen().size(), 1U);
  EXPECT_EQ(send(head, what.body).status, 403);  // a copy gets no keys
  EXPECT_EQ(seen().size(), 1U);
  EXPECT_EQ(entries("session.started", 1).size(), 1U);
}

// What is asked through a role is judged as everything else, in the role's account.
TEST_F(GatewaySts, ARoleOfAnotherAccountIsJudgedThere) {
  open("210987654321");
  const Ask queue{.service = "sqs",
                  .headers = {{"content-type", "application/x-amz-json-1.0"},
                              {"x-amz-target", "AmazonSQS.CreateQueue"}},
                  .body = R"({"QueueName":"q"})"};
  EXPECT_EQ(ask(queue).status, 200);  // of development in the gate's account
  const Reply reply = ask(assume("dev", "", "210987654321"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto keys = keys_in(reply, "AssumeRole");
  const Reply held = ask_as(keys, queue);
  EXPECT_EQ(held.status, 403);
  EXPECT_NE(held.body.find("CHG-"), std::string::npos) << held.body;
  const auto decided = entries("action.decided", 3);
  EXPECT_EQ(decided[2].find("action")->string_or("account", ""), "210987654321");
  EXPECT_NE(to_text(*decided[2].find("action")->find("why")).find("assumed-role/dev/one"),
            std::string::npos);
}

TEST_F(GatewaySts, AnAnswerForAnotherAccountThanTheRolesIsDropped) {
  open("210987654321");
  const Reply reply = ask(assume("dev"));
  EXPECT_EQ(reply.status, 502);
  EXPECT_NE(reply.body.find("another account"), std::string::npos) << reply.body;
  expect_no_secret_said();
}

TEST_F(GatewaySts, KeysOfARoleDieWithTheSessionThatAssumedIt) {
  open();
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  // A role assumed by a role is signed for with the first one's credentials.
  const Ask again = assume("dev", "&DurationSeconds=900");
  const Reply chained = ask_as(keys, again);
  ASSERT_EQ(chained.status, 200) << chained.body;
  EXPECT_EQ(read_claim(seen()[1].head)->access_key_id, kRoleKey);
  const auto grandchild = keys_in(chained, "AssumeRole");
  ASSERT_TRUE(store_->run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity_->end_session(transaction, session_->session.id));
    return {};
  }));
  ASSERT_TRUE(identity_->refresh());
  for (const auto* one : {&keys, &grandchild}) {
    const Reply reply = ask_as(*one, dynamodb("DescribeTable", "dev-t"));
    EXPECT_EQ(reply.status, 403);
    EXPECT_NE(reply.body.find("ExpiredToken"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(seen().size(), 2U);
}

TEST_F(GatewaySts, KeysExpireWhenTheRolesCredentialsDo) {
  open();
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  clock_.advance(59min);
  EXPECT_EQ(ask_as(keys, dynamodb("DescribeTable", "dev-t")).status, 200);
  clock_.advance(1min);
  const Reply reply = ask_as(keys, dynamodb("DescribeTable", "dev-t"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_NE(reply.body.find("ExpiredToken"), std::string::npos);
}

// What is in memory only is gone: nothing is sent with other credentials instead.
TEST_F(GatewaySts, AfterARestartARoleMustBeAssumedAgain) {
  open();
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  restart_gateway();
  const Reply reply = ask_as(keys, dynamodb("DescribeTable", "dev-t"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_NE(reply.body.find("assume the role again"), std::string::npos) << reply.body;
  EXPECT_EQ(seen().size(), 1U);
  clock_.advance(1s);
  EXPECT_EQ(ask(dynamodb("DescribeTable", "dev-t")).status, 200);
}

// Invariant 8: whatever upstream answers, its credentials stay.
TEST_F(GatewaySts, Invariant8StrangeAnswersOfUpstreamAreNotPassedOn) {
  open();
  struct Case {
    int status;
    http::Headers headers;
    std::string body;
    int expected;
  };
  const std::string whole = handed_out();
  const std::string twice = whole.substr(0, whole.find("<AssumedRoleUser>")) + credentials() +
                            whole.substr(whole.find("<AssumedRoleUser>"));
  const std::vector<Case> cases = {
      {200, {{"content-type", "text/xml"}, {"content-encoding", "gzip"}}, whole, 502},
      {200, {{"content-type", "application/json"}}, whole, 502},
      {200,
       {{"content-type", "application/json"}},
       fmt::format(R"({{"SecretAccessKey":"{}"}})", kRoleSecret),
       502},
      {200, {{"content-type", "text/xml"}}, twice, 502},
      {200, {{"content-type", "text/xml"}}, whole + std::string(kStsBytes, ' '), 502},
      {200, {{"content-type", "text/xml"}}, whole.substr(0, whole.size() - 5), 502},
      {201, {{"content-type", "text/xml"}}, whole, 502},
      {302, {{"content-type", "text/xml"}, {"location", std::string(kRoleToken)}}, whole, 502},
      {400, {{"content-type", "text/xml"}}, whole, 502},
      {500, {{"content-type", "text/xml"}}, whole, 502},
      {403,
       {{"content-type", "text/xml"}, {"x-secret", std::string(kRoleSecret)}},
       "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
       "</ErrorResponse>",
       403},
  };
  for (const Case& one : cases) {
    answer_with([&one](const Seen&) {
      return UpstreamAnswer{.status = one.status, .headers = one.headers, .body = one.body};
    });
    clock_.advance(1s);
    const Reply reply = ask(assume("dev"));
    EXPECT_EQ(reply.status, one.expected) << one.status << " " << reply.body;
    expect_no_secret_said();
  }
  const auto outcomes = entries("action.outcome", cases.size());
  EXPECT_EQ(outcomes.size(), cases.size());
}

TEST_F(GatewaySts, WhatRefusesARolesCredentialsSaysToAssumeItAgain) {
  open();
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  answer_with([](const Seen&) {
    return UpstreamAnswer{.status = 400, .body = R"({"__type":"ExpiredTokenException"})"};
  });
  const Reply reply = ask_as(keys, dynamodb("DescribeTable", "dev-t"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_NE(reply.body.find("assume the role again"), std::string::npos) << reply.body;
}

TEST_F(GatewaySts, ASessionTokenIsAnsweredWithoutUpstreamAndCanDoNoMore) {
  build({});
  environments_ = Environments(
      {{.name = "dev", .tier = Tier::kDevelopment, .selectors = {{.accounts = {"123456789012"}}}}});
  const Reply reply = ask(sts("GetSessionToken", "&DurationSeconds=900"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(seen().empty());
  const auto keys = keys_in(reply, "GetSessionToken");
  EXPECT_EQ(ask_as(keys, dynamodb("DescribeTable", "dev-t")).status, 200);
  EXPECT_EQ(read_claim(seen()[0].head)->access_key_id, "ASIAVAULTVAULTVAULT1");
  const auto started = entries("session.started", 1);
  EXPECT_EQ(started[0].string_or("role", "none"), "");
  clock_.advance(15min);
  EXPECT_EQ(ask_as(keys, dynamodb("DescribeTable", "dev-t")).status, 403);
  EXPECT_EQ(ask(dynamodb("DescribeTable", "dev-t")).status, 200);
  for (const char* bad : {"&DurationSeconds=899", "&DurationSeconds=129601", "&DurationSeconds=1h",
                          "&SerialNumber=arn&TokenCode=123456"}) {
    EXPECT_EQ(ask(sts("GetSessionToken", bad)).status, 400) << bad;
  }
}

TEST_F(GatewaySts, ARoleGetsNoSessionTokenOfTheGates) {
  open();
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  environments_ = Environments(
      {{.name = "dev", .tier = Tier::kDevelopment, .selectors = {{.accounts = {"123456789012"}}}}});
  const Reply reply = ask_as(keys, sts("GetSessionToken", ""));
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(seen().size(), 1U);
}

// Splitting a recreation over two sets of keys hides nothing.
TEST_F(GatewaySts, WhatASessionDestroyedIsRememberedForThoseThatCameFromIt) {
  open();
  ASSERT_EQ(ask(dynamodb("DeleteTable", "dev-t")).status, 200);
  const auto keys = keys_in(ask(assume("dev")), "AssumeRole");
  ask_as(keys, dynamodb("CreateTable", "dev-t"));
  const auto decided = entries("action.decided", 3);
  const Json* attributes = decided.back().find("action")->find("attributes");
  EXPECT_NE(attributes->find("recreate"), nullptr) << to_text(decided.back());
}

}  // namespace
}  // namespace keyturn::aws
