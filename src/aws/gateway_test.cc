#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "aws/gateway_fixture.h"

namespace keyturn::aws {
namespace {

using review::Answer;
using namespace std::chrono_literals;

class GatewayFlow : public GatewayTest {
 protected:
  static Ask describe() { return dynamodb("DescribeTable", "prod-t"); }
  static Ask drop(std::string_view table = "prod-t") { return dynamodb("DeleteTable", table); }
  static Ask put(std::string_view table = "dev-t") {
    return dynamodb("PutItem", table, R"(,"Item":{"id":{"S":"1"}})");
  }
  // An upstream that knows of one table, `tagged`, with env=dev, on its second page.
  static UpstreamAnswer tags_of_the_tagged_table(const Seen& seen) {
    UpstreamAnswer answer;
    if (seen.head.headers.find("x-amz-target").value_or("").ends_with("GetResources")) {
      const bool first = seen.body.find("PaginationToken") == std::string::npos;
      answer.body = first ? R"({"PaginationToken":"p2","ResourceTagMappingList":[]})"
                          : R"({"PaginationToken":"","ResourceTagMappingList":[{"ResourceARN":)"
                            R"("arn:aws:dynamodb:us-east-1:123456789012:table/tagged",)"
                            R"("Tags":[{"Key":"env","Value":"dev"}]}]})";
    } else if (seen.body.find("DescribeStacks") != std::string::npos) {
      answer.body = "<DescribeStacksResponse></DescribeStacksResponse>";
    }
    return answer;
  }
};

TEST_F(GatewayFlow, SignsAnAllowedCallAnewAndPassesTheAnswerBack) {
  answer_with([](const Seen&) {
    return UpstreamAnswer{.headers = {{"x-amzn-requestid", "up-7"}, {"set-cookie", "a=b"}},
                          .body = R"({"Table":{"TableName":"prod-t"}})"};
  });
  const Reply reply = ask(describe());
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.body, R"({"Table":{"TableName":"prod-t"}})");
  EXPECT_EQ(reply.headers.find("x-amzn-requestid"), "up-7");
  EXPECT_EQ(reply.headers.count("set-cookie"), 0U);
  EXPECT_EQ(reply.headers.count("x-keyturn-request-id"), 1U);

  const auto seen = this->seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].refused, "");
  EXPECT_EQ(seen[0].head.headers.find("host"), fmt::format("127.0.0.1:{}", upstream_->port()));
  EXPECT_EQ(seen[0].head.headers.find("x-amz-security-token"), kVaultToken);
  EXPECT_EQ(seen[0].head.headers.find("x-amz-target"), "DynamoDB_20120810.DescribeTable");

  const auto decided = entries("action.decided", 1);
  EXPECT_EQ(decided[0].string_or("verdict", ""), "allow");
  const auto outcomes = entries("action.outcome", 1);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(*outcomes[0].get_integer("status"), 200);
}

// Invariant 1: record first.
TEST_F(GatewayFlow, RecordsTheDecisionBeforeTheRequestLeaves) {
  EXPECT_EQ(ask(describe()).status, 200);
  const auto seen = this->seen();
  ASSERT_EQ(seen.size(), 1U);
  const auto before = *ledger_->read(0, seen[0].ledger_size);
  EXPECT_TRUE(std::ranges::any_of(
      before, [](const auto& entry) { return entry.kind == "action.decided"; }));
}

