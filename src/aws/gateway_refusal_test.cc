#include <gtest/gtest.h>

#include "aws/gateway_fixture.h"

namespace keyturn::aws {
namespace {

using namespace std::chrono_literals;

// Everything a stranger or a broken client may send. Nothing of it reaches upstream.
class GatewayRefusal : public GatewayTest {
 protected:
  static Ask look() { return dynamodb("DescribeTable", "prod-t"); }
  void expect_refused(const http::RequestHead& head, std::string_view body, int status,
                      std::string_view code) {
    const Reply reply = send(head, body);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_NE(reply.body.find(code), std::string::npos) << reply.body;
    EXPECT_EQ(reply.headers.count("x-keyturn-request-id"), 1U);
    EXPECT_TRUE(seen().empty());
  }
};

TEST_F(GatewayRefusal, OfAWrongSignatureIsRecorded) {
  http::RequestHead head = sign(look());
  std::string authorization(*head.headers.find("authorization"));
  authorization.back() = authorization.back() == '0' ? '1' : '0';
  head.headers.set("authorization", authorization);
  expect_refused(head, look().body, 403, "SignatureDoesNotMatch");
  const auto refused = entries("action.refused", 1);
  EXPECT_EQ(refused[0].string_or("code", ""), "SignatureDoesNotMatch");
  EXPECT_EQ(refused[0].string_or("access_key_id", ""), session_->keys.access_key_id);
}

TEST_F(GatewayRefusal, OfABodyThatWasNotSigned) {
  expect_refused(sign(look()), dynamodb("DescribeTable", "another").body, 403,
                 "SignatureDoesNotMatch");
  Ask get{.service = "s3", .method = "GET", .target = "/bucket/key"};
  get.payload = crypto::sha256("something").hex();
  expect_refused(sign(get), "", 403, "SignatureDoesNotMatch");
}

TEST_F(GatewayRefusal, OfNoSignatureAndOfStrangeOnes) {
  expect_refused({.method = "POST", .target = "/", .headers = look().headers}, look().body, 403,
                 "MissingAuthenticationToken");
  http::RequestHead v2 = sign(look());
  v2.headers.set("authorization", "AWS AKIA:c2ln");
  expect_refused(v2, look().body, 400, "s3v4");
  expect_refused(
      {.method = "GET", .target = "/b/k?AWSAccessKeyId=A&Signature=s&Expires=1", .headers = {}}, "",
      400, "s3v4");
}

TEST_F(GatewayRefusal, OfAnUnknownKeyInTheServicesOwnWords) {
  http::RequestHead head = sign(look());
  std::string authorization(*head.headers.find("authorization"));
  const std::string key = session_->keys.access_key_id;
  authorization.replace(authorization.find(key), key.size(), "ASIANOSUCHKEYNOSUCHK");
  head.headers.set("authorization", authorization);
  expect_refused(head, look().body, 403, "InvalidClientTokenId");
  Ask list{.service = "s3", .method = "GET", .target = "/"};
  head = sign(list);
  authorization = *head.headers.find("authorization");
  authorization.replace(authorization.find(key), key.size(), "ASIANOSUCHKEYNOSUCHK");
  head.headers.set("authorization", authorization);
  expect_refused(head, "", 403, "<Code>InvalidAccessKeyId</Code>");
}

TEST_F(GatewayRefusal, OfAnEndedSessionAndOfAnExpiredOne) {
  const auto head = sign(look());
  ASSERT_TRUE(store_->run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity_->end_session(transaction, session_->session.id));
    return {};
  }));
  ASSERT_TRUE(identity_->refresh());
  expect_refused(head, look().body, 403, "ExpiredToken");
  build({});
  clock_.advance(9h);
  expect_refused(sign(look()), look().body, 403, "ExpiredToken");
}

TEST_F(GatewayRefusal, OfASuspendedAgent) {
  ASSERT_TRUE(store_->run([&](store::Transaction& transaction) {
    return identity_->set_agent_state(transaction, AgentId("kiro"), identity::State::kSuspended);
  }));
  ASSERT_TRUE(identity_->refresh());
  expect_refused(sign(look()), look().body, 403, "AccessDenied");
}

TEST_F(GatewayRefusal, OfAClockThatDiffersTooMuch) {
  const auto head = sign(look());
  clock_.advance(16min);
  expect_refused(head, look().body, 403, "RequestExpired");
  Ask list{.service = "s3", .method = "GET", .target = "/"};
  const auto s3 = sign(list);
  clock_.advance(-32min);
  expect_refused(s3, "", 403, "RequestTimeTooSkewed");
}

TEST_F(GatewayRefusal, OfAWrongSessionToken) {
  for (const char* token : {"", "wrong"}) {
    http::RequestHead head = sign(look());
    head.headers.set("x-amz-security-token", token);
    expect_refused(head, look().body, 403, "SignatureDoesNotMatch");
  }
  http::RequestHead head = sign(look());
  head.headers.remove("x-amz-security-token");
  expect_refused(head, look().body, 403, "SignatureDoesNotMatch");
}

TEST_F(GatewayRefusal, OfATargetThatWasNotSigned) {
  Ask query{.service = "sts"};
  query.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  query.body = "Action=GetCallerIdentity&Version=2011-06-15";
  http::RequestHead head = sign(query);
  head.headers.add("X-Amz-Target", "DynamoDB_20120810.DeleteTable");
  expect_refused(head, query.body, 403, "must be signed");
}

TEST_F(GatewayRefusal, OfRequestsThatTwoReadersTakeDifferently) {
  Ask twice = look();
  twice.body = R"({"TableName":"dev-t","TableName":"prod-t"})";
  expect_refused(sign(twice), twice.body, 400, "");
  Ask form{.service = "cloudformation"};
  form.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  form.body = "Action=DescribeStacks&Action=DeleteStack&Version=2010-05-15&StackName=s";
  expect_refused(sign(form), form.body, 400, "");
  form.target = "/?Action=DescribeStacks";
  form.body = "Action=DeleteStack&Version=2010-05-15&StackName=s";
  expect_refused(sign(form), form.body, 400, "");
  http::RequestHead doubled = sign(look());
  doubled.headers.add("x-amz-target", "DynamoDB_20120810.DeleteTable");
  expect_refused(doubled, look().body, 400, "twice");
}

TEST_F(GatewayRefusal, OfABodyThatIsTooLarge) {
  build({.body = {.memory_bytes_max = 1'000, .bytes_max = 1'000, .directory = "/tmp"}});
  const Ask large =
      dynamodb("PutItem", "dev-t", fmt::format(R"(,"x":"{}")", std::string(2'000, 'x')));
  expect_refused(sign(large), large.body, 413, "TooLarge");
}

TEST_F(GatewayRefusal, OfAnOperationThatIsNotKnownHoldsItAsDestroy) {
  Ask unknown = look();
  unknown.headers.set("x-amz-target", "DynamoDB_20120810.EraseEverything");
  const Reply reply = ask(unknown);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_GT(change_of(reply).number, 0);
  EXPECT_TRUE(seen().empty());
}

TEST_F(GatewayRefusal, FloodsNeitherLedgerNorClient) {
  http::RequestHead head{.method = "GET", .target = "/", .headers = {}};
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const auto before = ledger_->head()->size;
  for (int i = 0; i < 150; ++i) EXPECT_EQ(send(head, "").status, 403);
  EXPECT_EQ(ledger_->head()->size - before, 100U);
}

}  // namespace
}  // namespace keyturn::aws
