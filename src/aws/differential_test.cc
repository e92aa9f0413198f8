// Requests that two readers could take differently, by kind. Each is refused with kInvalid, which
// the gateway answers with 400; or it is written anew in the one way that was judged.
#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/understand.h"
#include "aws/xml.h"

namespace keyturn::aws {
namespace {

Result<Understood> read(const std::string& service, const http::RequestHead& head,
                        std::string_view body = "") {
  static const auto model = load_embedded_model();
  return understand(**model, {service, "eu-central-1"}, head, body,
                    {.account = "123456789012", .hosts = {"gate.example"}});
}

void expect_refused(const Result<Understood>& understood, std::string_view words) {
  ASSERT_FALSE(understood) << understood->action.operation;
  EXPECT_EQ(understood.error().code, Code::kInvalid) << understood.error().message;
  EXPECT_NE(understood.error().message.find(words), std::string::npos)
      << understood.error().message;
}

http::RequestHead get(const std::string& target) { return {"GET", target, {}}; }

http::RequestHead json(const std::string& target) {
  return {"POST", "/", {{"content-type", "application/x-amz-json-1.0"}, {"x-amz-target", target}}};
}

http::RequestHead form() {
  return {"POST", "/", {{"content-type", "application/x-www-form-urlencoded"}}};
}

constexpr const char* kDescribe = "DynamoDB_20120810.DescribeTable";

TEST(Invariant11, PercentEncodingTwiceIsRefused) {
  for (const char* target :
       {"/2015-03-31/functions/%252e%252e", "/2015-03-31/functions/a%252Fb",
        "/2015-03-31/functions/%2541", "/2015-03-31/functions/arn%253Aaws%253Alambda"}) {
    expect_refused(read("lambda", get(target)), "percent-encoded twice");
  }
  expect_refused(read("s3", get("/bucket/%252e%252e/other")), "percent-encoded twice");
  expect_refused(read("s3", get("/bucket/a%252F%252E%252e%252Fb")), "percent-encoded twice");
  // A key may hold an escape of its own; upstream is sent that key.
  const auto key = read("s3", get("/bucket/100%2541"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->action.resources[0].name, "arn:aws:s3:::bucket/100%41");
  EXPECT_EQ(key->forward.target, "/bucket/100%2541");
}

TEST(Invariant11, DotSegmentsAreRefusedInEveryEncoding) {
  for (const char* target :
       {"/bucket/../other", "/bucket/./key", "/bucket/%2e%2e/other", "/bucket/.%2E/other",
        "/bucket/a%2F..%2Fother", "/bucket/a%2f%2e%2e%2fother", "/bucket/a%5C..%5Cother", "/..",
        "/bucket/.."}) {
    expect_refused(read("s3", get(target)), "dot segment");
  }
  for (const char* target : {"/2015-03-31/functions/..", "/2015-03-31/functions/f/%2e%2e/g",
                             "/2015-03-31/functions/a%2F..%2Fb"}) {
    expect_refused(read("lambda", get(target)), "dot segment");
  }
}

TEST(Invariant11, AnEncodedSlashIsNoBoundaryAndStaysEncoded) {
  const auto function = read("lambda", {"DELETE", "/2015-03-31/functions/a%2Fversions%2f1", {}});
  ASSERT_TRUE(function);
  EXPECT_EQ(function->action.operation, "DeleteFunction");
  EXPECT_EQ(function->forward.target, "/2015-03-31/functions/a%2Fversions%2F1");
  // The bucket's name ends at the first slash that is one.
  const auto object = read("s3", {"DELETE", "/bucket%2Fkey", {}});
  ASSERT_TRUE(object);
  EXPECT_EQ(object->action.operation, "DeleteBucket");
  EXPECT_EQ(object->forward.target, "/bucket%2Fkey");
}

TEST(Invariant11, APlusIsOneThingInEachPlace) {
  expect_refused(read("s3", get("/bucket?prefix=a+b")), "plus");
  expect_refused(read("s3", get("/bucket?a+b=1")), "plus");
  const auto key = read("s3", get("/bucket/a+b"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->action.resources[0].name, "arn:aws:s3:::bucket/a+b");
  EXPECT_EQ(key->forward.target, "/bucket/a%2Bb");
  const auto user = read("iam", form(), "Action=DeleteUser&Version=2010-05-08&UserName=a+b%2Bc");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->action.resources[0].name, "arn:aws:iam::123456789012:user/a b+c");
  EXPECT_EQ(*user->forward.body, "Action=DeleteUser&Version=2010-05-08&UserName=a%20b%2Bc");
}

// Folded fields never come this far: http refuses them (attack_test.cc, framing_test.cc).
TEST(Invariant11, FieldsInAnyCaseAreTheSameField) {
  for (const char* name : {"X-AMZ-TARGET", "x-Amz-Target"}) {
    http::RequestHead head = json(kDescribe);
    head.headers.add(name, "DynamoDB_20120810.DeleteTable");
    expect_refused(read("dynamodb", head, "{}"), "repeated");
  }
  http::RequestHead typed = json(kDescribe);
  typed.headers.add("CONTENT-TYPE", "application/x-www-form-urlencoded");
  expect_refused(read("dynamodb", typed, "{}"), "repeated");
  http::RequestHead acl{"PUT", "/b/k", {{"x-amz-acl", "private"}, {"X-Amz-Acl", "public-read"}}};
  expect_refused(read("s3", acl), "repeated");
}

TEST(Invariant11, NamesThatDifferInCaseOnlyAreRefused) {
  expect_refused(read("dynamodb", json(kDescribe), R"({"TableName":"dev","tableName":"prod"})"),
                 "upper and lower case");
  expect_refused(read("iam", form(), "Action=DeleteUser&Version=2010-05-08&UserName=a&username=b"),
                 "upper and lower case");
  expect_refused(
      read("s3", {"POST", "/b?delete", {}},
           "<Delete><Object><Key>a</Key></Object><object><Key>b</Key></object></Delete>"),
      "upper and lower case");
  expect_refused(read("lambda", get("/2015-03-31/functions/f?Qualifier=1&qualifier=2")),
                 "upper and lower case");
  http::RequestHead cbor{
      "POST",
      "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
      {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}}};
  expect_refused(read("monitoring", cbor, "\xa2\x61\x61\x01\x61\x41\x02"), "upper and lower case");
  // Content is the caller's own.
  EXPECT_TRUE(read("dynamodb", json("DynamoDB_20120810.PutItem"),
                   R"({"TableName":"t","Item":{"id":{"S":"1"},"Id":{"S":"2"}}})"));
}

TEST(Invariant11, RepeatedNamesAreRefusedInEveryProtocol) {
  expect_refused(read("dynamodb", json(kDescribe), R"({"TableName":"a","TableName":"b"})"),
                 "TableName");
  expect_refused(read("dynamodb", json(kDescribe), R"({"TableName":"a","Table\u004eame":"b"})"),
                 "TableName");
  expect_refused(read("dynamodb", json("DynamoDB_20120810.PutItem"),
                      R"({"TableName":"t","Item":{"id":{"S":"1"},"id":{"S":"2"}}})"),
                 "id");
  http::RequestHead cbor{
      "POST",
      "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
      {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}}};
  expect_refused(read("monitoring", cbor, "\xa2\x61\x61\x01\x61\x61\x02"), "repeated");
  expect_refused(read("iam", form(), "Action=DeleteUser&Version=2010-05-08&UserName=a&UserName=b"),
                 "repeated");
  expect_refused(
      read("iam", form(), "Action=DeleteUser&Version=2010-05-08&UserName=a&User%4eame=b"),
      "repeated");
  expect_refused(read("iam", form(), "Action=DeleteUser&Version=2010-05-08&A=1&A.B=2"),
                 "both a value and a group");
}

TEST(Invariant11, XmlAsksForNothingAndIsNoDeeperThanItSays) {
  const auto deletion = [](const std::string& text) {
    return read("s3", {"POST", "/b?delete", {}}, text);
  };
  expect_refused(deletion("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
                          "<Delete>&e;</Delete>"),
                 "XML");
  expect_refused(deletion("<Delete>&e;</Delete>"), "entity");
  expect_refused(deletion("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Delete/>"),
                 "XML");
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "<a>";
  expect_refused(deletion(deep), "nested too deep");
  std::string wide = "<Delete>";
  for (std::size_t i = 0; i < kXmlElementsMax; ++i) wide += "<a/>";
  expect_refused(deletion(wide + "</Delete>"), "too many elements");
}

TEST(Invariant11, CompressedBodiesAreNotInflated) {
  // A megabyte of zeros, a few bytes long: whoever inflates it may be the one to fall.
  const std::string bomb("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xec\xc1\x01\x01\x00", 15);
  for (const char* coding : {"gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x-gzip",
                             "aws-chunked, gzip", "identity, gzip"}) {
    http::RequestHead head = json(kDescribe);
    head.headers.add("content-encoding", coding);
    expect_refused(read("dynamodb", head, bomb), "content-encoding");
    head = form();
    head.headers.add("content-encoding", coding);
    expect_refused(read("iam", head, bomb), "content-encoding");
    head = {"POST", "/b?delete", {{"content-encoding", coding}}};
    expect_refused(read("s3", head, bomb), "content-encoding");
  }
}

TEST(Invariant11, AFormAndAJsonBodyAreNotOneRequest) {
  const std::string body = "Action=PurgeQueue&Version=2012-11-05";
  http::RequestHead both = form();
  both.headers.add("x-amz-target", "AmazonSQS.ListQueues");
  expect_refused(read("sqs", both, body), "two protocol markers");
  http::RequestHead in_url = json("AmazonSQS.ListQueues");
  in_url.target = "/?Action=PurgeQueue&Version=2012-11-05";
  expect_refused(read("sqs", in_url, "{}"), "two protocol markers");
  http::RequestHead cbor = json("GraniteServiceVersion20100801.ListMetrics");
  cbor.headers.add("smithy-protocol", "rpc-v2-cbor");
  expect_refused(read("monitoring", cbor, "{}"), "two protocol markers");
  http::RequestHead parameters = form();
  parameters.target = "/?QueueUrl=https://sqs/123456789012/prod";
  expect_refused(read("sqs", parameters, body), "URL and in the body");
  // A JSON body that says it is a form is read as a form, of which it is none.
  expect_refused(read("iam", form(), R"({"Action":"ListUsers"})"), "names no Action");
}

}  // namespace
}  // namespace keyturn::aws