// The request names a stack; what an update would do shows beside the template that is deployed.
TEST_F(GatewayFlow, ComparesAnUpdateWithTheDeployedTemplate) {
  std::string mode = "floor";
  answer_with([&](const Seen& seen) {
    UpstreamAnswer answer;
    if (seen.body.find("GetTemplate") != std::string::npos) {
      answer.body =
          "<GetTemplateResponse><GetTemplateResult><TemplateBody>"
          "Parameters: {Mode: {Type: String}}\nResources:\n  Rule: {Type: AWS::SSM::Parameter, "
          "Properties: {Type: String, Value: !Ref Mode}}</TemplateBody></GetTemplateResult>"
          "</GetTemplateResponse>";
    } else if (seen.body.find("DescribeStacks") != std::string::npos) {
      answer.body = fmt::format(
          "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Parameters><member>"
          "<ParameterKey>Mode</ParameterKey><ParameterValue>{}</ParameterValue></member>"
          "</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
          mode);
    }
    return answer;
  });
  const Ask update{
      .service = "cloudformation",
      .headers = {{"content-type", "application/x-www-form-urlencoded"}},
      .body =
          "Action=UpdateStack&Version=2010-05-15&StackName=s&UsePreviousTemplate=true"
          "&Parameters.member.1.ParameterKey=Mode&Parameters.member.1.ParameterValue=up"};
  const Reply held = ask(update);
  EXPECT_EQ(held.status, 403);
  const ChangeId first = change_of(held);
  EXPECT_EQ(seen().size(), 2U);
  ASSERT_TRUE(review(first, "bob", Answer::kApprove));
  // The stack became another: what was reviewed is no longer what would happen.
  mode = "up";
  EXPECT_NE(change_of(ask(update)), first);
  mode = "floor";
  EXPECT_EQ(ask(update).status, 200) << "one approval suffices for a change in place";

  clock_.advance(std::chrono::seconds(1));  // the next has another signature
  answer_with([](const Seen&) { return UpstreamAnswer{.status = 500}; });
  const auto given = review(change_of(ask(update)), "bob", Answer::kApprove);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->change.effect, Effect::kDestroy);
  EXPECT_FALSE(given->grant) << "what cannot be compared needs two";
}

// Invariants 5 to 7: two keys, bound to content, once.
TEST_F(GatewayFlow, ExecutesAReviewedRequestOnceAndNoOther) {
  const Reply held = ask(drop());
  EXPECT_EQ(held.status, 403);
  EXPECT_EQ(held.headers.find("x-amzn-errortype"), "AccessDeniedException");
  EXPECT_TRUE(seen().empty());
  const ChangeId change = change_of(held);
  EXPECT_NE(held.body.find(change.text()), std::string::npos) << held.body;

  EXPECT_FALSE(review(change, "owner", Answer::kApprove));
  EXPECT_TRUE(review(change, "alice", Answer::kApprove));
  clock_.advance(2s);
  EXPECT_EQ(ask(drop()).status, 403);
  EXPECT_TRUE(review(change, "bob", Answer::kApprove));
  clock_.advance(2s);
  EXPECT_EQ(ask(drop("prod-other")).status, 403);
  EXPECT_TRUE(seen().empty());
  clock_.advance(2s);
  const Reply executed = ask(drop());
  EXPECT_EQ(executed.status, 200) << executed.body;
  clock_.advance(2s);
  EXPECT_EQ(ask(drop()).status, 403);
  ASSERT_EQ(seen().size(), 1U);
}

TEST_F(GatewayFlow, GivesTheReviewersWordsToTheAgent) {
  const ChangeId change = change_of(ask(drop()));
  ASSERT_TRUE(review(change, "alice", Answer::kReject, "update it in place instead"));
  clock_.advance(2s);
  const Reply reply = ask(drop());
  EXPECT_EQ(reply.status, 403);
  EXPECT_NE(reply.body.find("update it in place instead"), std::string::npos) << reply.body;
}

