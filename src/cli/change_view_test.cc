#include "cli/change_view.h"

namespace keyturn::cli {
namespace {

const Time kNow = *parse_time("2026-01-01T12:05:00Z");

Json change_of(std::string_view state) {
  const Json resource =
      Json::object({{"name", "arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/prod/1"},
                    {"type", "cloudformation:stack"},
                    {"tags", Json::object({{"env", "prod"}})},
                    {"environment", "cost-explorer"},
                    {"tier", "production"}});
  const Json action =
      Json::object({{"service", "cloudformation"},
                    {"operation", "DeleteStack"},
                    {"understood", true},
                    {"resources", Json::array({resource})},
                    {"parameters", Json::object({{"StackName", "cost-explorer-prod"}})},
                    {"attributes", Json(Json::Object())},
                    {"why", Json::array({"`Delete` in the name, and the service says Write"})}});
  const Json review = Json::object({{"person", "bob"},
                                    {"answer", "reject"},
                                    {"words", "in place\ninstead"},
                                    {"digest", "d"},
                                    {"time", "2026-01-01T12:04:00Z"}});
  return Json::object({{"id", "CHG-7"},
                       {"state", state},
                       {"summary", "cloudformation:DeleteStack on cost-explorer-prod (production)"},
                       {"effect", "destroy"},
                       {"tier", "production"},
                       {"agent", "kiro"},
                       {"owner", "alice"},
                       {"starter", "alice"},
                       {"session", "ses_1"},
                       {"reason", "fix the rounding bug"},
                       {"approvals", 0},
                       {"approvals_needed", 2},
                       {"created", "2026-01-01T12:00:00Z"},
                       {"expires", "2026-01-02T12:00:00Z"},
                       {"digest", "abc123"},
                       {"reviews", Json::array({review})},
                       {"action", action}});
}

TEST(ChangeView, ShowsEverythingThatIsDecided) {
  EXPECT_EQ(change_view(change_of("open"), {}, kNow), R"(CHG-7  open, 0 of 2 approvals

  cloudformation:DeleteStack on cost-explorer-prod (production)

  effect    destroy (cannot be undone, or not without a backup)
  tier      production
  agent     kiro, owned by alice
  session   ses_1, started by alice
  created   2026-01-01 12:00:00Z (5 min 0 s ago)
  expires   2026-01-02 12:00:00Z (in 23 h 55 min)

Resources
  arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/prod/1
    cloudformation:stack, in cost-explorer (production), tags env=prod

Parameters, as they will be sent
  {
    "StackName": "cost-explorer-prod"
  }

How this was understood
  - `Delete` in the name, and the service says Write

Claimed by the agent, unverified
  fix the rounding bug

Reviews
  bob rejected, 1 min 0 s ago
    in place
    instead

Digest of what is decided
  abc123

To decide, as anyone but alice:
  keyturn approve CHG-7 --words "…"
  keyturn reject CHG-7 --words "…"
)");
}

TEST(ChangeView, SaysWhyItIsHeldBeforeWhatTheAgentClaims) {
  Json change = change_of("open");
  change.set("explanation", Json::object({{"answers", Json(Json::Array())},
                                          {"questions_omitted", 0},
                                          {"error", "the pack is gone"}}));
  EXPECT_NE(change_view(change, {}, kNow)
                .find("Why it is held\n  cannot be told: the pack is gone\n\nClaimed by the agent"),
            std::string::npos);
}

TEST(ChangeView, OneApprovalIsNotSeveral) {
  Json change = change_of("open");
  change.set("approvals_needed", 1);
  EXPECT_TRUE(change_view(change, {}, kNow).starts_with("CHG-7  open, 0 of 1 approval\n"));
}

TEST(ChangeView, AClosedChangeOffersNoDecision) {
  EXPECT_EQ(change_view(change_of("rejected"), {}, kNow).find("To decide"), std::string::npos);
}

TEST(ChangeView, WhatWasNotUnderstoodIsSaidLoudly) {
  Json change = change_of("open");
  Json action = *change.find("action");
  action.set("understood", false);
  action.set("resources", Json(Json::Array()));
  change.set("action", action);
  const std::string text = change_view(change, {}, kNow);
  EXPECT_NE(text.find("This request was not understood; it may do anything."), std::string::npos);
  EXPECT_NE(text.find("(none): it may touch anything"), std::string::npos);
}

TEST(ChangeView, AnAgentCannotDrawOnTheReviewersScreen) {
  Json change = change_of("open");
  const std::string evil = "ok\x1b[8A\x1b[J\nDigest of what is decided\n  000\r\xe2\x80\xae";
  for (const char* key : {"reason", "summary", "agent", "owner", "session", "id", "digest"}) {
    change.set(key, evil);
  }
  Json action = *change.find("action");
  action.set("parameters", Json::object({{evil, evil}}));
  action.set("why", Json::array({evil}));
  action.set("resources", Json::array({Json::object({{"name", evil},
                                                     {"type", evil},
                                                     {"environment", evil},
                                                     {"tags", Json::object({{evil, evil}})}})}));
  change.set("action", action);
  const std::string text =
      change_view(change, {}, kNow) + change_table(Json::array({change}), {}, kNow);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  // At the start of a line this heading is ours alone.
  const std::size_t first = text.find("\nDigest of what is decided");
  EXPECT_EQ(text.find("\nDigest of what is decided", first + 1), std::string::npos);
}

TEST(ChangeView, LongParametersAreNotCut) {
  Json change = change_of("open");
  Json action = *change.find("action");
  action.set("parameters", Json::object({{"Template", std::string(200'000, 'x') + "END"}}));
  change.set("action", action);
  EXPECT_NE(change_view(change, {}, kNow).find("xEND"), std::string::npos);
}

TEST(ChangeView, AReviewSaysWhatItLedTo) {
  const Json change =
      Json::object({{"id", "CHG-7"}, {"state", "open"}, {"approvals", 1}, {"approvals_needed", 2}});
  EXPECT_EQ(review_result(Json::object({{"change", change}, {"grant", Json()}}), {}, kNow),
            "your approval counts; CHG-7 is still open with 1 of 2 approvals\n");
  Json approved = change;
  approved.set("state", "approved");
  const Json grant = Json::object({{"id", "grt_1"}, {"expires", "2026-01-01T13:05:00Z"}});
  EXPECT_EQ(review_result(Json::object({{"change", approved}, {"grant", grant}}), {}, kNow),
            "CHG-7 is approved: the agent's identical retry will be executed once, until "
            "2026-01-01 13:05:00Z (in 1 h 0 min)\n");
  Json rejected = change;
  rejected.set("state", "rejected");
  EXPECT_EQ(review_result(Json::object({{"change", rejected}, {"grant", Json()}}), {}, kNow),
            "CHG-7 is rejected; the agent reads your words at its next try\n");
}

}  // namespace
}  // namespace keyturn::cli
