// Answers that name endpoints are told with the gate's address, or not at all.
#include "aws/discovered.h"

#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kGate = "http://127.0.0.1:7312";
constexpr std::string_view kJson = "application/x-amz-json-1.0";

Result<std::string> told(Discovery discovery, std::string_view body, std::string_view type = kJson,
                         std::string_view gate = kGate) {
  const http::ResponseHead head{.status = 200, .headers = {{"content-type", std::string(type)}}};
  return name_gate(discovery, head, body, gate);
}

std::string queues(std::string_view body, std::string_view type = kJson) {
  const auto text = told(Discovery::kQueueUrls, body, type);
  return text ? *text : text.error().message;
}

TEST(Discovered, QueueUrlsNameTheGateInBothProtocols) {
  EXPECT_EQ(queues(R"({"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/orders"})"),
            R"({"QueueUrl":"http://127.0.0.1:7312/123456789012/orders"})");
  EXPECT_EQ(queues(R"({"NextToken":"x","QueueUrls":["https://a/1/q","http://b:1/1/r"]})"),
            R"({"NextToken":"x","QueueUrls":["http://127.0.0.1:7312/1/q",)"
            R"("http://127.0.0.1:7312/1/r"]})");
  EXPECT_EQ(queues(R"({"queueUrls":["https://a/1/q"]})"),
            R"({"queueUrls":["http://127.0.0.1:7312/1/q"]})");
  EXPECT_EQ(queues("{}"), "{}");
  EXPECT_EQ(queues("<?xml version=\"1.0\"?>\n<ListQueuesResponse><ListQueuesResult>"
                   "<QueueUrl>https://a/1/q&amp;r</QueueUrl><QueueUrl>https://a/1/s</QueueUrl>"
                   "</ListQueuesResult></ListQueuesResponse>",
                   "text/xml; charset=utf-8"),
            "<ListQueuesResponse><ListQueuesResult>"
            "<QueueUrl>http://127.0.0.1:7312/1/q&amp;r</QueueUrl>"
            "<QueueUrl>http://127.0.0.1:7312/1/s</QueueUrl>"
            "</ListQueuesResult></ListQueuesResponse>");
}

TEST(Discovered, EndpointsNameTheGate) {
  const std::string_view answer =
      R"({"Endpoints":[{"Address":"dynamodb.eu-west-1.amazonaws.com","Cache":1440}]})";
  EXPECT_EQ(told(Discovery::kEndpoints, answer).value(),
            R"({"Endpoints":[{"Address":"http://127.0.0.1:7312","Cache":1440}]})");
  // Clients put https before an address without a scheme.
  EXPECT_EQ(told(Discovery::kEndpoints, answer, kJson, "https://gate.example:7312").value(),
            R"({"Endpoints":[{"Address":"gate.example:7312","Cache":1440}]})");
  EXPECT_EQ(told(Discovery::kEndpoints,
                 R"({"endpoints":[{"url":"https://abc.mediaconvert.eu-west-1.amazonaws.com"}]})",
                 "application/json")
                .value(),
            R"({"endpoints":[{"url":"http://127.0.0.1:7312"}]})");
}

TEST(Discovered, WhatCannotBeReadIsNotToldAtAll) {
  for (const std::string_view body :
       {"", "[]", "1", "{", R"({"QueueUrl":1})", R"({"QueueUrl":"sqs.amazonaws.com/1/q"})",
        R"({"QueueUrl":"https://a/1/q","QueueUrl":"https://b/1/q"})", R"({"QueueUrl":"https://"})",
        R"({"QueueUrls":"https://a/1/q"})", R"({"QueueUrls":[1]})",
        R"({"QueueUrl":"HTTPS://a/1/q"})"}) {
    EXPECT_FALSE(told(Discovery::kQueueUrls, body)) << body;
  }
  for (const std::string_view body : {R"({"Endpoints":{}})", R"({"Endpoints":[1]})",
                                      R"({"endpoints":[{"url":"//a"}]})", "<a></a>"}) {
    EXPECT_FALSE(told(Discovery::kEndpoints, body)) << body;
  }
  for (const std::string_view body :
       {"<a><QueueUrl x=\"1\">https://a/1/q</QueueUrl></a>", "<a><QueueUrl></QueueUrl></a>",
        "<a><QueueUrl><b>https://a/1/q</b></QueueUrl></a>", "<!DOCTYPE a><a></a>", "<a>"}) {
    EXPECT_FALSE(told(Discovery::kQueueUrls, body, "text/xml")) << body;
  }
  EXPECT_FALSE(told(Discovery::kQueueUrls, "{}", "text/html"));
  EXPECT_FALSE(told(Discovery::kEndpoints, "<a></a>", "text/xml"));
  const http::ResponseHead packed{
      .status = 200, .headers = {{"content-type", "text/xml"}, {"content-encoding", "gzip"}}};
  EXPECT_FALSE(name_gate(Discovery::kQueueUrls, packed, "<a></a>", kGate));
}

TEST(Discovered, OnlyTheGatesOwnQueueUrlsBecomeUpstreams) {
  const QueueHosts hosts{std::string(kGate), "https://sqs.eu-west-1.amazonaws.com"};
  EXPECT_EQ(queue_url_for_upstream("http://127.0.0.1:7312/123456789012/orders", hosts),
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders");
  for (const std::string url :
       {"http://127.0.0.1:73121/1/q", "http://127.0.0.1:7312@evil/1/q", "http://127.0.0.1:7312",
        "https://sqs.us-east-1.amazonaws.com/1/q", "orders", ""}) {
    EXPECT_EQ(queue_url_for_upstream(url, hosts), url);
  }
  EXPECT_EQ(queue_url_for_upstream("/1/q", {}), "/1/q");
}

// One queue by two names of it is one resource, and upstream reads AWS's own.
TEST(Invariant11, AQueueOfTheGatesIsTheQueueOfAws) {
  static const auto model = load_embedded_model();
  const auto read = [](std::string_view target, const http::Headers& headers,
                       std::string_view body) {
    const http::RequestHead head{"POST", std::string(target), headers};
    return understand(**model, {"sqs", "eu-west-1"}, head, body,
                      {.account = "123456789012", .gate_url = std::string(kGate)});
  };
  const http::Headers json{{"content-type", std::string(kJson)},
                           {"x-amz-target", "AmazonSQS.PurgeQueue"}};
  const auto aws =
      read("/", json, R"({"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/orders"})");
  ASSERT_TRUE(aws) << aws.error().message;
  const auto gate = read("/", json, R"({"QueueUrl":"http://127.0.0.1:7312/123456789012/orders"})");
  ASSERT_TRUE(gate) << gate.error().message;
  EXPECT_EQ(gate->forward.body, aws->forward.body);
  EXPECT_EQ(gate->action.digest, aws->action.digest);
  ASSERT_EQ(gate->action.resources.size(), 1U);
  EXPECT_EQ(gate->action.resources[0].name, "arn:aws:sqs:eu-west-1:123456789012:orders");
  EXPECT_EQ(gate->action.effect, Effect::kDestroy);
  const auto form =
      read("/123456789012/orders", {{"content-type", "application/x-www-form-urlencoded"}},
           "Action=PurgeQueue&Version=2012-11-05&QueueUrl=http%3A%2F%2F127.0.0.1%3A"
           "7312%2F123456789012%2Forders");
  ASSERT_TRUE(form) << form.error().message;
  EXPECT_NE(form->forward.body->find("QueueUrl=https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F"),
            std::string::npos)
      << *form->forward.body;
  // Only a form names its queue by the path.
  EXPECT_FALSE(read("/123456789012/orders", json,
                    R"({"QueueUrl":"http://127.0.0.1:7312/123456789012/orders"})"));
}

}  // namespace
}  // namespace keyturn::aws
