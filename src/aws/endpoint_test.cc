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

}  // namespace
}  // namespace keyturn::aws
