#include "cedar/format.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "cedar/cedar.h"
#include "cedar/corpus.h"

namespace keyturn::cedar {
namespace {

TEST(Format, LaysOutScopesClausesAndLongConditions) {
  const Result<std::string> text = format_policies(
      "// about this\n@id( \"x\" )permit(principal is User in G::\"g\",action "
      "in[Action::\"a\"],resource)"
      "when{principal has a.b&&- 1< -2||!(context.x like\"a*\")} ; // why\n\n\n// next\n"
      "forbid(principal,action,resource)unless{principal.department == \"finance and accounting\" "
      "&& "
      "context.authenticated && resource.owner in Team::\"reviewers of production changes\"};\n// "
      "end");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, R"(// about this
@id("x")
permit (principal is User in G::"g", action in [Action::"a"], resource)
when { principal has a.b && -1 < -2 || !(context.x like "a*") }; // why

// next
forbid (principal, action, resource)
unless {
  principal.department == "finance and accounting" &&
  context.authenticated &&
  resource.owner in Team::"reviewers of production changes"
};

// end
)");
}

TEST(Format, ChangesNoPolicyOfTheCorpusAndNothingTwice) {
  namespace fs = std::filesystem;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(KEYTURN_CEDAR_DATA "/corpus")) {
    if (entry.path().extension() != ".cedar" || ++count % 4 != 0) continue;
    const Result<std::string> text = read_corpus_file(entry.path().string());
    ASSERT_TRUE(text);
    const Result<std::string> formatted = format_policies(*text);
    ASSERT_TRUE(formatted) << *text;
    const Result<PolicySet> before = PolicySet::parse(*text);
    const Result<PolicySet> after = PolicySet::parse(*formatted);
    ASSERT_TRUE(after) << *formatted << "\n" << after.error().message;
    EXPECT_EQ(before->print(), after->print());
    EXPECT_EQ(*format_policies(*formatted), *formatted) << *text;
  }
  EXPECT_EQ(count, 3957U);
}

TEST(Format, KeepsAPolicyWithACommentInsideAsItIs) {
  const std::string text = "permit(principal, action, resource) // here\nwhen { true };\n";
  EXPECT_EQ(*format_policies(text), text);
}

}  // namespace
}  // namespace keyturn::cedar
