#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "aws/test_support.h"
#include "base/json.h"

namespace keyturn::aws {
namespace {

Json read_data(std::string_view name) {
  std::ifstream file(fmt::format("{}/src/aws/testdata/{}", KEYTURN_SOURCE_DIR, name));
  std::stringstream text;
  text << file.rdbuf();
  auto json = parse_strict(text.str());
  EXPECT_TRUE(json) << name;
  return json ? std::move(*json) : Json();
}

identity::SessionKeys keys_of(std::string_view secret, std::string_view token) {
  identity::SessionKeys keys;
  keys.access_key_id = "AKIDEXAMPLE";
  keys.secret_access_key = crypto::Secret(secret);
  keys.session_token = crypto::Secret(token);
  return keys;
}

constexpr std::string_view kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct Request {
  http::RequestHead head;
  std::string body;
};

// The suite's requests are HTTP as written by hand: folded headers, raw UTF-8, spaces in paths.
Request read_request(const std::string& text) {
  Request request;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  request.head.method = line.substr(0, line.find(' '));
  request.head.target = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
  std::vector<http::Headers::Field> fields;
  while (std::getline(lines, line) && !line.empty()) {
    if (line.starts_with(' ')) {
      fields.back().second += "\n" + line;
    } else {
      fields.emplace_back(line.substr(0, line.find(':')), line.substr(line.find(':') + 1));
    }
  }
  for (const auto& [name, value] : fields) request.head.headers.add(name, value);
  std::getline(lines, request.body, '\0');
  return request;
}

class Suite : public testing::Test {
 protected:
  Time at(std::string_view text) { return *parse_time(text); }
  SigningKeys cache_;
};

TEST_F(Suite, CanonicalisesAndVerifiesEveryCaseOfTheAwsSigV4TestSuite) {
  const Json cases = read_data("sigv4_suite.json");
  ASSERT_NE(cases.if_array(), nullptr);
  ASSERT_GE(cases.if_array()->size(), 30U);
  for (const Json& c : *cases.if_array()) {
    const std::string name = *c.get_string("name");
    SCOPED_TRACE(name);
    Request request = read_request(*c.get_string("request"));
    request.head.headers.add("Authorization", *c.get_string("authorization"));
    // One case leaves adding the token to whoever runs the suite.
    const std::string expected = *c.get_string("canonical");
    constexpr std::string_view kToken = "x-amz-security-token:";
    if (const auto at = expected.find(kToken);
        at != std::string::npos && request.head.headers.count("x-amz-security-token") == 0) {
      const auto begin = at + kToken.size();
      request.head.headers.add("X-Amz-Security-Token",
                               expected.substr(begin, expected.find('\n', begin) - begin));
    }
    // Repeated and unsigned headers are what the suite plays with: read the claim without them.
    http::RequestHead bare{.method = request.head.method, .target = "/", .headers = {}};
    bare.headers.add("Authorization", *c.get_string("authorization"));
    bare.headers.add("X-Amz-Date", *request.head.headers.find("x-amz-date"));
    const auto claim = read_claim(bare);
    ASSERT_TRUE(claim) << claim.error().message;
    const std::string payload = crypto::sha256(request.body).hex();
    const auto canonical = canonical_request(request.head, *claim, payload);
    ASSERT_TRUE(canonical) << canonical.error().message;
    EXPECT_EQ(*canonical, *c.get_string("canonical"));
    EXPECT_EQ(string_to_sign(claim->with, claim->timestamp, claim->scope(), *canonical),
              *c.get_string("string_to_sign"));
    const auto key =
        crypto::sigv4_signing_key(kSuiteSecret, claim->date, claim->region, claim->service);
    EXPECT_EQ(crypto::hmac_sha256(key.view(), *c.get_string("string_to_sign")).hex(),
              claim->signature);
  }
}

class Botocore : public Suite {
 protected:
  void SetUp() override {
    data_ = read_data("sigv4_botocore.json");
    keys_ = keys_of(*data_.get_string("secret"), *data_.get_string("token"));
    now_ = at(*data_.get_string("time"));
  }
  static Request request_of(const Json& json) {
    Request request;
    request.head.method = *json.get_string("method");
    request.head.target = *json.get_string("target");
    request.body = *json.get_string("body");
    for (const Json& field : *json.find("headers")->if_array()) {
      request.head.headers.add(*(*field.if_array())[0].if_string(),
                               *(*field.if_array())[1].if_string());
    }
    return request;
  }
  Request find(std::string_view name) {
    for (const Json& json : *data_.find("requests")->if_array()) {
      if (json.string_or("name", "") == name) return request_of(json);
    }
    ADD_FAILURE() << name;
    return {};
  }
  Checked<SigningKeys::Key> verify(const Request& request) {
    const auto claim = read_claim(request.head);
    if (!claim) return tl::unexpected<Refused>(claim.error());
    const auto name = read_payload_name(request.head, *claim);
    if (!name) return tl::unexpected<Refused>(name.error());
    const std::string payload = *name ? (*name)->text : crypto::sha256(request.body).hex();
    return verify_signature(request.head, *claim, payload, keys_, now_, options_, cache_);
  }
  // Expects the request to be refused with this fault, and with these words in the message.
  void expect_refused(const Request& request, Fault fault, std::string_view words = "") {
    const auto verified = verify(request);
    ASSERT_FALSE(verified);
    EXPECT_EQ(code_of(verified.error().fault, ErrorShape::kQuery),
              code_of(fault, ErrorShape::kQuery))
        << verified.error().message;
    EXPECT_NE(verified.error().message.find(words), std::string::npos) << verified.error().message;
  }

