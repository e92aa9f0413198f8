#include "vault/process.h"

#include <gtest/gtest.h>

namespace keyturn::vault {
namespace {

using Words = std::vector<std::string>;

TEST(SplitCommand, FollowsTheQuotesOfAShell) {
  const struct {
    std::string_view line;
    Words words;
  } kCases[] = {
      {"a b  c", {"a", "b", "c"}},
      {"a 'b c' d", {"a", "b c", "d"}},
      {"a \"b \\\"c\\\\ \\d\" e", {"a", "b \"c\\ \\d", "e"}},
      {"a\\ b c", {"a b", "c"}},
      {"a '' \"\"", {"a", "", ""}},
      {"x'y'\"z\"", {"xyz"}},
      {"'$(x)' `y` $HOME ;", {"$(x)", "`y`", "$HOME", ";"}},
  };
  for (const auto& c : kCases) {
    const auto words = split_command(c.line);
    ASSERT_TRUE(words) << c.line;
    EXPECT_EQ(*words, c.words) << c.line;
  }
}

TEST(SplitCommand, RefusesWhatHasNoOneMeaning) {
  for (const std::string_view line : {"", "   ", "a 'b", "a \"b", "a \\", "'' x"}) {
    EXPECT_FALSE(split_command(line)) << line;
  }
  EXPECT_FALSE(split_command(std::string("a\0b", 3)));
  EXPECT_FALSE(split_command(std::string(10'000, 'a')));
}

TEST(RunProcess, ReturnsStandardOutputAndNothingElse) {
  const SystemClock clock;
  const auto output =
      run_process({"sh", "-c", "echo out; echo err >&2; cat"}, ProcessLimits{}, clock);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "out\n");
}

TEST(RunProcess, InheritsNoDescriptors) {
  const SystemClock clock;
  const auto output = run_process({"sh", "-c", "ls /proc/self/fd | wc -l"}, ProcessLimits{}, clock);
  ASSERT_TRUE(output) << output.error().message;
  // Standard streams and the one that `ls` reads the folder with.
  EXPECT_EQ(std::stoi(*output), 4);
}

TEST(RunProcess, EndsAProgramThatHangsWithItsChildren) {
  const SystemClock clock;
  const ProcessLimits limits{.timeout = std::chrono::milliseconds(200)};
  for (const char* script : {"sleep 60 & wait", "exec >&-; sleep 60"}) {
    const Instant start = clock.monotonic();
    const auto output = run_process({"sh", "-c", script}, limits, clock);
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().code, Code::kTimeout);
    EXPECT_LT(clock.monotonic() - start, std::chrono::seconds(20));
  }
}

TEST(RunProcess, NamesAProgramThatIsNotThere) {
  const SystemClock clock;
  const auto output = run_process({"/nonexistent/program"}, ProcessLimits{}, clock);
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message.find("/nonexistent/program"), std::string::npos);
}

}  // namespace
}  // namespace keyturn::vault
