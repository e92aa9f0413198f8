#include "cli/story.h"

namespace keyturn::cli {
namespace {

std::string story(std::string_view kind, const Json& body) {
  const Json content = Json::object({{"body", body}, {"index", 7}, {"kind", kind}});
  const Json entry = Json::object({{"index", 7},
                                   {"time", "2026-11-23T05:47:17.123456Z"},
                                   {"kind", kind},
                                   {"text", to_text(content)}});
  return story_of(entry, {});
}

std::string start(std::string_view what) {
  return fmt::format("    7  2026-11-23 05:47:17Z  {:<20}  ", what);
}

Json action() {
  const Json stack = Json::object(
      {{"name",
        "arn:aws-cn:cloudformation:cn-northwest-1:123456789012:stack/cost-explorer-prod/"
        "2ea1d3c0-1111-2222-3333-444455556666"},
       {"tier", "production"}});
  const Json table =
      Json::object({{"name", "arn:aws:dynamodb:eu-west-1:1:table/rates"}, {"tier", "development"}});
  return Json::object({{"service", "cloudformation"},
                       {"operation", "DeleteStack"},
                       {"resources", Json::array({table, stack})}});
}

Json decision(std::string_view verdict) {
  return Json::object({{"verdict", verdict},
                       {"facts", Json::object({{"agent", "kiro"}})},
                       {"policies", Json::array({"destroy-production"})},
                       {"action", action()}});
}

constexpr std::string_view kRest =
    "kiro: cloudformation:DeleteStack on cost-explorer-prod and 1 more (production); by "
    "destroy-production\n";

TEST(Story, TellsWhatWasDecided) {
  EXPECT_EQ(story("action.decided", decision("allow")), start("allowed") + std::string(kRest));
  EXPECT_EQ(story("action.decided", decision("deny")), start("denied") + std::string(kRest));
  Json held = decision("hold");
  held.set("change", "CHG-1");
  EXPECT_EQ(story("action.decided", held), start("held as CHG-1") + std::string(kRest));
}

TEST(Story, TellsHowItEnded) {
  EXPECT_EQ(story("action.outcome",
                  Json::object({{"decided", 6}, {"outcome", "answered"}, {"status", 200}})),
            start("  answered 200") + "of #6\n");
  EXPECT_EQ(story("action.outcome", Json::object({{"decided", 6},
                                                  {"outcome", "unknown"},
                                                  {"detail", "the connection broke"}})),
            start("outcome unknown") + "sent, outcome unknown: #6; the connection broke\n");
}

TEST(Story, TellsWhoReviewedAndWhy) {
  EXPECT_EQ(story("review.given", Json::object({{"change", "CHG-1"},
                                                {"person", "bob"},
                                                {"answer", "reject"},
                                                {"words", "use an update"}})),
            start("rejected") + "CHG-1 by bob “use an update”\n");
  EXPECT_EQ(story("grant.issued",
                  Json::object({{"change", "CHG-1"}, {"expires", "2026-11-23T06:47:17.123456Z"}})),
            start("grant issued") + "CHG-1 may execute once, until 2026-11-23 06:47:17Z\n");
}

TEST(Story, TellsOfAccountsAndSessions) {
  EXPECT_EQ(story("person.created",
                  Json::object({{"person", "bob"}, {"role", "member"}, {"by", "root"}})),
            start("person created") + "bob, member, by root\n");
  EXPECT_EQ(
      story("agent.created", Json::object({{"agent", "kiro"}, {"owner", "alice"}, {"by", "root"}})),
      start("agent created") + "kiro, owned by alice, by root\n");
  EXPECT_EQ(story("session.started", Json::object({{"session", "ses_1"},
                                                   {"agent", "kiro"},
                                                   {"starter", "alice"},
                                                   {"purpose", "fix"}})),
            start("session started") + "ses_1: kiro for alice “fix”\n");
}

TEST(Story, AKindOfALaterVersionIsShownAsItIs) {
  EXPECT_EQ(story("freeze.begun", Json::object({{"scope", "all"}, {"hours", 2}})),
            start("freeze.begun") + "scope all, hours 2\n");
  EXPECT_EQ(story("freeze.begun", Json::array({1})), start("freeze.begun") + "\n");
}

TEST(Story, HostileEntriesStayOnOneLineWithoutEscapes) {
  const std::string evil = "x\x1b[2J\n\r\xe2\x80\xae y";
  for (const char* kind :
       {"action.decided", "action.outcome", "action.refused", "review.given", "change.opened",
        "change.void", "grant.issued", "grant.void", "policy.loaded", "person.created",
        "agent.suspended", "session.started", "session.ended", "unheard.of"}) {
    Json body{Json::Object()};
    for (const char* key :
         {"verdict", "change",  "outcome", "detail",  "status", "code",          "person",
          "words",   "answer",  "purpose", "agent",   "owner",  "role",          "by",
          "session", "starter", "summary", "expires", "why",    "policy_digest", "policies"}) {
      body.set(key, evil);
    }
    body.set("facts", Json::object({{"agent", evil}}));
    body.set("action",
             Json::object({{"service", evil},
                           {"operation", evil},
                           {"resources", Json::array({Json::object({{"name", evil}})})}}));
    const std::string text = story(kind, body);
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << kind;
    EXPECT_EQ(text.find('\r'), std::string::npos) << kind;
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << kind;
    EXPECT_EQ(text.find('\n'), text.size() - 1) << kind;
  }
}

TEST(Story, ANarrowTerminalCutsTheLine) {
  const Json entry =
      Json::object({{"index", 7},
                    {"time", "2026-11-23T05:47:17.123456Z"},
                    {"kind", "x"},
                    {"text", R"({"body":{"a":"0123456789012345678901234567890"}})"}});
  const std::string text = story_of(entry, {.colored = false, .columns = 80});
  EXPECT_EQ(width(text), 81U) << "with its line feed";
}

}  // namespace
}  // namespace keyturn::cli