  Json data_;
  identity::SessionKeys keys_;
  Time now_;
  VerifyOptions options_;
};

TEST_F(Botocore, SignaturesVerify) {
  std::size_t count = 0;
  for (const Json& json : *data_.find("requests")->if_array()) {
    SCOPED_TRACE(*json.get_string("name"));
    const auto verified = verify(request_of(json));
    EXPECT_TRUE(verified) << verified.error().message;
    ++count;
  }
  EXPECT_GE(count, 15U);
}

TEST_F(Botocore, EverySignedPartMatters) {
  for (const Json& json : *data_.find("requests")->if_array()) {
    SCOPED_TRACE(*json.get_string("name"));
    const Request good = request_of(json);
    const auto claim = read_claim(good.head);
    ASSERT_TRUE(claim);
    Request other = good;
    other.head.method = "DELETE";
    EXPECT_FALSE(verify(other));
    other = good;
    other.head.target.insert(other.head.target.find('?') == std::string::npos
                                 ? other.head.target.size()
                                 : other.head.target.find('?'),
                             "x");
    EXPECT_FALSE(verify(other));
    other = good;
    other.head.target += other.head.target.find('?') == std::string::npos ? "?x=1" : "&x=1";
    EXPECT_FALSE(verify(other));
    for (const std::string& name : claim->signed_headers) {
      other = good;
      other.head.headers.set(name, std::string(*good.head.headers.find(name)) + "x");
      EXPECT_FALSE(verify(other)) << name;
      other.head.headers.remove(name);
      EXPECT_FALSE(verify(other)) << name;
    }
    if (!claim->content_sha256 && claim->by == SignedBy::kHeader) {
      other = good;
      other.body += "x";
      EXPECT_FALSE(verify(other));
    }
  }
}

TEST_F(Botocore, TheTokenMustBeTheSessions) {
  Request request = find("sts query");
  keys_ = keys_of(*data_.get_string("secret"), "another");
  expect_refused(request, Fault::kWrongToken);
  keys_ = keys_of("another secret", *data_.get_string("token"));
  expect_refused(request, Fault::kWrongSignature);
}

TEST_F(Botocore, TheClockMayDifferByFifteenMinutes) {
  const Request request = find("dynamodb json");
  const Time signed_at = now_;
  for (const int minutes : {-15, 15}) {
    now_ = signed_at + std::chrono::minutes(minutes);
    EXPECT_TRUE(verify(request)) << minutes;
  }
  for (const int minutes : {-15, 15}) {
    now_ = signed_at + std::chrono::minutes(minutes) + std::chrono::seconds(minutes > 0 ? 1 : -1);
    expect_refused(request, Fault::kTimeSkewed);
  }
}

TEST_F(Botocore, APresignedUrlEndsWhenItSays) {
  const Request request = find("presigned get_object");
  const Time signed_at = now_;
  now_ = signed_at + std::chrono::seconds(900);
  EXPECT_TRUE(verify(request));
  now_ = signed_at + std::chrono::seconds(901);
  expect_refused(request, Fault::kRequestExpired, "expired at");
}

TEST_F(Botocore, HeadersThatSayWhatTheRequestIsMustBeSigned) {
  for (const char* name : {"x-amz-target", "x-amz-copy-source", "smithy-protocol",
                           "x-amz-bypass-governance-retention"}) {
    Request request = find("sts query");
    request.head.headers.set(name, "anything");
    expect_refused(request, Fault::kIncompleteSignature, name);
  }
  Request request = find("dynamodb json");
  std::string authorization(*request.head.headers.find("authorization"));
  for (const char* name : {"content-type;", "host;", "x-amz-target"}) {
    std::string without = authorization;
    without.erase(without.find(name), std::string_view(name).size());
    if (const auto end = without.find(";, Sig"); end != std::string::npos) without.erase(end, 1);
    request.head.headers.set("authorization", without);
    expect_refused(request, Fault::kIncompleteSignature, "must be signed");
  }
}

TEST_F(Botocore, ReadersThatDifferAreNotServed) {
  const struct {
    std::string_view what;
    std::string_view header;
    std::string_view value;
  } kRepeated[] = {{"target", "X-AMZ-Target", "DynamoDB_20120810.DeleteTable"},
                   {"type", "content-TYPE", "application/x-www-form-urlencoded"},
                   {"host", "HOST", "evil"},
                   {"token", "x-amz-security-token", "x"},
                   {"authorization", "authorization", "AWS4-HMAC-SHA256 x"}};
  for (const auto& c : kRepeated) {
    Request request = find("dynamodb json");
    request.head.headers.add(c.header, c.value);
    expect_refused(request, Fault::kMalformed, "twice");
  }
  for (const char* suffix : {"&X-Amz-Expires=1", "&x-amz-date=1", "&X%2dAmz-Signature=00"}) {
    Request request = find("presigned get_object");
    request.head.target += suffix;
    expect_refused(request, Fault::kMalformed);
  }
  for (const char* suffix : {"&a=b+c", "&a=%zz", "&%"}) {
    Request request = find("presigned get_object");
    request.head.target += suffix;
    expect_refused(request, Fault::kMalformed);
  }
  Request both = find("presigned get_object");
  both.head.headers.add("Authorization", "AWS4-HMAC-SHA256 x");
  expect_refused(both, Fault::kMalformed, "keep one");
}

TEST_F(Botocore, OtherWaysToSignAreNamedWithTheirFix) {
  Request request = find("s3 list");
  request.head.headers.set("authorization", "AWS AKID:c2lnbmF0dXJl");
  expect_refused(request, Fault::kUnsupported, "s3v4");
  request.head.headers.set("authorization", "Bearer abc");
  expect_refused(request, Fault::kIncompleteSignature);
  request.head.headers.remove("authorization");
  expect_refused(request, Fault::kMissingToken, "keyturn run");
  request.head.target = "/b/k?AWSAccessKeyId=A&Signature=x&Expires=1";
  expect_refused(request, Fault::kUnsupported, "s3v4");
}

TEST_F(Botocore, AClaimMustBeWellFormed) {
  const Request good = find("sts query");
  const std::string authorization(*good.head.headers.find("authorization"));
  const std::pair<std::string_view, std::string_view> kEdits[] = {
      {"20261123/", "20261122/"},
      {"20261123/", "2026112/"},
      {"/aws4_request", "/aws4_reques"},
      {"/aws4_request", "/x/aws4_request"},
      {"/sts/", "/s ts/"},
      {"/sts/", "//"},
      {"host;", "Host;"},
      {"host;", "host;host;"},
      {"host;", "x-zzz;host;"},
      {", Signature=", ", Signature=0"},
      {", Signature=", ", Signature=Z"},
      {", Signature=", ", SignedHeaders=host, Signature="},
      {", Signature=", ", Extra=1, Signature="},
      {"Credential=", "Credential"},
      {"Credential=ASIAEXAMPLEEXAMPLE22", "Credential="},
  };
  for (const auto& [from, to] : kEdits) {
    Request request = good;
    std::string edited = authorization;
    ASSERT_NE(edited.find(from), std::string::npos) << from;
    edited.replace(edited.find(from), from.size(), to);
    request.head.headers.set("authorization", edited);
    EXPECT_FALSE(verify(request)) << edited;
  }
  for (const char* date : {"", "20261123", "20261123T062240", "20261323T062240Z",
                           "20261123T262240Z", "2026-11-23T06:22:40Z", "20261123t062240Z"}) {
    Request request = good;
    request.head.headers.set("x-amz-date", date);
    EXPECT_FALSE(verify(request)) << date;
  }
}

TEST_F(Botocore, AnUnsignedPayloadIsForServicesThatHaveIt) {
  Request request = find("sts query");
  request.head.headers.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  expect_refused(request, Fault::kIncompleteSignature);
  request = find("s3 put");
  for (const char* name : {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "streaming", "0",
                           "STREAMING-AWS4-HMAC-SHA256-EVENTS"}) {
    request.head.headers.set("x-amz-content-sha256", name);
    expect_refused(request, Fault::kUnsupported);
  }
  request.head.headers.set("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  expect_refused(request, Fault::kMalformed, "decoded");
  request.head.headers.remove("x-amz-content-sha256");
  expect_refused(request, Fault::kIncompleteSignature, "x-amz-content-sha256");
}

TEST(CanonicalPath, NormalisesForAllButS3) {
  EXPECT_EQ(canonical_path("/a//b/./c/../d%20e/", "sts"), "/a/b/d%2520e/");
  EXPECT_EQ(canonical_path("/../..", "sts"), "/");
  EXPECT_EQ(canonical_path("/a//b/./c/../d%20e/", "s3"), "/a//b/./c/../d%20e/");
  EXPECT_EQ(canonical_path("", "s3"), "/");
}

TEST(EncodedPath, KeepsSegmentsApart) {
  EXPECT_EQ(*encoded_path("/b%2fk/a@b:c%20"), "/b%2Fk/a%40b%3Ac%20");
  EXPECT_FALSE(encoded_path("/a%2"));
}

TEST(SigningKeyCache, IsBounded) {
  SigningKeys cache;
  for (int i = 0; i < 6'000; ++i) {
    cache.keep(fmt::format("{}", i), std::make_shared<const crypto::Secret>("k"));
  }
  EXPECT_EQ(cache.find("0"), nullptr);
  EXPECT_NE(cache.find("5999"), nullptr);
}

// A signer as the vault has it.
TEST_F(Suite, WhatIsSignedForUpstreamVerifies) {
  for (const char* token : {"", "token/+="}) {
    for (const char* service : {"s3", "dynamodb"}) {
      http::RequestHead head{.method = "PUT",
                             .target = "/a%20b/c%2Bd?x-id=1&a=%2F&a&b=c%20d",
                             .headers = {{"Content-Type", "text/plain"},
                                         {"x-amz-meta-a", " b  c "},
                                         {"x-amz-security-token", "the agent's"},
                                         {"range", "bytes=0-1"}}};
      const auto signature = sign_for_upstream(
          head, "upstream:81", kEmptyDigest, {.region = "eu-west-1", .service = service},
          at("2026-11-23T06:00:00Z"), KeysSigner("AKIDEXAMPLE", kSuiteSecret, token));
      ASSERT_TRUE(signature);
      head.headers.add("Host", "upstream:81");
      const auto claim = read_claim(head);
      ASSERT_TRUE(claim) << claim.error().message;
      EXPECT_EQ(claim->signature, *signature);
      EXPECT_EQ(head.headers.find("x-amz-security-token").value_or(""), token);
      EXPECT_TRUE(verify_signature(head, *claim, kEmptyDigest, keys_of(kSuiteSecret, token),
                                   at("2026-11-23T06:00:01Z"), {}, cache_));
    }
  }
}

}  // namespace
}  // namespace keyturn::aws
