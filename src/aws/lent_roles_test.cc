// Roles that a request lends to a service are resources of it (iam:PassRole), and operations that
// hand out credentials say so.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "aws/aws.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

Action read(std::string_view service, http::Headers headers, std::string_view target,
            std::string_view body, std::string_view method = "POST") {
  static const auto model = load_embedded_model();
  const http::RequestHead head{std::string(method), std::string(target), std::move(headers)};
  auto understood = understand(**model, {std::string(service), "us-east-1"}, head, body,
                               {.account = "123456789012"});
  EXPECT_TRUE(understood) << understood.error().message;
  return understood ? std::move(understood->action) : Action();
}

Action form(std::string_view service, std::string_view body) {
  return read(service, {{"content-type", "application/x-www-form-urlencoded"}}, "/", body);
}

Action json(std::string_view service, std::string_view target, std::string_view body) {
  return read(
      service,
      {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", std::string(target)}}, "/",
      body);
}

bool touches(const Action& action, std::string_view name) {
  return std::any_of(action.resources.begin(), action.resources.end(),
                     [&](const Resource& resource) { return resource.name == name; });
}

bool sets_role(const Action& action) {
  const Json* found = action.attributes.find("sets_role");
  return found != nullptr && found->if_bool() != nullptr && *found->if_bool();
}

constexpr std::string_view kAdmin = "arn:aws:iam::123456789012:role/admin";

TEST(LentRoles, AreResourcesOfTheRequestThatLendsThem) {
  const Action machine =
      json("states", "AWSStepFunctions.UpdateStateMachine",
           R"({"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:dev",)"
           R"("roleArn":"arn:aws:iam::123456789012:role/admin"})");
  EXPECT_TRUE(sets_role(machine));
  EXPECT_TRUE(touches(machine, kAdmin));

  const Action function = read("lambda", {{"content-type", "application/json"}},
                               "/2015-03-31/functions/dev/configuration",
                               R"({"Role":"arn:aws:iam::123456789012:role/admin"})", "PUT");
  EXPECT_EQ(function.operation, "UpdateFunctionConfiguration");
  EXPECT_TRUE(touches(function, kAdmin));

  const Action stack = form("cloudformation",
                            "Action=DeleteStack&Version=2010-05-15&StackName=dev&RoleARN="
                            "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fadmin");
  EXPECT_TRUE(touches(stack, kAdmin));
}

TEST(LentRoles, AreFoundInEveryValueOfAMap) {
  const Action pool =
      json("cognito-identity", "AWSCognitoIdentityService.SetIdentityPoolRoles",
           R"({"IdentityPoolId":"us-east-1:1","Roles":{},"RoleMappings":{"one":{"Type":"Rules"},)"
           R"("two":{"Type":"Rules","RulesConfiguration":{"Rules":[{"Claim":"c",)"
           R"("MatchType":"Equals","Value":"v",)"
           R"("RoleARN":"arn:aws:iam::123456789012:role/admin"}]}}}})");
  EXPECT_TRUE(sets_role(pool));
  EXPECT_TRUE(touches(pool, kAdmin));

  const Action profile =
      read("iot", {{"content-type", "application/json"}}, "/security-profiles/p",
           R"({"alertTargets":{"SNS":{"alertTargetArn":"arn:aws:sns:us-east-1:123456789012:t",)"
           R"("roleArn":"arn:aws:iam::123456789012:role/admin"}}})");
  EXPECT_EQ(profile.operation, "CreateSecurityProfile");
  EXPECT_TRUE(sets_role(profile));
  EXPECT_TRUE(touches(profile, kAdmin));
}

TEST(LentRoles, AreFoundByNameWhereTheServiceTakesNames) {
  EXPECT_TRUE(touches(form("ec2",
                           "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1"
                           "&IamInstanceProfile.Name=admin"),
                      "arn:aws:iam::123456789012:instance-profile/admin"));
  EXPECT_TRUE(touches(json("glue", "AWSGlue.CreateCrawler", R"({"Name":"c","Role":"path/admin"})"),
                      "arn:aws:iam::123456789012:role/path/admin"));
  // What cannot be a role's name may be anything.
  EXPECT_TRUE(touches(json("glue", "AWSGlue.CreateCrawler", R"({"Name":"c","Role":"a b"})"), "*"));
}

TEST(LentRoles, AreNotSeenWhereNoneIsNamed) {
  const Action function =
      read("lambda", {{"content-type", "application/json"}},
           "/2015-03-31/functions/dev/configuration", R"({"Timeout":5})", "PUT");
  EXPECT_FALSE(sets_role(function));
  EXPECT_EQ(function.resources.size(), 1U);
}

Action create_stack(std::string_view yaml) {
  return form("cloudformation",
              fmt::format("Action=CreateStack&Version=2010-05-15&StackName=s&TemplateBody={}",
                          percent_encode(yaml)));
}

TEST(LentRoles, OfATemplateAreResourcesOfTheRequest) {
  const Action literal = create_stack(
      "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Role: "
      "'arn:aws:iam::123456789012:role/admin'}}\n");
  EXPECT_EQ(literal.effect, Effect::kChange);
  EXPECT_TRUE(sets_role(literal));
  EXPECT_TRUE(touches(literal, kAdmin));
  const Action computed = create_stack(
      "Parameters: {R: {Type: String}}\n"
      "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Role: !Ref R}}\n");
  EXPECT_TRUE(touches(computed, "*"));
  EXPECT_FALSE(sets_role(create_stack("Resources:\n  A: {Type: AWS::SNS::Topic}\n")));
}

// A custom resource calls a function, perhaps one of production, with what the template says.
TEST(Templates, ThatRunUnseenCodeMayDestroy) {
  for (const char* type :
       {"Custom::Cleaner", "AWS::CloudFormation::CustomResource", "Acme::A::B"}) {
    const Action action =
        create_stack(fmt::format("Resources:\n  C: {{Type: '{}', Properties: {{ServiceToken: "
                                 "'arn:aws:lambda:us-east-1:123456789012:function:prod'}}}}\n",
                                 type));
    EXPECT_EQ(action.effect, Effect::kDestroy) << type;
    EXPECT_NE(fmt::format("{}", fmt::join(action.why, ";")).find("runs code that is not seen"),
              std::string::npos);
  }
}

// Invariant 8: what these answer works outside the gate.
TEST(Invariant8, WhatHandsOutCredentialsIsMarked) {
  const auto marked = [](const Action& action) {
    const Json* found = action.attributes.find("credential_exit");
    return found != nullptr && *found->if_bool();
  };
  for (const char* operation : {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "AssumeRoot",
                                "GetDelegatedAccessToken", "GetWebIdentityToken"}) {
    const Action action =
        form("sts", fmt::format("Action={}&Version=2011-06-15&RoleArn={}&RoleSessionName=x",
                                operation, percent_encode(kAdmin)));
    EXPECT_TRUE(marked(action)) << operation;
    EXPECT_EQ(action.effect, Effect::kReveal) << operation;
  }
  EXPECT_TRUE(marked(form("ec2", "Action=CreateKeyPair&Version=2016-11-15&KeyName=k")));
  EXPECT_FALSE(
      marked(form("ec2", "Action=CreateKeyPair&Version=2016-11-15&KeyName=k&DryRun=true")));
  EXPECT_FALSE(marked(form("sts", "Action=GetCallerIdentity&Version=2011-06-15")));
  EXPECT_TRUE(
      marked(json("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "{}")));
  EXPECT_TRUE(marked(form("iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=u")));
  EXPECT_FALSE(
      marked(json("secretsmanager", "secretsmanager.GetSecretValue", R"({"SecretId":"s"})")));
}

// The gate answers these with keys of its own.
TEST(LentRoles, AreThoseThatAreAssumed) {
  const Action assumed = form("sts", fmt::format("Action=AssumeRole&Version=2011-06-15&RoleArn={}"
                                                 "&RoleSessionName=x&DurationSeconds=900",
                                                 percent_encode(kAdmin)));
  EXPECT_EQ(assumed.effect, Effect::kChange);
  EXPECT_TRUE(sets_role(assumed));
  ASSERT_EQ(assumed.resources.size(), 1U);
  EXPECT_EQ(assumed.resources[0].name, kAdmin);
  EXPECT_EQ(assumed.attributes.find("credential_exit"), nullptr);
  const Action unnamed = form("sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=x");
  EXPECT_TRUE(touches(unnamed, "*"));
  for (const char* operation : {"GetSessionToken", "GetFederationToken"}) {
    const Action action =
        form("sts", fmt::format("Action={}&Version=2011-06-15&Name=x", operation));
    EXPECT_EQ(action.effect, Effect::kReveal) << operation;
    EXPECT_EQ(action.attributes.find("credential_exit"), nullptr) << operation;
    EXPECT_TRUE(touches(action, "*"));
  }
}

TEST(Invariant8, AccessKeysShellsAndPrivateKeysBehindPlainNamesAreMarked) {
  const std::array<Action, 6> exits = {
      json("gamelift", "GameLift.GetComputeAccess", R"({"FleetId":"f","ComputeName":"c"})"),
      json("elasticmapreduce", "ElasticMapReduce.GetClusterSessionCredentials",
           R"({"ClusterId":"j-1"})"),
      json("ssm", "AmazonSSM.StartSession", R"({"Target":"i-1"})"),
      json("ssm", "AmazonSSM.CreateActivation", R"({"IamRole":"admin"})"),
      json("sagemaker", "SageMaker.CreatePresignedNotebookInstanceUrl",
           R"({"NotebookInstanceName":"n"})"),
      form("ec2", "Action=CreateKeyPair&Version=2016-11-15&KeyName=k")};
  for (const Action& action : exits) {
    EXPECT_NE(action.attributes.find("credential_exit"), nullptr) << action.operation;
    EXPECT_NE(action.effect, Effect::kObserve) << action.operation;
  }
  const Action import =
      form("ec2", "Action=ImportKeyPair&Version=2016-11-15&KeyName=k&PublicKeyMaterial=a");
  EXPECT_EQ(import.operation, "ImportKeyPair");
  EXPECT_EQ(import.attributes.find("credential_exit"), nullptr);
}

}  // namespace
}  // namespace keyturn::aws
