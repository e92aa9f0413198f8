#include "aws/understand.h"

#include <gtest/gtest.h>

#include "aws/aws.h"

namespace keyturn::aws {
namespace {

const Model& model() {
  static const auto loaded = load_embedded_model();
  return **loaded;
}

struct Sent {
  std::string service = "dynamodb";
  std::string method = "POST";
  std::string target = "/";
  http::Headers headers = {};
  std::optional<std::string> body = "";
  std::string region = "eu-central-1";
};

Result<Understood> read(const Sent& sent) {
  const http::RequestHead head{sent.method, sent.target, sent.headers};
  std::optional<std::string_view> body;
  if (sent.body) body = *sent.body;
  return understand(model(), {sent.service, sent.region}, head, body,
                    {.account = "123456789012", .hosts = {"gate.example"}});
}

Sent json(std::string service, std::string target, std::string body) {
  return {.service = std::move(service),
          .headers = {{"Content-Type", "application/x-amz-json-1.0"},
                      {"X-Amz-Target", std::move(target)}},
          .body = std::move(body)};
}

Sent form(std::string service, std::string body) {
  return {.service = std::move(service),
          .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
          .body = std::move(body)};
}

Sent s3(std::string method, std::string target, http::Headers headers = {},
        std::optional<std::string> body = "") {
  return {.service = "s3",
          .method = std::move(method),
          .target = std::move(target),
          .headers = std::move(headers),
          .body = std::move(body)};
}

void expect_refused(const Sent& sent, std::string_view words) {
  const auto understood = read(sent);
  ASSERT_FALSE(understood) << understood->action.operation;
  EXPECT_EQ(understood.error().code, Code::kInvalid);
  EXPECT_NE(understood.error().message.find(words), std::string::npos)
      << understood.error().message;
}

std::vector<std::string> names(const Understood& understood) {
  std::vector<std::string> names;
  for (const Resource& resource : understood.action.resources) names.push_back(resource.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Understand, ReadsTheDeletionOfATable) {
  const auto understood =
      read(json("dynamodb", "DynamoDB_20120810.DeleteTable", R"({"TableName":"orders"})"));
  ASSERT_TRUE(understood) << understood.error().message;
  const Action& action = understood->action;
  EXPECT_TRUE(action.understood);
  EXPECT_EQ(action.service, "dynamodb");
  EXPECT_EQ(action.operation, "DeleteTable");
  EXPECT_EQ(action.effect, Effect::kDestroy);
  EXPECT_EQ(action.iam_actions, Names{"dynamodb:DeleteTable"});
  EXPECT_EQ(names(*understood), Names{"arn:aws:dynamodb:eu-central-1:123456789012:table/orders"});
  EXPECT_EQ(action.resources[0].type, "dynamodb:table");
  EXPECT_EQ(understood->protocol, Protocol::kJson10);
  EXPECT_EQ(*understood->forward.body, R"({"TableName":"orders"})");
}

TEST(Understand, ReadsTheDeletionOfAStackInChina) {
  Sent sent =
      form("cloudformation", "Action=DeleteStack&Version=2010-05-15&StackName=cost-explorer-prod");
  sent.region = "cn-northwest-1";
  const auto understood = read(sent);
  ASSERT_TRUE(understood) << understood.error().message;
  EXPECT_EQ(understood->action.effect, Effect::kDestroy);
  EXPECT_EQ(names(*understood), Names{"arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/"
                                      "cost-explorer-prod"});
  EXPECT_EQ(*understood->forward.body,
            "Action=DeleteStack&Version=2010-05-15&StackName=cost-explorer-prod");
  const auto origin = upstream_origin(model(), understood->forward, {});
  ASSERT_TRUE(origin) << origin.error().message;
  EXPECT_EQ(origin->host, "cloudformation.cn-northwest-1.amazonaws.com.cn");
}

TEST(Understand, TakesWhatItDoesNotKnowForDestruction) {
  const auto unknown = read(json("dynamodb", "DynamoDB_20120810.ObliterateTable", "{}"));
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->action.understood);
  EXPECT_EQ(unknown->action.effect, Effect::kDestroy);
  EXPECT_EQ(names(*unknown), Names{"*"});
  const auto no_service = read(json("nosuchservice", "X.Y", "{}"));
  ASSERT_TRUE(no_service);
  EXPECT_FALSE(no_service->action.understood);
  EXPECT_FALSE(upstream_origin(model(), no_service->forward, {}));
}

TEST(Understand, TakesAnUnknownParameterOfAChangeForDestructionOfAnything) {
  const Sent changes[] = {
      json("dynamodb", "DynamoDB_20120810.PutItem", R"({"TableName":"t","Item":{},"Zzz":1})"),
      json("dynamodb", "DynamoDB_20120810.PutItem", R"({"tablename":"t","Item":{}})"),
      form("sns", "Action=CreateTopic&Version=2010-03-31&Name=n&Zzz=1"),
      form("ec2", "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-1&Tag.1.Key=a&Zzz.1=1"),
      {.service = "lambda",
       .method = "PUT",
       .target = "/2015-03-31/functions/f/configuration",
       .body = R"({"Description":"d","Zzz":null})"},
      {.service = "route53",
       .target = "/2013-04-01/hostedzone",
       .body = "<CreateHostedZoneRequest><Name>a</Name><Zzz/></CreateHostedZoneRequest>"}};
  for (const Sent& sent : changes) {
    const auto understood = read(sent);
    ASSERT_TRUE(understood) << understood.error().message;
    const Action& action = understood->action;
    EXPECT_EQ(action.effect, Effect::kDestroy) << sent.service << sent.target;
    EXPECT_EQ(names(*understood), Names{"*"}) << sent.service;
    EXPECT_NE(action.why.back().find("does not know the parameter"), std::string::npos);
  }
  const auto look =
      read(json("dynamodb", "DynamoDB_20120810.DescribeTable", R"({"TableName":"t","Zzz":1})"));
  ASSERT_TRUE(look);
  EXPECT_EQ(look->action.effect, Effect::kObserve);
}

TEST(Understand, RefusesWhatTwoReadersCouldTakeDifferently) {
  Sent twice = json("dynamodb", "DynamoDB_20120810.GetItem", "{}");
  twice.headers.add("x-amz-target", "DynamoDB_20120810.DeleteTable");
  expect_refused(twice, "repeated");
  expect_refused(
      json("dynamodb", "DynamoDB_20120810.GetItem", R"({"TableName":"dev","TableName":"prod"})"),
      "TableName");
  expect_refused(form("iam", "Action=GetUser&Action=DeleteUser&Version=2010-05-08"), "repeated");
  expect_refused(form("iam", "Action=GetUser&Version=2010-05-08&Version=2010-05-08"), "repeated");
  Sent both = form("iam", "Action=DeleteUser&Version=2010-05-08");
  both.target = "/?Action=GetUser&Version=2010-05-08";
  expect_refused(both, "URL");
  Sent markers = form("sqs", "Action=PurgeQueue&Version=2012-11-05");
  markers.headers.add("x-amz-target", "AmazonSQS.ListQueues");
  expect_refused(markers, "two protocol markers");
  Sent cbor = json("cloudwatch", "GraniteServiceVersion20100801.ListMetrics", "{}");
  cbor.headers.add("smithy-protocol", "rpc-v2-cbor");
  expect_refused(cbor, "two protocol markers");
  Sent override = s3("GET", "/bucket/key");
  override.headers.add("X-HTTP-Method-Override", "DELETE");
  expect_refused(override, "not accepted");
}

TEST(Understand, RefusesAServiceThatIsNotSignedForUnderItsScope) {
  expect_refused({.service = "iot", .method = "GET", .target = "/_svc/nosuch/things"}, "nosuch");
  expect_refused({.service = "iot", .method = "GET", .target = "/_svc/lambda"}, "lambda");
}

TEST(Understand, RefusesPathsThatReadersNormaliseDifferently) {
  for (const char* target :
       {"/bucket/../other", "/bucket/%2e%2E/x", "/bucket/a%2F..%2Fb", "/bucket/%zz", "/bucket/%00",
        "/bucket/a?x=a+b", "/b/k#x", "/bucket/%ff"}) {
    const auto understood = read(s3("GET", target));
    ASSERT_FALSE(understood) << target;
    EXPECT_EQ(understood.error().code, Code::kInvalid) << target;
  }
  Sent lambda{.service = "lambda", .method = "GET", .target = "/2015-03-31//functions"};
  expect_refused(lambda, "empty segment");
}

TEST(Understand, RefusesCompressedBodiesAndNamesTheCure) {
  Sent sent = json("dynamodb", "DynamoDB_20120810.GetItem", "\x1f\x8b");
  sent.headers.add("content-encoding", "gzip");
  expect_refused(sent, "AWS_DISABLE_REQUEST_COMPRESSION");
}

TEST(Understand, DoesNotResolveXmlEntities) {
  expect_refused(s3("POST", "/b?delete", {},
                    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Delete>&e;</Delete>"),
                 "XML");
  expect_refused(s3("POST", "/b?delete", {}, "<Delete>&e;</Delete>"), "entity");
}

TEST(Understand, TellsS3OperationsOnOnePathApart) {
  const std::vector<std::pair<Sent, std::string>> cases = {
      {s3("PUT", "/b/k"), "PutObject"},
      {s3("PUT", "/b/k", {{"x-amz-copy-source", "/src/key"}}), "CopyObject"},
      {s3("PUT", "/b/k?partNumber=1&uploadId=u"), "UploadPart"},
      {s3("PUT", "/b/k?partNumber=1&uploadId=u", {{"x-amz-copy-source", "src/key"}}),
       "UploadPartCopy"},
      {s3("GET", "/b/k"), "GetObject"},
      {s3("GET", "/b/k?acl"), "GetObjectAcl"},
      {s3("GET", "/b?acl"), "GetBucketAcl"},
      {s3("GET", "/b?list-type=2"), "ListObjectsV2"},
      {s3("GET", "/b/"), "ListObjects"},
      {s3("GET", "/"), "ListBuckets"},
      {s3("DELETE", "/b"), "DeleteBucket"},
      {s3("DELETE", "/b?policy"), "DeleteBucketPolicy"},
      {s3("DELETE", "/b/k"), "DeleteObject"},
      {s3("POST", "/b/k?uploads"), "CreateMultipartUpload"},
      {s3("GET", "/b/k?x-id=GetObject"), "GetObject"},
  };
  for (const auto& [sent, operation] : cases) {
    const auto understood = read(sent);
    ASSERT_TRUE(understood) << sent.target << understood.error().message;
    EXPECT_EQ(understood->action.operation, operation) << sent.target;
  }
}

TEST(Understand, TakesUnknownSubresourcesOfS3ForDestruction) {
  for (const Sent& sent : {s3("GET", "/b/k?obliterate"), s3("GET", "/b?acl&policy"),
                           s3("GET", "/b/k", {{"x-amz-obliterate", "yes"}}),
                           s3("GET", "/b/k?versionId=1&versionId=2")}) {
    const auto understood = read(sent);
    ASSERT_TRUE(understood) << understood.error().message;
    EXPECT_FALSE(understood->action.understood) << sent.target;
    EXPECT_EQ(understood->action.effect, Effect::kDestroy);
  }
}

TEST(Understand, ListsEveryObjectOfADeletion) {
  const auto understood = read(s3("POST", "/logs?delete", {},
                                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete xmlns=\"x\">"
                                  "<Object><Key>a/1</Key></Object><Object><Key>b&amp;c</Key>"
                                  "</Object></Delete>"));
  ASSERT_TRUE(understood) << understood.error().message;
  EXPECT_EQ(understood->action.effect, Effect::kDestroy);
  EXPECT_EQ(names(*understood), (Names{"arn:aws:s3:::logs/a/1", "arn:aws:s3:::logs/b&c"}));
}

TEST(Understand, ReadsTheBucketFromTheHost) {
  for (const char* host : {"logs.gate.example:7312", "logs.localhost",
                           "logs.s3.eu-central-1.amazonaws.com", "LOGS.gate.example"}) {
    const auto understood = read(s3("DELETE", "/a%2Fb/c", {{"Host", host}}));
    ASSERT_TRUE(understood);
    EXPECT_EQ(names(*understood), Names{"arn:aws:s3:::logs/a/b/c"}) << host;
    EXPECT_EQ(understood->forward.target, "/logs/a%2Fb/c");
  }
  const auto path_style = read(s3("DELETE", "/logs/c", {{"Host", "127.0.0.1:7312"}}));
  EXPECT_EQ(names(*path_style), Names{"arn:aws:s3:::logs/c"});
}

// SDKs write header fields into the query of a presigned URL, and S3 takes them for fields.
TEST(Understand, ReadsTheFieldsThatAPresignedUrlHoldsInItsQuery) {
  const std::string presigned = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&";
  const auto plain = read(s3("PUT", "/b/k" + presigned + "x-amz-checksum-crc32=AAAAAA%3D%3D"));
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_TRUE(plain->action.understood);
  EXPECT_EQ(plain->action.effect, Effect::kChange);
  EXPECT_EQ(plain->forward.target, "/b/k");
  EXPECT_EQ(plain->forward.headers.find("x-amz-checksum-crc32"), "AAAAAA==");
  const auto acl = read(s3("PUT", "/b/k" + presigned + "X-Amz-Acl=public-read"));
  ASSERT_TRUE(acl);
  EXPECT_EQ(acl->action.effect, Effect::kGrant);
  EXPECT_EQ(acl->forward.headers.find("x-amz-acl"), "public-read");
  const auto copy = read(s3("PUT", "/b/k" + presigned + "x-amz-copy-source=%2Fsrc%2Fkey"));
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->action.operation, "CopyObject");
  EXPECT_EQ(names(*copy), (Names{"arn:aws:s3:::b/k", "arn:aws:s3:::src/key"}));
  const auto unknown = read(s3("GET", "/b/k" + presigned + "x-amz-obliterate=1"));
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->action.understood);
}

TEST(Understand, ReadsNoFieldFromAQueryTwiceOrWithoutASignatureInIt) {
  const std::string presigned = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&";
  expect_refused(
      s3("PUT", "/b/k" + presigned + "x-amz-acl=private", {{"x-amz-acl", "public-read"}}),
      "repeated");
  expect_refused(s3("PUT", "/b/k" + presigned + "x-amz-acl=private&X-AMZ-ACL=public-read"),
                 "repeated");
  expect_refused(s3("PUT", "/b/k" + presigned + "x-amz-acl=a%0d%0ax-amz-bypass: 1"),
                 "no value of a header field");
  expect_refused(s3("PUT", "/b/k" + presigned + "x-amz-acl=a+b"), "plus");
  const auto unsigned_query = read(s3("PUT", "/b/k?x-amz-acl=private"));
  ASSERT_TRUE(unsigned_query);
  EXPECT_FALSE(unsigned_query->action.understood);
}

TEST(Understand, TakesAPrivateAclForNoGrant) {
  const auto effect = [](const char* acl) {
    return read(s3("PUT", "/b/k", {{"x-amz-acl", acl}}))->action.effect;
  };
  EXPECT_EQ(effect("private"), Effect::kChange);
  for (const char* acl : {"", "public-read", "authenticated-read", "bucket-owner-full-control",
                          "private,public-read"}) {
    EXPECT_EQ(effect(acl), Effect::kGrant) << acl;
  }
}

TEST(Understand, WantsNoBodyForUploadsOnly) {
  const Scope scope{"s3", "eu-central-1"};
  const auto wants = [&](const char* method, const char* target) {
    return wants_body(model(), scope, {method, target, {}});
  };
  EXPECT_FALSE(wants("PUT", "/b/k"));
  EXPECT_FALSE(wants("PUT", "/b/k?partNumber=1&uploadId=u"));
  EXPECT_TRUE(wants("PUT", "/b?policy"));
  EXPECT_TRUE(wants("POST", "/b?delete"));
  EXPECT_TRUE(wants("PUT", "/b/../k"));
  EXPECT_TRUE(wants_body(model(), {"lambda", "eu-central-1"}, {"PUT", "/b/k", {}}));
  const auto streamed = read(s3("PUT", "/b/k", {}, std::nullopt));
  ASSERT_TRUE(streamed);
  EXPECT_FALSE(streamed->forward.body);
}

TEST(Understand, GivesIdenticalRetriesOneDigest) {
  Sent first = form("cloudformation",
                    "Action=DeleteStack&Version=2010-05-15&StackName=s&ClientRequestToken=one");
  Sent second = form("cloudformation",
                     "Action=DeleteStack&Version=2010-05-15&StackName=s&ClientRequestToken=two");
  first.headers.add("amz-sdk-invocation-id", "1");
  first.headers.add("X-Amz-Date", "20260101T000000Z");
  second.headers.add("User-Agent", "aws-cli/2");
  EXPECT_EQ(read(first)->action.digest, read(second)->action.digest);
  second.body = "Action=DeleteStack&Version=2010-05-15&StackName=t&ClientRequestToken=two";
  EXPECT_NE(read(first)->action.digest, read(second)->action.digest);
  Sent elsewhere = first;
  elsewhere.region = "eu-west-1";
  EXPECT_NE(read(first)->action.digest, read(elsewhere)->action.digest);
}

TEST(Understand, GivesWhatMeansSomethingElseAnotherDigest) {
  const auto digest = [](const Sent& sent) { return read(sent)->action.digest; };
  EXPECT_NE(digest(s3("GET", "/b/k")), digest(s3("GET", "/b/l")));
  EXPECT_NE(digest(s3("GET", "/b/k")), digest(s3("GET", "/b/k?versionId=1")));
  EXPECT_NE(digest(s3("PUT", "/b/k")), digest(s3("PUT", "/b/k", {{"x-amz-acl", "public-read"}})));
  EXPECT_NE(digest(s3("PUT", "/b/k", {}, "a")), digest(s3("PUT", "/b/k", {}, "b")));
  EXPECT_EQ(digest(json("dynamodb", "DynamoDB_20120810.GetItem", R"({"a":1, "b":2})")),
            digest(json("dynamodb", "DynamoDB_20120810.GetItem", R"({"b":2,"a":1})")));
}

TEST(Understand, ForwardsNothingOfTheFirstHop) {
  Sent sent = json("dynamodb", "DynamoDB_20120810.ListTables", "{}");
  for (const char* name : {"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Host", "Cookie",
                           "X-Amz-Content-Sha256", "Content-Length", "X-Forwarded-For"}) {
    sent.headers.add(name, "x");
  }
  const auto understood = read(sent);
  ASSERT_TRUE(understood);
  EXPECT_EQ(understood->forward.headers.size(), 2U);
}

TEST(Understand, LetsParametersChangeTheEffect) {
  const auto effect = [](const Sent& sent) { return read(sent)->action.effect; };
  const std::string ec2 = "Version=2016-11-15&InstanceId.1=i-0&Action=TerminateInstances";
  EXPECT_EQ(effect(form("ec2", ec2)), Effect::kDestroy);
  EXPECT_EQ(effect(form("ec2", ec2 + "&DryRun=true")), Effect::kObserve);
  EXPECT_EQ(effect(form("ec2", ec2 + "&DryRun=false")), Effect::kDestroy);
  EXPECT_EQ(effect(json("ssm", "AmazonSSM.GetParameter", R"({"Name":"/a"})")), Effect::kObserve);
  EXPECT_EQ(effect(json("ssm", "AmazonSSM.GetParameter", R"({"Name":"/a","WithDecryption":true})")),
            Effect::kReveal);
  EXPECT_EQ(effect(s3("PUT", "/b?versioning", {},
                      "<VersioningConfiguration><Status>Suspended</Status>"
                      "</VersioningConfiguration>")),
            Effect::kDestroy);
  EXPECT_EQ(effect(s3("PUT", "/b/k", {{"x-amz-acl", "public-read"}})), Effect::kGrant);
  EXPECT_EQ(effect(form("rds",
                        "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=d"
                        "&DeletionProtection=false")),
            Effect::kDestroy);
}

TEST(Understand, LooksIntoContainersOfDynamoDb) {
  const auto effect = [](const char* operation, const char* body) {
    return read(json("dynamodb", std::string("DynamoDB_20120810.") + operation, body))
        ->action.effect;
  };
  EXPECT_EQ(effect("BatchWriteItem", R"({"RequestItems":{"t":[{"PutRequest":{}}]}})"),
            Effect::kChange);
  EXPECT_EQ(effect("BatchWriteItem",
                   R"({"RequestItems":{"t":[{"PutRequest":{}},{"DeleteRequest":{}}]}})"),
            Effect::kDestroy);
  EXPECT_EQ(effect("TransactWriteItems", R"({"TransactItems":[{"Put":{}},{"Delete":{}}]})"),
            Effect::kDestroy);
  EXPECT_EQ(effect("ExecuteStatement", R"({"Statement":"  SELECT * FROM t"})"), Effect::kReveal);
  EXPECT_EQ(effect("ExecuteStatement", R"({"Statement":"delete from t"})"), Effect::kDestroy);
  EXPECT_EQ(effect("ExecuteStatement", R"({"Statement":"/* select */ DELETE FROM t"})"),
            Effect::kDestroy);
  const auto batch = read(json("dynamodb", "DynamoDB_20120810.BatchWriteItem",
                               R"({"RequestItems":{"one":[{"PutRequest":{}}],"two":[]}})"));
  EXPECT_EQ(names(*batch), (Names{"arn:aws:dynamodb:eu-central-1:123456789012:table/one",
                                  "arn:aws:dynamodb:eu-central-1:123456789012:table/two"}));
}

TEST(Understand, ShowsNoSecretsToReviewers) {
  const auto understood = read(json("secretsmanager", "secretsmanager.PutSecretValue",
                                    R"({"SecretId":"s","SecretString":"hunter2"})"));
  ASSERT_TRUE(understood);
  EXPECT_EQ(to_text(to_json(understood->action)).find("hunter2"), std::string::npos);
  EXPECT_EQ(understood->action.canonical_request.find("hunter2"), std::string::npos);
  EXPECT_NE(understood->forward.body->find("hunter2"), std::string::npos);
}

TEST(Understand, NamesWhatItCannotBindAsAnything) {
  const auto without = read(json("dynamodb", "DynamoDB_20120810.DeleteTable", "{}"));
  EXPECT_EQ(names(*without), Names{"*"});
  const auto terminated = read(form("ec2",
                                    "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1"
                                    "&InstanceId.2=i-2"));
  EXPECT_EQ(names(*terminated), (Names{"arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
                                       "arn:aws:ec2:eu-central-1:123456789012:instance/i-2"}));
}

TEST(Understand, NamesAKeyByItsAliasWhereThatIsAllItIs) {
  const auto name = [](std::string_view key) {
    return names(
        *read(json("kms", "TrentService.DisableKey", fmt::format(R"({{"KeyId":"{}"}})", key))));
  };
  EXPECT_EQ(name("alias/a"), Names{"arn:aws:kms:eu-central-1:123456789012:alias/a"});
  EXPECT_EQ(name("1:key/alias/a"),
            Names{"arn:aws:kms:eu-central-1:123456789012:key/1:key/alias/a"});
}

TEST(Understand, ReadsOneOperationInThreeProtocols) {
  Sent cbor{.service = "monitoring",
            .target = "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
            .headers = {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}},
            .body = std::string("\xa1\x6a"
                                "AlarmNames\x81\x61"
                                "a",
                                15)};
  Sent query = form("monitoring", "Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=a");
  Sent json_body =
      json("monitoring", "GraniteServiceVersion20100801.DeleteAlarms", R"({"AlarmNames":["a"]})");
  for (const Sent& sent : {cbor, query, json_body}) {
    const auto understood = read(sent);
    ASSERT_TRUE(understood) << understood.error().message;
    EXPECT_EQ(understood->action.operation, "DeleteAlarms");
    EXPECT_EQ(names(*understood), Names{"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a"});
  }
}

