// SigV4a: requests that AWS's own library signed, and what may not pass as one.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "aws/sigv4.h"
#include "aws/test_support.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kId = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kToken = "session-token";

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> pieces;
  std::istringstream stream(text);
  for (std::string piece; std::getline(stream, piece, separator);) pieces.push_back(piece);
  return pieces;
}

struct Signed {
  http::RequestHead head;
  std::string body;
};

std::vector<Signed> read_requests() {
  std::vector<Signed> all;
  std::ifstream file(KEYTURN_SOURCE_DIR "/src/aws/testdata/sigv4a.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto columns = split(line, '\t');
    Signed request;
    request.head.method = columns.at(0);
    request.head.target = columns.at(1);
    for (const std::string& field : split(columns.at(2), '\x1f')) {
      request.head.headers.add(field.substr(0, field.find(':')), field.substr(field.find(':') + 2));
    }
    request.body = columns.at(3);
    all.push_back(std::move(request));
  }
  return all;
}

class SigV4a : public testing::Test {
 protected:
  SigV4a() {
    keys_.access_key_id = kId;
    keys_.secret_access_key = crypto::Secret(kSecret);
    keys_.session_token = crypto::Secret(kToken);
  }
  Checked<SigningKeys::Key> check(const Signed& request) {
    auto claim = read_claim(request.head);
    if (!claim) return tl::unexpected<Refused>(std::move(claim).error());
    return verify_signature(request.head, *claim, payload_of(request, *claim), keys_, now_, {},
                            cache_);
  }
  static std::string payload_of(const Signed& request, const Claim& claim) {
    const auto name = read_payload_name(request.head, claim);
    return name && *name ? (*name)->text : crypto::sha256(request.body).hex();
  }
  void expect_refused(const Signed& request, Fault fault, std::string_view words) {
    const auto checked = check(request);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().fault, fault) << checked.error().message;
    EXPECT_NE(checked.error().message.find(words), std::string::npos) << checked.error().message;
  }
  static void edit(Signed& request, std::string_view from, std::string_view to) {
    std::string value(*request.head.headers.find("authorization"));
    ASSERT_NE(value.find(from), std::string::npos);
    value.replace(value.find(from), from.size(), to);
    request.head.headers.set("authorization", value);
  }

  identity::SessionKeys keys_;
  SigningKeys cache_;
  Time now_ = *parse_time("2026-11-24T00:31:00Z");
};

TEST_F(SigV4a, WhatAwsOwnLibrarySignedVerifies) {
  const auto requests = read_requests();
  ASSERT_EQ(requests.size(), 6U);
  for (const Signed& request : requests) {
    const auto checked = check(request);
    EXPECT_TRUE(checked) << request.head.target << ": " << checked.error().message;
    const auto claim = read_claim(request.head);
    EXPECT_EQ(claim->with, SignedWith::kV4a);
    EXPECT_EQ(claim->region,
              claim->service == "cloudfront-keyvaluestore" ? "us-east-1" : "eu-central-1");
  }
}

TEST_F(SigV4a, AnythingAlteredIsRefused) {
  for (const Signed& good : read_requests()) {
    Signed target = good;
    target.head.target.insert(target.head.target.find_first_of("?/") + 1, "x");
    EXPECT_FALSE(check(target));
    Signed method = good;
    method.head.method = "DELETE";
    EXPECT_FALSE(check(method));
    Signed host = good;
    host.head.headers.set("host", "evil.example");
    EXPECT_FALSE(check(host));
    Signed other = good;
    keys_.session_token = crypto::Secret("another");
    EXPECT_FALSE(check(other));
    keys_.session_token = crypto::Secret(kToken);
  }
  Signed body = read_requests().front();
  body.head.headers.set("x-amz-content-sha256", std::string(kEmptyDigest));
  expect_refused(body, Fault::kWrongSignature, "does not match");
}

