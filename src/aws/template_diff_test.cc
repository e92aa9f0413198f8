#include <gtest/gtest.h>

#include "aws/aws.h"
#include "aws/template.h"

namespace keyturn::aws {
namespace {

const Model& model() {
  static const auto loaded = load_embedded_model();
  return **loaded;
}

TemplateVersion version(std::string_view text) {
  auto body = parse_template(text);
  EXPECT_TRUE(body) << body.error().message;
  return {.body = body ? std::move(*body) : Json()};
}

TemplateDiff diff(std::string_view before, std::string_view after) {
  return template_diff(model(), version(before), version(after));
}

constexpr std::string_view kOrders = R"(
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Name: {Type: String, Default: orders}
Conditions:
  Big: !Equals [!Ref Name, big]
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Ref Name
      BillingMode: PAY_PER_REQUEST
      Tags: [{Key: a, Value: 1}]
  Topic:
    Type: AWS::SNS::Topic
    Condition: Big
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmActions: [!Sub '${Topic}']
      Dimensions: [{Name: TableName, Value: !Ref Orders}]
)";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kOrders);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string one(const TemplateDiff& found) {
  std::string text;
  for (const TemplateChange& change : found.changes) {
    text += fmt::format("{} {}; ", change.logical_id, to_string(change.change));
  }
  return text;
}

TEST(TemplateDiff, OfOneTemplateIsEmpty) {
  EXPECT_EQ(one(diff(kOrders, kOrders)), "");
  EXPECT_EQ(diff(kOrders, kOrders).effect, Effect::kObserve);
  // JSON and YAML of the same template, in another order, numbers as texts.
  const auto json = diff(R"({"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":
      {"DisplayName":"5","TopicName":{"Fn::Sub":"x-${AWS::Region}"}}}}})",
                         "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n"
                         "      TopicName: !Sub x-${AWS::Region}\n      DisplayName: 5\n");
  EXPECT_EQ(one(json), "");
}

TEST(TemplateDiff, TellsAddedChangedReplacedAndRemoved) {
  const auto added =
      diff(kOrders, with("Resources:\n", "Resources:\n  New: {Type: AWS::SQS::Queue}\n"));
  EXPECT_EQ(one(added), "New added; ");
  EXPECT_EQ(added.effect, Effect::kChange);

  const auto changed = diff(kOrders, with("Value: 1", "Value: 2"));
  EXPECT_EQ(one(changed), "Orders changed; ");
  EXPECT_EQ(changed.effect, Effect::kChange);

  const auto replaced = diff(kOrders, with("TableName: !Ref Name", "TableName: other"));
  EXPECT_EQ(one(replaced), "Alarm changed; Orders replaced; ");
  EXPECT_EQ(replaced.effect, Effect::kDestroy);
  EXPECT_TRUE(replaced.changes[1].stateful);
  EXPECT_EQ(find_recreations(replaced),
            (std::vector<Recreation>{{"Orders", "Orders", "AWS::DynamoDB::Table"}}));

  const auto removed = diff(kOrders, with("  Orders:\n    Type: AWS::DynamoDB::Table",
                                          "  Others:\n    Type: AWS::DynamoDB::Table"));
  EXPECT_EQ(one(removed), "Orders removed; Others added; ");
  EXPECT_EQ(removed.effect, Effect::kDestroy);
}

TEST(TemplateDiff, FollowsAParameterIntoWhatItReplaces) {
  TemplateVersion before = version(kOrders);
  TemplateVersion after = version(kOrders);
  after.parameters["Name"] = "renamed";
  const auto found = template_diff(model(), before, after);
  EXPECT_EQ(one(found), "Alarm changed; Orders replaced; Topic may be replaced; ");
  EXPECT_EQ(found.effect, Effect::kDestroy);
  before.parameters["Name"] = "renamed";
  EXPECT_EQ(one(template_diff(model(), before, after)), "");
}

TEST(TemplateDiff, KeepsWhatIsRetained) {
  const std::string kept =
      "Resources:\n  A: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}\n"
      "  B: {Type: AWS::SNS::Topic}\n";
  const auto found = diff(kept, "Resources:\n  B: {Type: AWS::SNS::Topic}\n");
  EXPECT_EQ(one(found), "A released; ");
  EXPECT_EQ(found.effect, Effect::kChange);
  // Taking the policy away and then the resource must not look harmless at either step.
  const auto weakened = diff(kept,
                             "Resources:\n  A: {Type: AWS::S3::Bucket}\n"
                             "  B: {Type: AWS::SNS::Topic}\n");
  EXPECT_EQ(weakened.effect, Effect::kDestroy);
}

TEST(TemplateDiff, TakesWhatItCannotTellForTheWorse) {
  // A condition that changes, a type that is not known, a nested stack, a macro.
  EXPECT_EQ(diff(kOrders, with("[!Ref Name, big]", "[!Ref Name, small]")).effect, Effect::kDestroy);
  const std::string custom = "Resources:\n  A:\n    Type: Custom::Thing\n    Properties: {B: 1}\n";
  EXPECT_EQ(
      diff(custom, "Resources:\n  A:\n    Type: Custom::Thing\n    Properties: {B: 2}\n").effect,
      Effect::kDestroy);
  EXPECT_EQ(diff("Transform: AWS::Serverless-2016-10-31\nResources: {}\n",
                 "Transform: AWS::Serverless-2016-10-31\nResources: {}\n")
                .effect,
            Effect::kDestroy);
  EXPECT_EQ(diff("Resources: {}\n", "Resources: {A: {Type: AWS::IAM::Role}}\n").effect,
            Effect::kGrant);
  EXPECT_EQ(diff(kOrders, "Nothing: {}\n").effect, Effect::kDestroy);
}

