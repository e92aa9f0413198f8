#include "cli/screen.h"

namespace keyturn::cli {
namespace {

TEST(Screen, HostileTextReachesNoTerminal) {
  const Json value = Json::object({{"a",
                                    "\x1b[2J\x1b]0;owned\x07 \xe2\x80\xae"
                                    "evil\n\r"}});
  const std::string text = safe(value, "a");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_NE(text.find("evil"), std::string::npos);
}

TEST(Screen, LinesOfAgentTextStayIndentedAndWhole) {
  const std::string text = safe_lines("one\n\x1b[31mtwo\n" + std::string(10'000, 'x'), 2);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text.starts_with("  one\n  "));
  EXPECT_NE(text.find(std::string(10'000, 'x')), std::string::npos) << "reviewers see everything";
}

TEST(Screen, ColumnsLineUp) {
  const std::string text =
      table({"ID", "WHAT"}, {{{"a"}, {"first"}}, {{"lönger"}, {"second"}}}, {});
  EXPECT_EQ(text, "ID      WHAT\na       first\nlönger  second\n");
}

TEST(Screen, TheLastColumnIsCutAtTheEdge) {
  const Style narrow{.colored = false, .columns = 12};
  EXPECT_EQ(table({"ID", "WHAT"}, {{{"a"}, {"a long sentence"}}}, narrow),
            "ID  WHAT\na   a long …\n");
}

TEST(Screen, ColorsAreOnlyForTerminals) {
  EXPECT_EQ((Style{}.paint(Ink::kRed, "x")), "x");
  EXPECT_EQ((Style{.colored = true}.paint(Ink::kRed, "x")), "\x1b[1;31mx\x1b[0m");
}

TEST(Screen, TimesAreToldFromNow) {
  const Time now = *parse_time("2026-01-01T12:00:00Z");
  EXPECT_EQ(ago("2026-01-01T11:57:00Z", now), "3 min 0 s ago");
  EXPECT_EQ(ago("2026-01-01T14:00:00Z", now), "in 2 h 0 min");
  EXPECT_EQ(ago("2026-01-01T12:00:00Z", now), "now");
  EXPECT_EQ(ago("nonsense", now), "nonsense");
}

}  // namespace
}  // namespace keyturn::cli