TEST_F(GatewayFlow, OneGrantServesOneOfManyEqualRequestsAtOnce) {
  const ChangeId change = change_of(ask(drop()));
  ASSERT_TRUE(review(change, "alice", Answer::kApprove));
  ASSERT_TRUE(review(change, "bob", Answer::kApprove));
  std::vector<http::RequestHead> heads;
  for (int i = 0; i < 8; ++i) {
    clock_.advance(1s);
    heads.push_back(sign(drop()));
  }
  std::atomic<int> executed{0};
  std::vector<std::thread> threads;
  for (const auto& head : heads) {
    threads.emplace_back([&] {
      const http::Origin origin{"http", "127.0.0.1", server_->port()};
      const auto reply = http::fetch(origin, head, drop().body, 20s);
      if (reply && reply->status == 200) ++executed;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(executed, 1);
  EXPECT_EQ(seen().size(), 1U);
}

TEST_F(GatewayFlow, AHeldRequestThatWaitsIsExecutedWhenReviewed) {
  build({.hold_wait = 60s});
  const auto head = sign(drop());
  std::thread reviewers([&] {
    entries("change.opened", 1);
    const ChangeId change{1};
    EXPECT_TRUE(review(change, "alice", Answer::kApprove));
    EXPECT_TRUE(review(change, "bob", Answer::kApprove));
  });
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const auto reply = http::fetch(origin, head, drop().body, 30s);
  reviewers.join();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200) << reply->body;
  EXPECT_EQ(seen().size(), 1U);
}

TEST_F(GatewayFlow, AHeldRequestThatWaitsHearsOfARejectionAtOnce) {
  build({.hold_wait = 60s});
  const auto head = sign(drop());
  std::thread reviewer([&] {
    entries("change.opened", 1);
    EXPECT_TRUE(review(ChangeId{1}, "alice", Answer::kReject, "not today"));
  });
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const auto reply = http::fetch(origin, head, drop().body, 30s);
  reviewer.join();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 403);
  EXPECT_NE(reply->body.find("not today"), std::string::npos) << reply->body;
}

TEST_F(GatewayFlow, AHeldRequestThatWaitsIsJudgedByTheTagsOfThen) {
  build({.hold_wait = 60s});
  answer_with(tags_of_the_tagged_table);
  const auto head = sign(drop("tagged"));
  std::thread others([&] {
    entries("change.opened", 1);
    EXPECT_TRUE(on_loop<void>([this] { return gateway_->refresh_tags({"us-east-1"}); }));
    // One of the two that production needs; what turned out to be development needs none.
    EXPECT_TRUE(review(ChangeId{1}, "alice", Answer::kApprove));
  });
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const auto reply = http::fetch(origin, head, drop("tagged").body, 30s);
  others.join();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200) << reply->body;
}

TEST_F(GatewayFlow, NoMoreRequestsWaitThanAllowed) {
  build({.hold_wait = 60s, .held_requests_per_session_max = 0});
  const Reply reply = ask(drop());
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.body.find("SlowDown"), std::string::npos) << reply.body;
  EXPECT_TRUE(seen().empty());
}

TEST_F(GatewayFlow, AWaitThatEndsAnswersWithTheChange) {
  build({.hold_wait = 50ms});
  const Reply reply = ask(drop());
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(change_of(reply), ChangeId{1});
}

TEST_F(GatewayFlow, AnExecutedRequestIsNotExecutedAgainByItsSignature) {
  const auto head = sign(put());
  EXPECT_EQ(send(head, put().body).status, 200);
  const Reply replayed = send(head, put().body);
  EXPECT_EQ(replayed.status, 403);
  EXPECT_NE(replayed.body.find("RequestExpired"), std::string::npos) << replayed.body;
  EXPECT_EQ(seen().size(), 1U);
  EXPECT_EQ(entries("action.refused", 1)[0].string_or("code", ""), "RequestExpired");
  // Reading may be repeated.
  const auto look = sign(describe());
  EXPECT_EQ(send(look, describe().body).status, 200);
  EXPECT_EQ(send(look, describe().body).status, 200);
}

TEST_F(GatewayFlow, ARepeatedRequestThatWasHeldGetsItsAnswerAgain) {
  const auto head = sign(drop());
  const Reply first = send(head, drop().body);
  const Reply second = send(head, drop().body);
  EXPECT_EQ(second.status, 403);
  EXPECT_EQ(change_of(first), change_of(second));
}

TEST_F(GatewayFlow, EqualCallsInOneSecondAreTwoCalls) {
  http::RequestHead head = sign(put());
  head.headers.set("amz-sdk-invocation-id", "1");
  EXPECT_EQ(send(head, put().body).status, 200);
  head.headers.set("amz-sdk-invocation-id", "2");
  EXPECT_EQ(send(head, put().body).status, 200);
  EXPECT_EQ(send(head, put().body).status, 403);
  clock_.advance(5s);
  head.headers.set("amz-sdk-invocation-id", "3");
  EXPECT_EQ(send(head, put().body).status, 403);
  EXPECT_EQ(seen().size(), 2U);
}

TEST_F(GatewayFlow, AnErrorAnswerOfUpstreamMayBeTriedAgain) {
  answer_with([](const Seen&) {
    return UpstreamAnswer{.status = 400, .body = R"({"__type":"ThrottlingException"})"};
  });
  const auto head = sign(put());
  EXPECT_EQ(send(head, put().body).status, 400);
  answer_with([](const Seen&) { return UpstreamAnswer(); });
  EXPECT_EQ(send(head, put().body).status, 200);
}

