#include "action/action.h"

#include <gtest/gtest.h>

namespace keyturn {
namespace {

Action delete_stack() {
  Action action;
  action.door = "aws";
  action.service = "cloudformation";
  action.operation = "DeleteStack";
  action.iam_actions = {"cloudformation:DeleteStack"};
  action.access_level = "Write";
  action.understood = true;
  action.account = "123456789012";
  action.region = "cn-northwest-1";
  action.parameters = Json::object({{"StackName", "cost-explorer-prod"}});
  action.why = {"the model says that DeleteStack deletes"};
  action.canonical_request = "POST / canonical bytes";
  Resource stack;
  stack.name =
      "arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/cost-explorer-prod/"
      "6f2c0c5e-2b54-4f2e-9f8b-0d8a1f0c9b11";
  stack.type = "cloudformation:stack";
  stack.tags = {{"env", "prod"}};
  action.resources = {stack};
  return action;
}

TEST(Action, FailsClosedByDefault) {
  const Action action;
  EXPECT_EQ(action.effect, Effect::kDestroy);
  EXPECT_FALSE(action.understood);
  EXPECT_EQ(Resource{}.tier, Tier::kProduction);
  EXPECT_EQ(strictest_tier(action), Tier::kProduction);
}

TEST(Effect, OfTwoTheOneThatAsksForMoreCareIsStricter) {
  const std::array order = {Effect::kObserve, Effect::kReveal, Effect::kChange, Effect::kDestroy,
                            Effect::kGrant};
  for (std::size_t a = 0; a < order.size(); ++a) {
    for (std::size_t b = 0; b < order.size(); ++b) {
      EXPECT_EQ(stricter(order[a], order[b]), order[std::max(a, b)]);
    }
    EXPECT_EQ(parse_effect(to_string(order[a])).value(), order[a]);
  }
}

TEST(Words, AreReadExactlyAndRefusedWithTheChoices) {
  for (const Tier tier : {Tier::kProduction, Tier::kStaging, Tier::kDevelopment}) {
    EXPECT_EQ(parse_tier(to_string(tier)).value(), tier);
  }
  EXPECT_EQ(to_string(VerdictKind::kAllow), "allow");
  EXPECT_EQ(to_string(VerdictKind::kHold), "hold");
  EXPECT_EQ(to_string(VerdictKind::kDeny), "deny");
  EXPECT_EQ(parse_tier("prod").error(),
            (Error{Code::kInvalid,
                   "unknown tier `prod`; it is one of `production`, `staging`, `development`"}));
  for (const char* bad : {"", "Observe", "observe ", "destroy\n", "delete"}) {
    EXPECT_EQ(parse_effect(bad).error().code, Code::kInvalid) << bad;
  }
}

TEST(ChangeId, HasOneText) {
  for (const std::int64_t number : {std::int64_t{1}, std::int64_t{7}, INT64_MAX}) {
    const ChangeId id{number};
    EXPECT_EQ(ChangeId::parse(id.text()).value(), id);
  }
  EXPECT_EQ(ChangeId{7}.text(), "CHG-7");
  for (const char* bad : {"", "7", "CHG-", "CHG-0", "CHG-07", "CHG--7", "CHG-+7", "CHG-7 ",
                          " CHG-7", "chg-7", "CHG-7a", "CHG-9223372036854775808", "CHG- 7"}) {
    EXPECT_EQ(ChangeId::parse(bad).error().code, Code::kInvalid) << bad;
  }
}

TEST(ActionAsJson, IsCompleteButForTheCanonicalRequest) {
  const Json json = to_json(delete_stack());
  EXPECT_EQ(
      to_text(json),
      R"({"door":"aws","service":"cloudformation","operation":"DeleteStack",)"
      R"("iam_actions":["cloudformation:DeleteStack"],"access_level":"Write","effect":"destroy",)"
      R"("understood":true,"account":"123456789012","region":"cn-northwest-1","resources":[)"
      R"({"name":"arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/cost-explorer-prod/)"
      R"(6f2c0c5e-2b54-4f2e-9f8b-0d8a1f0c9b11","type":"cloudformation:stack","account":"",)"
      R"("region":"","tags":{"env":"prod"},"environment":"","tier":"production"}],)"
      R"("parameters":{"StackName":"cost-explorer-prod"},"attributes":null,)"
      R"("why":["the model says that DeleteStack deletes"],)"
      R"("digest":"0000000000000000000000000000000000000000000000000000000000000000"})");
  EXPECT_EQ(to_text(json).find("canonical"), std::string::npos);
}

