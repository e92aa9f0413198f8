// Requests whose effect is that of what they carry.
#include "aws/inside.h"

#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

Action read(const Scope& scope, http::Headers headers, std::string_view target,
            std::string_view body) {
  static const auto model = load_embedded_model();
  const http::RequestHead head{"POST", std::string(target), std::move(headers)};
  auto understood = understand(**model, scope, head, body, {.account = "123456789012"});
  EXPECT_TRUE(understood) << understood.error().message;
  return understood ? std::move(understood->action) : Action();
}

Action json(std::string_view service, std::string_view target, const Json& body) {
  return read(
      {std::string(service), "us-east-1"},
      {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", std::string(target)}}, "/",
      to_text(body));
}

Action rest(std::string_view service, std::string_view target, const Json& body) {
  return read({std::string(service), "us-east-1"}, {{"Content-Type", "application/json"}}, target,
              to_text(body));
}

Action stack(std::string_view operation, std::string_view rest) {
  return read({"cloudformation", "us-east-1"},
              {{"Content-Type", "application/x-www-form-urlencoded"}}, "/",
              fmt::format("Action={}&Version=2010-05-15&StackName=s{}", operation, rest));
}

std::string body_of(std::string_view yaml) { return "&TemplateBody=" + percent_encode(yaml); }

TEST(Inside, SqlOfTheDataApisDecides) {
  const auto rds = [](std::string_view sql) {
    return rest("rds-data", "/Execute",
                Json::object({{"resourceArn", "arn:aws:rds:us-east-1:1:cluster:c"},
                              {"secretArn", "arn:aws:secretsmanager:us-east-1:1:secret:s"},
                              {"sql", sql}}))
        .effect;
  };
  EXPECT_EQ(rds("SELECT * FROM orders WHERE id = :id"), Effect::kObserve);
  EXPECT_EQ(rds("INSERT INTO orders VALUES (:id)"), Effect::kChange);
  EXPECT_EQ(rds("TRUNCATE orders"), Effect::kDestroy);
  EXPECT_EQ(rds("GRANT ALL ON orders TO bob"), Effect::kGrant);
  const Json batch = Json::object({{"Sqls", Json::array({"SELECT 1", "DROP TABLE t"})}});
  EXPECT_EQ(json("redshift-data", "RedshiftData.BatchExecuteStatement", batch).effect,
            Effect::kDestroy);
  EXPECT_EQ(
      json("redshift-data", "RedshiftData.ExecuteStatement", Json::object({{"Sql", "SELECT 1"}}))
          .effect,
      Effect::kObserve);
  EXPECT_EQ(json("redshift-data", "RedshiftData.ExecuteStatement", Json::object({})).effect,
            Effect::kDestroy);
}

TEST(Inside, AthenasDialectIsTrustedForReadsOnly) {
  const auto athena = [](std::string_view sql) {
    return json("athena", "AmazonAthena.StartQueryExecution", Json::object({{"QueryString", sql}}))
        .effect;
  };
  EXPECT_EQ(athena("SELECT * FROM logs"), Effect::kObserve);
  EXPECT_EQ(athena("INSERT INTO logs VALUES (1)"), Effect::kDestroy);
  EXPECT_EQ(athena("DROP TABLE logs"), Effect::kDestroy);
}

TEST(Inside, ANewStackIsAsStrictAsItsTemplate) {
  EXPECT_EQ(stack("CreateStack", body_of("Resources:\n  A: {Type: AWS::SNS::Topic}\n")).effect,
            Effect::kChange);
  EXPECT_EQ(stack("CreateStack", body_of("Resources:\n  A: {Type: AWS::IAM::Role}\n")).effect,
            Effect::kGrant);
  EXPECT_EQ(
      stack("CreateStack", body_of("Resources:\n  A: {Type: AWS::S3::BucketPolicy}\n")).effect,
      Effect::kGrant);
  // What is not seen may give rights.
  EXPECT_EQ(stack("CreateStack", "&TemplateURL=https%3A%2F%2Fx").effect, Effect::kGrant);
  EXPECT_EQ(stack("CreateStack", body_of("Resources: {A: 1, A: 2}\n")).effect, Effect::kGrant);
  EXPECT_EQ(stack("CreateStack", body_of("Transform: M\nResources: {}\n")).effect, Effect::kGrant);
}

TEST(Inside, AnUpdateOfAStackMayRemove) {
  const Action update = stack("UpdateStack", body_of("Resources:\n  A: {Type: AWS::SNS::Topic}\n"));
  EXPECT_EQ(update.effect, Effect::kDestroy);
  EXPECT_EQ(stack("UpdateStack", "&UsePreviousTemplate=true").effect, Effect::kDestroy);
  EXPECT_EQ(stack("UpdateStack", body_of("Resources:\n  A: {Type: AWS::IAM::Role}\n")).effect,
            Effect::kGrant);
  EXPECT_EQ(stack("CreateChangeSet", "&ChangeSetName=c" + body_of("Resources: {}\n")).effect,
            Effect::kChange);
  EXPECT_EQ(stack("ExecuteChangeSet", "&ChangeSetName=c").effect, Effect::kDestroy);
}

TEST(Inside, CloudControlIsJudgedByType) {
  const auto control = [](std::string_view operation, std::string_view type) {
    return json("cloudcontrolapi", fmt::format("CloudApiService.{}", operation),
                Json::object({{"TypeName", type}, {"DesiredState", "{}"}, {"Identifier", "i"}}))
        .effect;
  };
  EXPECT_EQ(control("CreateResource", "AWS::SQS::Queue"), Effect::kChange);
  EXPECT_EQ(control("CreateResource", "AWS::IAM::Role"), Effect::kGrant);
  EXPECT_EQ(control("UpdateResource", "Acme::Unknown::Thing"), Effect::kDestroy);
  EXPECT_EQ(control("DeleteResource", "AWS::SQS::Queue"), Effect::kDestroy);
}

TEST(Inside, CommandsThatRunAreMarked) {
  const Action task =
      json("ecs", "AmazonEC2ContainerServiceV20141113.RunTask",
           Json::object({{"taskDefinition", "t"},
                         {"overrides", Json::object({{"taskRoleArn", "arn:aws:iam::1:role/r"}})}}));
  EXPECT_EQ(task.effect, Effect::kChange);
  EXPECT_NE(task.attributes.find("sets_role"), nullptr);
  const Action command = json(
      "ssm", "AmazonSSM.SendCommand",
      Json::object({{"DocumentName", "AWS-RunShellScript"}, {"Parameters", Json::object({})}}));
  EXPECT_EQ(command.effect, Effect::kDestroy);
}

TEST(Inside, StatementsOfDynamoDbNameTheirTables) {
  using Names = std::vector<std::string>;
  const auto resources = [](const char* operation, const char* body) {
    Names names;
    for (const Resource& resource :
         json("dynamodb", std::string("DynamoDB_20120810.") + operation, parse_strict(body).value())
             .resources) {
      names.push_back(resource.name);
    }
    return names;
  };
  const std::string arn = "arn:aws:dynamodb:us-east-1:123456789012:table/";
  EXPECT_EQ(resources("ExecuteStatement", R"({"Statement":"SELECT * FROM \"one\".\"day\""})"),
            (Names{arn + "one/index/day"}));
  EXPECT_EQ(resources("BatchExecuteStatement",
                      R"j({"Statements":[{"Statement":"SELECT * FROM one WHERE k = 'a'"},
                           {"Statement":"DELETE FROM two WHERE k = 'FROM three'"},
                           {"Statement":"SELECT * FROM one WHERE k = 'b'"}]})j"),
            (Names{arn + "one", arn + "two"}));
  for (const char* body : {R"j({"TransactStatements":[{"Statement":"DELETE FROM one"},
                                {"Statement":"EXISTS(SELECT * FROM two WHERE k = 'a')"}]})j",
                           R"j({"TransactStatements":[{"Statement":"DELETE FROM one"},{}]})j",
                           R"j({"TransactStatements":[{"Statement":7}]})j", "{}"}) {
    EXPECT_EQ(resources("ExecuteTransaction", body), (Names{"*"})) << body;
  }
}

}  // namespace
}  // namespace keyturn::aws