TEST_F(GatewayFlow, UpstreamThatIsAwayGetsABadGatewayAndNothingWasSent) {
  build({.upstream = "http://127.0.0.1:1"});
  const auto head = sign(put());
  const Reply reply = send(head, put().body);
  EXPECT_EQ(reply.status, 502);
  EXPECT_NE(reply.body.find(*reply.headers.find("x-keyturn-request-id")), std::string::npos);
  EXPECT_EQ(entries("action.outcome", 1)[0].string_or("outcome", ""), "not_sent");
  EXPECT_EQ(send(head, put().body).status, 502);
}

TEST_F(GatewayFlow, UpstreamThatHangsUpLeavesTheOutcomeUnknownAndIsNotAskedAgain) {
  answer_with([](const Seen&) { return UpstreamAnswer{.hang_up = true}; });
  const auto head = sign(put());
  const Reply reply = send(head, put().body);
  EXPECT_GE(reply.status, 500);
  const auto outcome = entries("action.outcome", 1)[0];
  // The double answers 500 for a handler that fails, or cuts the connection.
  if (reply.status == 502) {
    EXPECT_EQ(outcome.string_or("outcome", ""), "unknown");
    EXPECT_EQ(send(head, put().body).status, 403);
  }
  EXPECT_EQ(seen().size(), 1U);
}

TEST_F(GatewayFlow, UpstreamThatIsSlowGetsAGatewayTimeout) {
  answer_with([](const Seen&) { return UpstreamAnswer{.silent = true}; });
  const auto head = sign(put());
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const auto reply = http::fetch(origin, head, put().body, 20s);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 504) << reply->body;
  EXPECT_EQ(entries("action.outcome", 1)[0].string_or("outcome", ""), "unknown");
  EXPECT_EQ(seen().size(), 1U);
  answer_with([](const Seen&) { return UpstreamAnswer(); });
  EXPECT_EQ(send(head, put().body).status, 403);
}

// Invariant 8: secrets stay.
TEST_F(GatewayFlow, AnUpstreamThatRepeatsOurCredentialsIsNotQuoted) {
  answer_with([](const Seen& seen) {
    return UpstreamAnswer{
        .status = 403,
        .body = fmt::format("<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>"
                            "x-amz-security-token:{}</CanonicalRequest></Error>",
                            *seen.head.headers.find("x-amz-security-token"))};
  });
  const Reply reply = ask(describe());
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(log_.take_errors().size(), 1U);
  // Nor in a body of another shape.
  answer_with([](const Seen&) {
    return UpstreamAnswer{.status = 418, .body = "echo " + std::string(kVaultToken)};
  });
  EXPECT_EQ(ask(describe()).status, 502);
  EXPECT_EQ(log_.take_errors().size(), 1U);
  const std::string said = everything_said();
  EXPECT_EQ(said.find(kVaultToken), std::string::npos);
  EXPECT_EQ(said.find(kVaultSecret), std::string::npos);
}

// Invariant 8: secrets stay.
TEST_F(GatewayFlow, NoSecretAppearsInAnswersLogsOrLedger) {
  ask(describe());
  ask(drop());
  ask(put());
  http::RequestHead broken = sign(describe());
  broken.headers.set("x-amz-security-token", "wrong");
  send(broken, describe().body);
  build({.upstream = "http://127.0.0.1:1"});
  ask(put());
  const std::string said = everything_said();
  for (const std::string_view secret :
       {kVaultSecret, kVaultToken, session_->keys.secret_access_key.view(),
        session_->keys.session_token.view()}) {
    EXPECT_EQ(said.find(secret), std::string::npos);
  }
}

TEST_F(GatewayFlow, OrdinaryErrorsOfUpstreamPassUnchanged) {
  answer_with([](const Seen&) {
    return UpstreamAnswer{.status = 400,
                          .headers = {{"x-amzn-errortype", "ResourceNotFoundException"}},
                          .body = R"({"__type":"ResourceNotFoundException","message":"no"})"};
  });
  const Reply reply = ask(describe());
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.headers.find("x-amzn-errortype"), "ResourceNotFoundException");
}