TEST(TemplateDiff, SeesWhatGuardsDataTakenAway) {
  const std::string before =
      "Resources:\n  A:\n    Type: AWS::DynamoDB::Table\n    Properties:\n"
      "      DeletionProtectionEnabled: true\n";
  const auto found = diff(before, "Resources:\n  A:\n    Type: AWS::DynamoDB::Table\n");
  EXPECT_EQ(one(found), "A changed; ");
  EXPECT_EQ(found.effect, Effect::kDestroy);
}

TEST(TemplateDiff, NamesARemovalAndAnAdditionOfOneNameAsOneThing) {
  const auto found = diff("Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n",
                          "Resources:\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n");
  EXPECT_EQ(find_recreations(found), (std::vector<Recreation>{{"A", "B", "AWS::SQS::Queue"}}));
}

TEST(TemplateText, IsReadWithCloudFormationsTags) {
  const auto found = parse_template(
      "A: !GetAtt B.C.D\nE: !Sub ['${x}', {x: !Ref Y}]\nF: !If [c, 1, ~]\n"
      "G: !Base64\n  Fn::Sub: text\nH: 'null'\nI: !Condition j\n");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(to_text(*found),
            R"({"A":{"Fn::GetAtt":["B","C.D"]},"E":{"Fn::Sub":["${x}",{"x":{"Ref":"Y"}}]},)"
            R"("F":{"Fn::If":["c","1",null]},"G":{"Fn::Base64":{"Fn::Sub":"text"}},"H":"null",)"
            R"("I":{"Condition":"j"}})");
}

TEST(TemplateText, ThatReadersCouldTakeDifferentlyIsRefused) {
  std::string deep = "A: ";
  for (std::size_t i = 0; i < 5'000; ++i) deep += '[';
  for (const std::string& text :
       {std::string("A: 1\nA: 2\n"), std::string(R"({"A":1,"A":2})"),
        std::string("A: &x 1\nB: *x\n"), std::string("<<: {A: 1}\n"),
        std::string("A: 1\n---\nB: 2\n"), std::string("A: !Evil x\n"), std::string("- a\n"),
        std::string(""), std::string("A: !GetAtt B\n"), deep, std::string("? [a]\n: b\n"),
        std::string("A: \xff\n"), std::string("A: [\n"), std::string(kTemplateBytesMax + 1, ' ')}) {
    EXPECT_FALSE(parse_template(text)) << text.substr(0, 40);
  }
}

Action creation(std::string service, std::string operation, std::string arn) {
  Action action;
  action.service = std::move(service);
  action.operation = std::move(operation);
  action.resources = {{.name = std::move(arn), .type = "x"}};
  return action;
}

TEST(Recreation, AcrossRequestsIsOfTheSameKindAndName) {
  const std::string env = "arn:aws:elasticbeanstalk:eu-central-1:1:environment/app/prod";
  const std::vector<Destroyed> destroyed = {
      {"elasticbeanstalk", "TerminateEnvironment",
       "arn:aws:elasticbeanstalk:eu-central-1:1:environment/*/prod"},
      {"dynamodb", "DeleteTable", "arn:aws:dynamodb:eu-central-1:1:table/orders"},
      {"cloudformation", "DeleteStack", "arn:aws:cloudformation:eu-central-1:1:stack/prod/51af"},
      {"rds", "DeleteDBInstance", "arn:aws:rds:eu-central-1:1:db:Main"},
      {"ec2", "TerminateInstances", "*"}};
  EXPECT_EQ(
      find_recreations(creation("elasticbeanstalk", "CreateEnvironment", env), destroyed).size(),
      1U);
  EXPECT_EQ(find_recreations(creation("dynamodb", "RestoreTableFromBackup",
                                      "arn:aws:dynamodb:eu-central-1:1:table/orders"),
                             destroyed)
                .size(),
            1U);
  for (const char* operation : {"CreateStack", "CreateChangeSet", "ExecuteChangeSet"}) {
    const Action made =
        creation("cloudformation", operation, "arn:aws:cloudformation:eu-central-1:1:stack/prod");
    EXPECT_EQ(find_recreations(made, destroyed).size(), 1U) << operation;
  }
  EXPECT_EQ(
      find_recreations(creation("rds", "CreateDBInstance", "arn:aws:rds:eu-central-1:1:db:main"),
                       destroyed)
          .size(),
      1U);
  for (const Action& other :
       {creation("dynamodb", "CreateTable", "arn:aws:dynamodb:eu-central-1:1:table/others"),
        creation("dynamodb", "CreateTable", "arn:aws:dynamodb:eu-central-1:1:table/Orders"),
        creation("cloudformation", "CreateStack",
                 "arn:aws:cloudformation:eu-central-1:1:stack/pro"),
        creation("cloudformation", "CreateStack",
                 "arn:aws:cloudformation:eu-central-1:1:stack/prod/51af/2/3"),
        creation("dynamodb", "CreateBackup", "arn:aws:dynamodb:eu-central-1:1:table/orders"),
        creation("dynamodb", "DescribeTable", "arn:aws:dynamodb:eu-central-1:1:table/orders"),
        creation("ec2", "RunInstances", "*")}) {
    EXPECT_TRUE(find_recreations(other, destroyed).empty()) << other.operation;
  }
}

}  // namespace
}  // namespace keyturn::aws
