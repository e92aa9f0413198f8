#include "aws/errors.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace keyturn::aws {
namespace {

TEST(ErrorAnswers, HaveTheShapeOfTheirProtocol) {
  const Refused denied{Fault::kAccessDenied, "held as CHG-7 <&> \"x\""};
  const auto json = render_error(ErrorShape::kJson11, denied, "req-1");
  EXPECT_EQ(json.head.status, 403);
  EXPECT_EQ(json.head.headers.find("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(json.head.headers.find("x-amzn-errortype"), "AccessDeniedException");
  EXPECT_EQ(json.head.headers.find("x-amzn-requestid"), "req-1");
  const auto parsed = parse_strict(json.body);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed->get_string("__type"), "AccessDeniedException");
  EXPECT_EQ(*parsed->get_string("message"), denied.message);

  EXPECT_EQ(render_error(ErrorShape::kQuery, denied, "req-1").body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Error><Type>Sender</Type>"
            "<Code>AccessDenied</Code><Message>held as CHG-7 &lt;&amp;&gt; &quot;x&quot;</Message>"
            "</Error><RequestId>req-1</RequestId></ErrorResponse>");
  EXPECT_EQ(render_error(ErrorShape::kEc2, {Fault::kWrongSignature, "m"}, "r").body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
            "<Code>SignatureDoesNotMatch</Code><Message>m</Message></Error></Errors>"
            "<RequestID>r</RequestID></Response>");
  EXPECT_EQ(render_error(ErrorShape::kS3, {Fault::kUnknownKey, "m"}, "r").body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidAccessKeyId</Code>"
            "<Message>m</Message><RequestId>r</RequestId><HostId>keyturn</HostId></Error>");
}

TEST(ErrorAnswers, OfCborAreAMapOfTwoTexts) {
  const auto cbor = render_error(ErrorShape::kCbor, {Fault::kAccessDenied, "no"}, "r");
  EXPECT_EQ(cbor.head.headers.find("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(cbor.body,
            std::string("\xA2\x66__type\x75") + "AccessDeniedException" + "\x67message\x62no");
  const auto longer =
      render_error(ErrorShape::kCbor, {Fault::kAccessDenied, std::string(300, 'x')}, "r");
  EXPECT_NE(longer.body.find(std::string("\x79\x01\x2C") + "xxx"), std::string::npos);
}

TEST(ErrorAnswers, ShowHostileTextHarmlessly) {
  const Refused refused{Fault::kMalformed, std::string("</Message>\x1b[2J\xff\n")};
  for (const auto shape : {ErrorShape::kQuery, ErrorShape::kS3, ErrorShape::kJson10}) {
    const auto answer = render_error(shape, refused, "r");
    for (const char c : answer.body) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
    }
  }
  EXPECT_NE(render_error(ErrorShape::kQuery, refused, "r").body.find("&lt;/Message&gt;\\x1b"),
            std::string::npos);
  const Refused endless{Fault::kMalformed, std::string(100'000, 'x')};
  EXPECT_LT(render_error(ErrorShape::kS3, endless, "r").body.size(), 10'000U);
}

TEST(ErrorCodes, AreThoseThatClientsKnow) {
  const struct {
    Fault fault;
    int status;
    std::string_view query;
    std::string_view json;
    std::string_view s3;
  } kCases[] = {
      {Fault::kWrongSignature, 403, "SignatureDoesNotMatch", "SignatureDoesNotMatch",
       "SignatureDoesNotMatch"},
      {Fault::kUnknownKey, 403, "InvalidClientTokenId", "InvalidClientTokenId",
       "InvalidAccessKeyId"},
      {Fault::kExpiredToken, 403, "ExpiredToken", "ExpiredTokenException", "ExpiredToken"},
      {Fault::kTimeSkewed, 403, "RequestExpired", "RequestExpired", "RequestTimeTooSkewed"},
      {Fault::kRequestExpired, 403, "RequestExpired", "RequestExpired", "RequestExpired"},
      {Fault::kTooLarge, 413, "RequestEntityTooLarge", "RequestEntityTooLargeException",
       "EntityTooLarge"},
      {Fault::kUpstreamTimeout, 504, "GatewayTimeout", "GatewayTimeoutException", "GatewayTimeout"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(status_of(c.fault), c.status);
    EXPECT_EQ(code_of(c.fault, ErrorShape::kQuery), c.query);
    EXPECT_EQ(code_of(c.fault, ErrorShape::kJson10), c.json);
    EXPECT_EQ(code_of(c.fault, ErrorShape::kS3), c.s3);
  }
}

TEST(ErrorShapes, AreGuessedFromMarkersAndScope) {
  const auto guess = [](http::Headers headers, std::string_view service, std::string target = "/") {
    const http::RequestHead head{
        .method = "POST", .target = std::move(target), .headers = std::move(headers)};
    return guess_error_shape(head, service);
  };
  EXPECT_EQ(guess({{"X-Amz-Target", "a.B"}, {"Content-Type", "application/x-amz-json-1.1"}}, "kms"),
            ErrorShape::kJson11);
  EXPECT_EQ(guess({{"Smithy-Protocol", "rpc-v2-cbor"}}, "monitoring"), ErrorShape::kCbor);
  EXPECT_EQ(guess({}, "s3"), ErrorShape::kS3);
  EXPECT_EQ(guess({}, "ec2"), ErrorShape::kEc2);
  EXPECT_EQ(guess({}, "route53"), ErrorShape::kRestXml);
  EXPECT_EQ(guess({{"content-type", "application/x-www-form-urlencoded"}}, "iam"),
            ErrorShape::kQuery);
  EXPECT_EQ(guess({}, "sts", "/?Action=GetCallerIdentity"), ErrorShape::kQuery);
  EXPECT_EQ(guess({}, "lambda"), ErrorShape::kRestJson);
}

}  // namespace
}  // namespace keyturn::aws