TEST(Explain, NamesWhatTheSameAccessKeyDestroyedBefore) {
  const Environments environments;
  ExplainedSessions sessions;
  const auto again = [&](std::string_view key, std::string_view operation, std::string_view table) {
    const std::string line = fmt::format(
        R"({{"method":"POST","url":"http://x/","headers":{{"X-Amz-Target":"DynamoDB_20120810.{}",)"
        R"("Authorization":"AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/dynamodb/)"
        R"(aws4_request, S"}},"body_base64":"{}"}})",
        operation, key, base64_encode(fmt::format(R"({{"TableName":"{}"}})", table)));
    const auto parsed =
        parse_strict(explain(model(), environments, "123456789012", line, sessions));
    EXPECT_TRUE(parsed);
    const Json* found = parsed ? parsed->find("recreate") : nullptr;
    return found != nullptr && found->if_array() != nullptr;
  };
  EXPECT_FALSE(again("A", "CreateTable", "orders"));
  EXPECT_FALSE(again("A", "DeleteTable", "orders"));
  EXPECT_TRUE(again("A", "CreateTable", "orders"));
  EXPECT_FALSE(again("A", "CreateTable", "Orders")) << "names differ by case";
  EXPECT_FALSE(again("A", "DescribeTable", "orders"));
  EXPECT_FALSE(again("A", "PutItem", "orders")) << "content, no thing";
  EXPECT_FALSE(again("B", "CreateTable", "orders")) << "another session";
}

TEST(Explain, AnswersALineWithALine) {
  const Environments environments;
  ExplainedSessions sessions;
  const std::string line = explain(model(), environments, "123456789012",
                                   R"({"method":"POST","url":"http://x/","headers":{)"
                                   R"("X-Amz-Target":"DynamoDB_20120810.DeleteTable",)"
                                   R"("Authorization":"AWS4-HMAC-SHA256 )"
                                   R"(Credential=A/20260101/eu-west-1/dynamodb/aws4_request, S"},)"
                                   R"("body_base64":"e30="})",
                                   sessions);
  const auto parsed = parse_strict(line);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->string_or("operation", ""), "DeleteTable");
  EXPECT_EQ(parsed->string_or("effect", ""), "destroy");
  for (const char* broken : {"", "{", "[]", R"({"method":"GET"})", R"({"method":1,"url":"/"})"}) {
    const auto answer = parse_strict(explain(model(), environments, "1", broken, sessions));
    ASSERT_TRUE(answer) << broken;
    EXPECT_EQ(answer->string_or("effect", ""), "destroy");
    EXPECT_NE(answer->find("error"), nullptr);
  }
}

}  // namespace
}  // namespace keyturn::aws
