#include "cli/explanation.h"

#include <gmock/gmock.h>

namespace keyturn::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Json condition_of(std::string_view text, std::string_view truth) {
  return Json::object({{"text", text}, {"truth", truth}});
}

Json policy_of(std::string_view effect, std::string_view truth, Json conditions,
               std::string_view remaining) {
  return Json::object({{"policy", "two-keys"},
                       {"effect", effect},
                       {"principal_matches", true},
                       {"action_matches", true},
                       {"resource_matches", true},
                       {"truth", truth},
                       {"conditions", std::move(conditions)},
                       {"remaining", remaining}});
}

Json answer_of(Json policies) {
  return Json::object({{"principals", Json::array({"Agent::\"kiro\"", "Person::\"alice\""})},
                       {"resources", Json::array({"arn:aws:s3:::orders"})},
                       {"resources_omitted", 0},
                       {"policies", std::move(policies)},
                       {"policies_omitted", 0}});
}

TEST(HoldExplanationText, SaysWhatDecidedAndWhatIsStillNeeded) {
  Json met = condition_of("when { context.understood }", "true");
  met.set("deciding", "context.understood");
  met.set("values",
          Json::array({Json::object({{"expression", "context.understood"}, {"value", "true"}})}));
  Json wanting = condition_of("when {\n  context.approvals >= 2\n}", "false");
  wanting.set("deciding", "context.approvals >= 2");
  wanting.set("values",
              Json::array({Json::object({{"expression", "context.approvals"}, {"value", "0"}})}));
  const Json policy =
      policy_of("permit", "false", Json::array({met, wanting}), "when { context.approvals >= 2 }");
  const Json explanation = Json::object(
      {{"answers", Json::array({answer_of(Json::array({policy}))})}, {"questions_omitted", 0}});
  EXPECT_EQ(hold_explanation(explanation, {}, false), R"(  for Agent::"kiro" and Person::"alice", on
    arn:aws:s3:::orders
  permit `two-keys` does not apply: a condition is not met
    scope: principal matches, action matches, resource matches
    when { context.understood }
      true, decided by:
        context.understood
        where context.understood is true
    when {
      context.approvals >= 2
    }
      false, decided by:
        context.approvals >= 2
        where context.approvals is 0
    still needed:
      when { context.approvals >= 2 }
)");
}

TEST(HoldExplanationText, WhatIsDecidedNeedsNothingAnyMore) {
  const Json policy =
      policy_of("permit", "false", Json(Json::Array()), "when { context.approvals >= 2 }");
  const Json explanation =
      Json::object({{"answers", Json::array({answer_of(Json::array({policy}))})}});
  EXPECT_THAT(hold_explanation(explanation, {}, true), HasSubstr("    was needed:\n"));
  EXPECT_THAT(hold_explanation(explanation, {}, true), Not(HasSubstr("still needed")));
  EXPECT_THAT(hold_explanation(explanation, {}, false), HasSubstr("    still needed:\n"));
}

TEST(HoldExplanationText, AForbidThatReviewsLiftIsNotCalledNeeded) {
  const std::string text = policy_explanation(
      policy_of("forbid", "true", Json(Json::Array()), "unless { context.approvals >= 1 }"), {}, 0);
  EXPECT_EQ(text,
            "forbid `two-keys` forbids\n"
            "  scope: principal matches, action matches, resource matches\n"
            "  depends on reviews:\n"
            "    unless { context.approvals >= 1 }\n");
}

TEST(HoldExplanationText, SaysWhatIsLeftOutAndWhatCannotBeTold) {
  Json answer = answer_of(Json(Json::Array()));
  answer.set("resources_omitted", 3);
  answer.set("policies_omitted", 2);
  const Json explanation = Json::object({{"answers", Json::array({answer})},
                                         {"questions_omitted", 9},
                                         {"error", "nothing is kept\nunder it"}});
  EXPECT_EQ(hold_explanation(explanation, {}, false), R"(  for Agent::"kiro" and Person::"alice", on
    arn:aws:s3:::orders
    resources not shown: 3
  policies not shown: 2
  cannot be told: nothing is kept
  under it
  questions not shown: 9
)");
}

TEST(HoldExplanationText, NobodyDrawsOnTheReviewersScreen) {
  const std::string evil = "ok\x1b[8A\x1b[J\r\xe2\x80\xae";
  Json condition = condition_of(evil, evil);
  condition.set("deciding", evil);
  condition.set("error", evil);
  condition.set("values", Json::array({Json::object({{"expression", evil}, {"value", evil}})}));
  Json policy = policy_of(evil, evil, Json::array({condition}), evil);
  policy.set("policy", evil);
  Json answer = answer_of(Json::array({policy}));
  answer.set("principals", Json::array({evil}));
  answer.set("resources", Json::array({evil}));
  const Json explanation = Json::object(
      {{"answers", Json::array({answer})}, {"questions_omitted", evil}, {"error", evil}});
  const std::string text = hold_explanation(explanation, {}, false);
  EXPECT_THAT(text, HasSubstr("ok"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
}

TEST(HoldExplanationText, AnAnswerOfAnotherShapeIsNoCrash) {
  for (const Json& odd :
       {Json(), Json(1), Json("x"), Json(Json::Array()), Json::array({1}),
        Json::object({{"answers", 1}}), Json::object({{"answers", Json::array({1, Json()})}}),
        Json::object(
            {{"answers", Json::array({Json::object({{"policies", Json::array({1})}})})}})}) {
    EXPECT_THAT(hold_explanation(odd, {}, false), Not(HasSubstr("still needed")));
  }
}

}  // namespace
}  // namespace keyturn::cli