TEST_F(GatewayFlow, TagsFromUpstreamDecideTheEnvironment) {
  EXPECT_EQ(ask(put("tagged")).status, 403);
  answer_with(tags_of_the_tagged_table);
  const auto refreshed = on_loop<void>([this] { return gateway_->refresh_tags({"us-east-1"}); });
  ASSERT_TRUE(refreshed) << refreshed.error().message;
  for (const Seen& seen : this->seen()) EXPECT_EQ(seen.refused, "");
  EXPECT_EQ(ask(put("tagged")).status, 200);
  EXPECT_EQ(ask(put("untagged")).status, 403);
}

// A made resource is known by upstream's word soon after, not only at the next refresh.
TEST_F(GatewayFlow, TagsOfWhatARequestTouchedAreFollowedUp) {
  answer_with([](const Seen& seen) {
    UpstreamAnswer answer;
    if (seen.body.find("ResourceARNList") == std::string::npos) return answer;
    answer.body = seen.body.find("table/dev-t") == std::string::npos
                      ? R"({"ResourceTagMappingList":[]})"
                      : R"({"ResourceTagMappingList":[{"ResourceARN":)"
                        R"("arn:aws:dynamodb:us-east-1:123456789012:table/tagged",)"
                        R"("Tags":[{"Key":"env","Value":"dev"}]}]})";
    return answer;
  });
  EXPECT_EQ(ask(put("tagged")).status, 403);
  EXPECT_EQ(ask(put("dev-t")).status, 200);
  entries("action.outcome", 1);  // recorded after the answer has left
  ASSERT_TRUE(on_loop<void>([this] { return gateway_->follow_tags({"us-east-1"}); }));
  EXPECT_EQ(ask(put("tagged")).status, 200);
  entries("action.outcome", 2);
  const std::size_t asked = this->seen().size();
  ASSERT_TRUE(on_loop<void>([this] { return gateway_->follow_tags({"us-east-1"}); }));
  EXPECT_EQ(this->seen().size(), asked + 1) << "the second request has its own follow-up";
  clock_.advance(1s);
  EXPECT_EQ(ask(put("tagged")).status, 403) << "upstream names no tags of it";
  ASSERT_TRUE(on_loop<void>([this] { return gateway_->follow_tags({"us-east-1"}); }));
  EXPECT_EQ(this->seen().size(), asked + 1) << "nothing was executed";
  clock_.advance(1s);
  EXPECT_EQ(ask(put("dev-t")).status, 200);
  entries("action.outcome", 3);
  ASSERT_TRUE(on_loop<void>([this] { return gateway_->follow_tags({"eu-west-1"}); }));
  EXPECT_EQ(this->seen().size(), asked + 2) << "regions that are not refreshed are not followed";
}

TEST_F(GatewayFlow, ARequestThatClaimsTagsForItselfIsStillProduction) {
  EXPECT_EQ(
      ask(dynamodb("UpdateTable", "prod-t", R"(,"Tags":[{"Key":"env","Value":"dev"}])")).status,
      403);
  EXPECT_TRUE(seen().empty());
}

TEST_F(GatewayFlow, ATagRefreshThatFailsKeepsWhatIsKnown) {
  answer_with([](const Seen&) { return UpstreamAnswer{.status = 500, .body = "no"}; });
  const auto refreshed = on_loop<void>([this] { return gateway_->refresh_tags({"us-east-1"}); });
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().code, Code::kUnavailable);
}

TEST_F(GatewayFlow, WithoutUpstreamCredentialsNothingIsDecided) {
  vault::Credentials expiring;
  expiring.access_key_id = "ASIAEXPIRING";
  expiring.secret_access_key = crypto::Secret(kVaultSecret);
  expiring.expiry = clock_.now() + 1h;
  ASSERT_TRUE(store_->run(
      [&](store::Transaction& transaction) { return vault_->seal(transaction, expiring); }));
  ASSERT_TRUE(vault_->refresh());
  clock_.advance(2h);
  const Reply reply = ask(describe());
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_TRUE(seen().empty());
  EXPECT_TRUE(entries("action.decided", 0).empty());
}

}  // namespace
}  // namespace keyturn::aws
