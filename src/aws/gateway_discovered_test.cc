// Endpoints in answers, through the gate.
#include <gtest/gtest.h>

#include "aws/gateway_fixture.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kUrl = "http://gate.example:7312";

class GatewayDiscovered : public GatewayTest {
 protected:
  void open(UpstreamAnswer answer) {
    build({.url = std::string(kUrl)});
    answer.headers.add("content-type", "application/x-amz-json-1.0");
    answer_with([answer](const Seen&) { return answer; });
  }
  static Ask queue_url() {
    return {.service = "sqs",
            .headers = {{"content-type", "application/x-amz-json-1.0"},
                        {"x-amz-target", "AmazonSQS.GetQueueUrl"},
                        {"accept-encoding", "gzip"}},
            .body = R"({"QueueName":"orders"})"};
  }
};

TEST_F(GatewayDiscovered, AQueueUrlLeadsBackToTheGate) {
  UpstreamAnswer answer;
  answer.headers.add("x-amz-crc32", "1");
  answer.body = R"({"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/orders"})";
  open(answer);
  const Reply reply = ask(queue_url());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"QueueUrl":"http://gate.example:7312/123456789012/orders"})");
  EXPECT_EQ(reply.headers.count("x-amz-crc32"), 0U);
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].refused, "");
  EXPECT_EQ(seen()[0].head.headers.count("accept-encoding"), 0U);
  EXPECT_EQ(entries("action.outcome", 1)[0].get_integer("status").value(), 200);
}

TEST_F(GatewayDiscovered, AnAnswerThatCannotBeToldAnewIsDroppedAndRecorded) {
  UpstreamAnswer answer;
  answer.body = R"({"QueueUrl":"sqs.us-east-1.amazonaws.com/123456789012/orders"})";
  open(answer);
  const Reply reply = ask(queue_url());
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body.find("amazonaws"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("the request was executed"), std::string::npos) << reply.body;
  const Json outcome = entries("action.outcome", 1)[0];
  EXPECT_NE(to_text(outcome).find("cannot be told anew"), std::string::npos) << to_text(outcome);
}

TEST_F(GatewayDiscovered, AnAnswerWithoutEndIsDropped) {
  UpstreamAnswer answer;
  answer.body = "\"" + std::string(2U << 20U, 'x') + "\"";
  open(answer);
  EXPECT_EQ(ask(queue_url()).status, 502);
}

TEST_F(GatewayDiscovered, AnErrorIsPassedOn) {
  UpstreamAnswer answer;
  answer.status = 400;
  answer.body = R"({"__type":"QueueDoesNotExist"})";
  open(answer);
  const Reply reply = ask(queue_url());
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, R"({"__type":"QueueDoesNotExist"})");
}

}  // namespace
}  // namespace keyturn::aws
