#include "aws/sts.h"

#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/xml.h"

namespace keyturn::aws {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kArn = "arn:aws:sts::123456789012:assumed-role/dev/one";
const Time kNow = parse_time("2026-11-24T04:00:00Z").value();

std::string credentials(std::string_view more = "") {
  return fmt::format(
      "<Credentials><AccessKeyId>ASIAUPSTREAM</AccessKeyId><SecretAccessKey>s3cret/upstream"
      "</SecretAccessKey><SessionToken>t0ken==</SessionToken>"
      "<Expiration>2026-11-24T05:00:00Z</Expiration>{}</Credentials>",
      more);
}
std::string user() {
  return fmt::format(
      "<AssumedRoleUser><Arn>{}</Arn><AssumedRoleId>AROA:one</AssumedRoleId></AssumedRoleUser>",
      kArn);
}
std::string answer(std::string_view inside) {
  return fmt::format(
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
      "{}</AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
      "</AssumeRoleResponse>",
      inside);
}
Result<HandedOut> read(std::string_view body, http::Headers headers = {}) {
  return read_handed_out(StsCall::kAssumeRole, {.status = 200, .headers = std::move(headers)}, body,
                         kNow);
}

TEST(StsAnswer, IsReadWhole) {
  const auto handed =
      read(answer(credentials() + user() + "<PackedPolicySize>6</PackedPolicySize>"),
           {{"content-type", "text/xml; charset=utf-8"}});
  ASSERT_TRUE(handed) << handed.error().message;
  EXPECT_EQ(handed->credentials.access_key_id, "ASIAUPSTREAM");
  EXPECT_EQ(handed->credentials.secret_access_key.view(), "s3cret/upstream");
  EXPECT_EQ(handed->credentials.session_token.view(), "t0ken==");
  EXPECT_EQ(handed->credentials.expiry, kNow + 1h);
  EXPECT_EQ(handed->arn, kArn);
  EXPECT_EQ(handed->id, "AROA:one");
  EXPECT_EQ(handed->packed_policy_size, "6");
  EXPECT_FALSE(handed->source_identity);
}

// Invariant 8: what is not exactly one set of credentials is dropped, and not told.
TEST(Invariant8, StrangeStsAnswersAreDroppedAndNeverQuoted) {
  const std::string whole = answer(credentials() + user());
  const std::string expired = "2026-11-24T04:00:00Z";
  std::string past = whole;
  past.replace(past.find("2026-11-24T05:00:00Z"), expired.size(), expired);
  for (const std::string& body : {
           std::string(),
           std::string("{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{}}}"),
           answer(user()),
           answer(credentials()),
           answer(credentials() + credentials() + user()),
           answer(credentials() + user() + user()),
           answer(credentials("<SecretAccessKey>s3cret/upstream</SecretAccessKey>") + user()),
           answer(credentials("<AccessKeyId>ASIAOTHER</AccessKeyId>") + user()),
           answer(fmt::format("<Credentials>s3cret/upstream</Credentials>{}", user())),
           whole + whole,
           whole.substr(0, whole.size() - 3),
           whole.substr(0, whole.find("s3cret/upstream") + 15),
           "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + whole,
           past,
           fmt::format("<GetFederationTokenResponse>{}</GetFederationTokenResponse>", whole),
       }) {
    const auto handed = read(body);
    ASSERT_FALSE(handed) << body;
    EXPECT_EQ(handed.error().message.find("s3cret"), std::string::npos);
    EXPECT_EQ(handed.error().message.find("ASIA"), std::string::npos);
  }
  for (const http::Headers& headers : {
           http::Headers{{"content-encoding", "gzip"}},
           http::Headers{{"content-type", "application/json"}},
           http::Headers{{"content-type", "text/xml"}, {"content-type", "application/json"}},
           http::Headers{{"content-encoding", "identity"}, {"content-encoding", "gzip"}},
       }) {
    EXPECT_FALSE(read(whole, headers));
  }
  EXPECT_FALSE(
      read_handed_out(StsCall::kGetFederationToken, {.status = 200, .headers = {}}, whole, kNow));
}

TEST(StsAnswer, OfAnErrorIsItsCodeAndMessageAndNothingElse) {
  const std::string body =
      "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no &lt;way&gt;"
      "</Message><Secret>s3cret</Secret></Error><RequestId>r</RequestId></ErrorResponse>";
  const auto error = read_sts_error({.status = 403, .headers = {}}, body);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "AccessDenied");
  EXPECT_EQ(error->message, "no <way>");
  const std::string text = write_sts_error(*error, 403, "req_1");
  EXPECT_NE(text.find("<Message>no &lt;way&gt;</Message>"), std::string::npos);
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  EXPECT_FALSE(read_sts_error({.status = 400, .headers = {}}, answer(credentials() + user())));
  EXPECT_FALSE(read_sts_error({.status = 400, .headers = {{"content-encoding", "br"}}}, body));
  EXPECT_FALSE(
      read_sts_error({.status = 400, .headers = {}},
                     "<ErrorResponse><Error><Code>a b</Code><Message/></Error></ErrorResponse>"));
}

TEST(StsAnswer, OfOursIsXmlThatHoldsTheSessionsKeysAlone) {
  auto handed = read(answer(credentials() + user()));
  ASSERT_TRUE(handed);
  identity::SessionKeys keys;
  keys.access_key_id = "ASIAOURS";
  keys.secret_access_key = crypto::Secret("our/secret");
  keys.session_token = crypto::Secret("ktstours");
  const std::string text =
      write_sts_answer(StsCall::kAssumeRole, keys, kNow + 30min + 1us, &*handed, "req_<1>");
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  EXPECT_EQ(text.find("t0ken"), std::string::npos);
  EXPECT_EQ(text.find("ASIAUPSTREAM"), std::string::npos);
  const auto xml = read_xml(text);
  ASSERT_TRUE(xml) << text;
  const Json* result = xml->value.find("AssumeRoleResult");
  ASSERT_NE(result, nullptr);
  const Json* given = result->find("Credentials");
  EXPECT_EQ(given->string_or("AccessKeyId", ""), "ASIAOURS");
  EXPECT_EQ(given->string_or("SecretAccessKey", ""), "our/secret");
  EXPECT_EQ(given->string_or("SessionToken", ""), "ktstours");
  EXPECT_EQ(given->string_or("Expiration", ""), "2026-11-24T04:30:00Z");
  EXPECT_EQ(result->find("AssumedRoleUser")->string_or("Arn", ""), kArn);
}

TEST(StsAnswer, AccountsAreReadFromArnsAlone) {
  EXPECT_EQ(account_of_arn(kArn), "123456789012");
  EXPECT_EQ(account_of_arn("arn:aws-cn:iam::210987654321:role/r"), "210987654321");
  for (const char* none : {"", "dev", "arn:aws:s3:::bucket", "arn:aws:iam::12345678901x:role/r",
                           "urn:aws:iam::123456789012:role/r", "arn:aws:iam"}) {
    EXPECT_EQ(account_of_arn(none), "") << none;
  }
}

}  // namespace
}  // namespace keyturn::aws