TEST(ActionAsJson, IsValidJsonWhateverBytesAResourceIsNamedBy) {
  Action action = delete_stack();
  action.resources[0].name = "arn:aws:s3:::bucket/\xff\xfe key\n\"";
  action.resources[0].tags = {{"\xc0", "\xf5"}};
  action.operation = "\x80";
  action.why = {"\xed\xa0\x80"};
  const std::string text = to_text(to_json(action));
  EXPECT_TRUE(is_valid_utf8(text));
  const Json read = parse_strict(text).value();
  const Json& resource = read.find("resources")->if_array()->front();
  EXPECT_EQ(resource.get_string("name").value(), "arn:aws:s3:::bucket/\\xff\\xfe key\\x0a\"");
}

TEST(StrictestTier, IsProductionIfAnyResourceIs) {
  Action action = delete_stack();
  action.resources.push_back(action.resources[0]);
  action.resources[0].tier = Tier::kDevelopment;
  action.resources[1].tier = Tier::kStaging;
  EXPECT_EQ(strictest_tier(action), Tier::kStaging);
  action.resources[0].tier = Tier::kProduction;
  EXPECT_EQ(strictest_tier(action), Tier::kProduction);
  for (Resource& resource : action.resources) resource.tier = Tier::kDevelopment;
  EXPECT_EQ(strictest_tier(action), Tier::kDevelopment);
}

TEST(StrictestTier, IsProductionForWhatIsNotUnderstood) {
  Action action = delete_stack();
  action.resources[0].tier = Tier::kDevelopment;
  action.understood = false;
  EXPECT_EQ(strictest_tier(action), Tier::kProduction);
}

TEST(Summary, NamesTheThingAsPeopleDo) {
  EXPECT_EQ(summary(delete_stack()),
            "cloudformation:DeleteStack on cost-explorer-prod (production)");
  const std::pair<const char*, const char*> names[] = {
      {"arn:aws:s3:::bucket", "bucket"},
      {"arn:aws:s3:::bucket/some/key", "bucket/some/key"},
      {"arn:aws:dynamodb:eu-west-1:1:table/T/index/I", "T/index/I"},
      {"arn:aws:lambda:eu-west-1:1:function:f:alias", "f:alias"},
      {"arn:aws:sqs:eu-west-1:1:queue", "queue"},
      {"arn:aws:apigateway:eu-west-1::/restapis/a", "/restapis/a"},
      {"arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f", "/aws/lambda/f"},
      {"arn:aws:iam::1:role/team/Role", "team/Role"},
      {"arn:aws", "arn:aws"},
      {"arn:aws:x:y:z:table/", "arn:aws:x:y:z:table/"},
      {"arn:aws:x:y:z:", "arn:aws:x:y:z:"},
      {"*", "*"},
      {"mcp://server/tool", "mcp://server/tool"}};
  for (const auto& [name, expected] : names) {
    Action action = delete_stack();
    action.resources[0].name = name;
    EXPECT_EQ(summary(action),
              fmt::format("cloudformation:DeleteStack on {} (production)", expected));
  }
}

TEST(Summary, CountsFurtherResourcesAndShowsTheStrictest) {
  Action action = delete_stack();
  action.resources[0].tier = Tier::kDevelopment;
  action.resources.push_back(Resource{.name = "arn:aws:s3:::prod"});
  action.resources.push_back(action.resources[0]);
  EXPECT_EQ(summary(action), "cloudformation:DeleteStack on prod and 2 more (production)");
}

TEST(Summary, StaysShortAndHarmlessWithHostileText) {
  Action action = delete_stack();
  EXPECT_EQ(summary(Action{}), ":(not understood) (production)");
  action.operation = "Delete\x1b[2J\u202e";
  action.resources[0].name = "\r\nverdict=allow";
  EXPECT_EQ(summary(action),
            "cloudformation:Delete\\x1b[2J\\xe2\\x80\\xae on \\x0d\\x0averdict=allow (production)");
  for (std::size_t length = 0; length < 300; ++length) {
    action.service = std::string(length, 's');
    action.operation.clear();
    for (std::size_t i = 0; i < length; ++i) action.operation += "ä";
    action.resources[0].name = action.operation + "\xff";
    action.resources.resize(1 + length % 3);
    const std::string text = summary(action);
    EXPECT_LE(text.size(), 200U);
    EXPECT_TRUE(is_valid_utf8(text));
    EXPECT_TRUE(text.ends_with("(production)")) << text;
  }
}

}  // namespace
}  // namespace keyturn