TEST_F(SigV4a, TheRegionSetIsSignedAndMustBeOneRegion) {
  const Signed good = read_requests().front();
  Signed other = good;
  other.head.headers.set("x-amz-region-set", "eu-west-1");
  expect_refused(other, Fault::kWrongSignature, "does not match");
  for (const char* several : {"*", "us-east-1,eu-west-1", "us-*", "", "eu central"}) {
    other.head.headers.set("x-amz-region-set", several);
    expect_refused(other, Fault::kUnsupported, "one region");
  }
  other.head.headers.remove("x-amz-region-set");
  expect_refused(other, Fault::kIncompleteSignature, "needs X-Amz-Region-Set");
  Signed unsigned_set = good;
  edit(unsigned_set, "x-amz-region-set;", "");
  expect_refused(unsigned_set, Fault::kIncompleteSignature, "must be signed");
  Signed mixed = good;
  edit(mixed, "AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256");
  EXPECT_FALSE(check(mixed));
  Signed regional = good;
  edit(regional, "/dynamodb/", "/eu-central-1/dynamodb/");
  expect_refused(regional, Fault::kIncompleteSignature, "KEY/DATE/SERVICE");
}

TEST_F(SigV4a, ASignatureMustBeOne) {
  const Signed good = read_requests().front();
  const std::string authorization(*good.head.headers.find("authorization"));
  const std::size_t at = authorization.find("Signature=") + 10;
  for (const std::string& bad :
       {std::string(), std::string("00"), std::string(64, '0'), std::string(146, '0'),
        authorization.substr(at, 20), authorization.substr(at) + "00",
        std::string("3006020100020100"), std::string("3006020101020101")}) {
    Signed request = good;
    request.head.headers.set("authorization", authorization.substr(0, at) + bad);
    EXPECT_FALSE(check(request)) << bad;
  }
}

// From (r, s) anyone can make (r, n - s), which verifies too.
TEST_F(SigV4a, ASecondSignatureMadeFromTheFirstIsKnownAsTheSameRequest) {
  const Signed good = read_requests().front();
  const auto claim = read_claim(good.head);
  const auto identity = signed_identity(good.head, *claim, payload_of(good, *claim));
  ASSERT_TRUE(identity);
  Claim other = *claim;
  other.signature = std::string(140, '0');
  EXPECT_EQ(*signed_identity(good.head, other, payload_of(good, other)), *identity);
  EXPECT_NE(*identity, claim->signature);
  Signed later = read_requests().at(3);
  const auto later_claim = read_claim(later.head);
  const auto later_identity =
      signed_identity(later.head, *later_claim, payload_of(later, *later_claim));
  EXPECT_NE(*later_identity, *identity);
  // The same object, its path written otherwise.
  later.head.target = "/bucket/a%20key/with%7Etilde";
  EXPECT_EQ(*signed_identity(later.head, *later_claim, payload_of(later, *later_claim)),
            *later_identity);
}

TEST_F(SigV4a, WhatIsSignedForUpstreamVerifies) {
  http::RequestHead head{.method = "GET",
                         .target = "/key-value-stores/arn%3Aaws/keys?MaxResults=2",
                         .headers = {{"x-amz-region-set", "the agent's"}}};
  const auto signature = sign_for_upstream(
      head, "1.cloudfront-kvs.global.api.aws", kEmptyDigest,
      {.region = "us-east-1", .service = "cloudfront-keyvaluestore", .with = SignedWith::kV4a},
      now_, KeysSigner(kId, kSecret, kToken));
  ASSERT_TRUE(signature);
  EXPECT_EQ(head.headers.find("x-amz-region-set").value_or(""), "*");
  head.headers.add("Host", "1.cloudfront-kvs.global.api.aws");
  const auto checked = check({head, ""});
  EXPECT_TRUE(checked) << checked.error().message;
}

}  // namespace
}  // namespace keyturn::aws
