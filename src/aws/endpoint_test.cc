// Where a request is sent, and what is sent nowhere.
#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

const Model& model() {
  static const auto loaded = load_embedded_model();
  return **loaded;
}

TEST(Origin, FollowsModelAndPartitionAndNeverTheHost) {
  const auto host = [](std::string service, std::string region) {
    Forward forward;
    forward.service = std::move(service);
    forward.region = std::move(region);
    const auto origin = upstream_origin(model(), forward, {});
    return origin ? origin->host : origin.error().message;
  };
  EXPECT_EQ(host("dynamodb", "eu-central-1"), "dynamodb.eu-central-1.amazonaws.com");
  EXPECT_EQ(host("iam", "us-east-1"), "iam.amazonaws.com");
  EXPECT_EQ(host("iam", "cn-north-1"), "iam.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(host("s3", "us-gov-west-1"), "s3.us-gov-west-1.amazonaws.com");
  Forward store;
  store.service = "cloudfront-keyvaluestore";
  store.region = "us-east-1";
  store.host_prefix = "123456789012.";
  EXPECT_EQ(upstream_origin(model(), store, {})->host,
            "123456789012.cloudfront-kvs.global.api.aws");
}

TEST(Origin, IsNowhereForWhatIsNoRegion) {
  Upstreams configured;
  configured.everywhere = "http://127.0.0.1:1";
  for (const std::string_view region :
       {"evil.example/", "us-east-1.", "us-east-1@x", "US-EAST-1", "aws-global", "global",
        "us-east", "us-east-", "us--1", "-1", "1", "moon-base-1", "us-east-1-", "us-east-1%2e"}) {
    Forward hostile;
    hostile.service = "dynamodb";
    hostile.region = region;
    for (const Upstreams& upstreams : {Upstreams(), configured}) {
      const auto origin = upstream_origin(model(), hostile, upstreams);
      ASSERT_FALSE(origin) << region;
      EXPECT_EQ(origin.error().code, Code::kInvalid) << region;
    }
  }
  Forward iso;
  iso.service = "dynamodb";
  iso.region = "us-iso-east-1";
  EXPECT_TRUE(upstream_origin(model(), iso, configured));
}

// SQS reads the queue of a form from the path, policy from the member.
TEST(Invariant11, AQueuesPathIsTheQueueOfTheForm) {
  const auto read = [](std::string_view target, std::string_view more) {
    const http::RequestHead head{
        "POST", std::string(target), {{"content-type", "application/x-www-form-urlencoded"}}};
    const std::string body = fmt::format("Action=PurgeQueue&Version=2012-11-05{}", more);
    return understand(model(), {"sqs", "us-east-1"}, head, body, {.account = "123456789012"});
  };
  constexpr std::string_view kDev = "&QueueUrl=http%3A%2F%2Fgw%2F123456789012%2Fdev";
  for (const std::string_view target : {"/", "/123456789012/dev"}) {
    const auto dev = read(target, kDev);
    ASSERT_TRUE(dev) << target;
    EXPECT_EQ(dev->action.resources[0].name, "arn:aws:sqs:us-east-1:123456789012:dev");
  }
  for (const std::string_view target :
       {"/123456789012/prod", "/210987654321/dev", "/123456789012/dev/", "/123456789012/dev/x",
        "/dev", "/x/123456789012/dev", "/123456789012/dev%2F"}) {
    EXPECT_FALSE(read(target, kDev)) << target;
  }
  for (const std::string_view url :
       {"dev", "%2F123456789012%2Fdev", "http%3A%2F%2Fgw%2F1%2Fprod%3F%2F123456789012%2Fdev",
        "http%3A%2F%2Fgw%2F123456789012%2Fdev%23x", ""}) {
    EXPECT_FALSE(read("/123456789012/dev", fmt::format("&QueueUrl={}", url))) << url;
  }
  const auto unnamed = read("/123456789012/prod", "");
  ASSERT_TRUE(unnamed);
  EXPECT_EQ(unnamed->action.resources[0].name, "*");
}

}  // namespace
}  // namespace keyturn::aws
