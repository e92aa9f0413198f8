// Things that are made and destroyed by type, name and the service's own operations, in any
// pairing.
#include "aws/made.h"

#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/template.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

Action read(std::string_view service, http::Headers headers, std::string_view body) {
  static const auto model = load_embedded_model();
  const http::RequestHead head{"POST", "/", std::move(headers)};
  auto understood = understand(**model, {std::string(service), "eu-central-1"}, head, body,
                               {.account = "123456789012"});
  EXPECT_TRUE(understood) << understood.error().message;
  return understood ? std::move(understood->action) : Action();
}

Action json(std::string_view service, std::string_view target, const Json& body) {
  return read(
      service,
      {{"content-type", "application/x-amz-json-1.0"}, {"x-amz-target", std::string(target)}},
      to_text(body));
}

Action cloud_control(std::string_view operation, std::string_view type, std::string_view name) {
  Json body = Json::object({{"TypeName", type}});
  const bool creates = operation == "CreateResource";
  body.set(creates ? "DesiredState" : "Identifier", Json(name));
  return json("cloudcontrolapi", fmt::format("CloudApiService.{}", operation), body);
}

Action table(std::string_view operation, std::string_view name) {
  return json("dynamodb", fmt::format("DynamoDB_20120810.{}", operation),
              Json::object({{"TableName", name}}));
}

Action stack(std::string_view operation, std::string_view template_body) {
  return read("cloudformation", {{"content-type", "application/x-www-form-urlencoded"}},
              fmt::format("Action={}&Version=2010-05-15&StackName=s&TemplateBody={}", operation,
                          percent_encode(template_body)));
}

constexpr std::string_view kOrders = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders";
constexpr std::string_view kTemplate =
    "Resources: {A: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: orders}},"
    " B: {Type: 'AWS::S3::Bucket', Properties: {BucketName: logs}}}";

std::vector<Destroyed> gone(const Action& action) {
  return {{action.service, action.operation, action.resources.front().name}};
}

TEST(CloudControl, NamesWhatItActsOn) {
  const Action deleted = cloud_control("DeleteResource", "AWS::DynamoDB::Table", "orders");
  EXPECT_EQ(deleted.effect, Effect::kDestroy);
  ASSERT_EQ(deleted.resources.size(), 1U);
  EXPECT_EQ(deleted.resources[0].name, kOrders);
  EXPECT_EQ(deleted.resources[0].account, "123456789012");
  const std::pair<const char*, const char*> kNamed[] = {
      {"AWS::S3::Bucket", "arn:aws:s3:::x"},
      {"AWS::IAM::Role", "arn:aws:iam::123456789012:role/x"},
      {"AWS::RDS::DBInstance", "arn:aws:rds:eu-central-1:123456789012:db:x"},
      {"AWS::Logs::LogGroup", "arn:aws:logs:eu-central-1:123456789012:log-group:x"}};
  for (const auto& [type, arn] : kNamed) {
    EXPECT_EQ(cloud_control("UpdateResource", type, "x").resources[0].name, arn);
  }
  EXPECT_EQ(cloud_control("DeleteResource", "AWS::SQS::Queue",
                          "https://sqs.eu-central-1.amazonaws.com/123456789012/q")
                .resources[0]
                .name,
            "arn:aws:sqs:eu-central-1:123456789012:q");
  const std::string topic = "arn:aws:sns:eu-central-1:123456789012:t";
  EXPECT_EQ(cloud_control("DeleteResource", "AWS::SNS::Topic", topic).resources[0].name, topic);
  EXPECT_EQ(cloud_control("CreateResource", "AWS::DynamoDB::Table", R"({"TableName":"orders"})")
                .resources[0]
                .name,
            kOrders);
}

TEST(CloudControl, ActsOnAnythingWhereItsNameDoesNotSay) {
  const std::pair<const char*, const char*> kUnnamed[] = {
      {"AWS::DynamoDB::Table", "*"},   {"AWS::DynamoDB::Table", ""},
      {"AWS::DynamoDB::Table", "a|b"}, {"AWS::DynamoDB::Table", "arn:aws"},
      {"AWS::EC2::VPC", "vpc-1"},      {"Mine::Own::Type", "x"}};
  for (const auto& [type, name] : kUnnamed) {
    const Action action = cloud_control("DeleteResource", type, name);
    ASSERT_EQ(action.resources.size(), 1U);
    EXPECT_EQ(action.resources[0].name, "*") << type << " " << name;
    EXPECT_EQ(action.effect, Effect::kDestroy);
  }
  for (const char* state : {"{}", "[", R"({"TableName":{"Ref":"x"}})", R"({"TableName":"a*"})"}) {
    EXPECT_EQ(cloud_control("CreateResource", "AWS::DynamoDB::Table", state).resources[0].name,
              "*");
  }
}

TEST(Recreation, IsSeenAcrossTheWaysToMakeAndToDestroy) {
  const Action deletions[] = {table("DeleteTable", "orders"),
                              cloud_control("DeleteResource", "AWS::DynamoDB::Table", "orders")};
  const Action creations[] = {
      table("CreateTable", "orders"),
      cloud_control("CreateResource", "AWS::DynamoDB::Table", R"({"TableName":"orders"})"),
      stack("CreateStack", kTemplate)};
  for (const Action& deletion : deletions) {
    for (const Action& creation : creations) {
      EXPECT_TRUE(creates(creation));
      const auto found = find_recreations(creation, gone(deletion));
      ASSERT_FALSE(found.empty()) << deletion.service << " " << creation.operation;
      EXPECT_EQ(found[0].destroyed, kOrders);
      EXPECT_EQ(found[0].created, kOrders);
    }
  }
}

TEST(Recreation, IsNotSeenWhereAnotherThingIsMade) {
  const auto deleted = gone(table("DeleteTable", "orders"));
  for (const Action& creation :
       {table("CreateTable", "other"), stack("CreateStack", "Resources: {}"),
        cloud_control("CreateResource", "AWS::DynamoDB::Table", R"({"TableName":"other"})"),
        cloud_control("CreateResource", "AWS::Kinesis::Stream", R"({"Name":"orders"})"),
        cloud_control("UpdateResource", "AWS::DynamoDB::Table", "orders")}) {
    EXPECT_TRUE(find_recreations(creation, deleted).empty()) << creation.operation;
  }
  // A part of the table went, not the table.
  const std::vector<Destroyed> part = {{"dynamodb", "DeleteTableReplica", std::string(kOrders)},
                                       {"dynamodb", "DeleteItem", std::string(kOrders)}};
  EXPECT_TRUE(find_recreations(stack("CreateStack", kTemplate), part).empty());
}

TEST(Recreation, OfADatabaseIsSeenInAnyCase) {
  const std::vector<Destroyed> deleted = {
      {"rds", "DeleteDBInstance", "arn:aws:rds:eu-central-1:123456789012:db:Prod"}};
  EXPECT_FALSE(find_recreations(cloud_control("CreateResource", "AWS::RDS::DBInstance",
                                              R"({"DBInstanceIdentifier":"PROD"})"),
                                deleted)
                   .empty());
}

}  // namespace
}  // namespace keyturn::aws
