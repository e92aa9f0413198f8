// The default pack, against its decision cases: policies/cases/*.json are data.
#include "gate/cases.h"
#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

TEST(DefaultPack, DecidesItsCasesAsWrittenAndEveryPolicyDecidesOne) {
  const auto policies = load(pack_files());
  ASSERT_NE(policies, nullptr);
  int count = 0;
  std::set<std::string> exercised;
  for (const auto& entry : std::filesystem::directory_iterator(pack_folder() / "cases")) {
    const auto cases = read_cases(read_text(entry.path()), entry.path().filename().string());
    ASSERT_TRUE(cases) << cases.error().message;
    for (const Case& item : *cases) {
      const CaseResult result = run_case(*policies, item);
      EXPECT_TRUE(result.passed())
          << item.name << ": expected " << result.expected << ", got " << result.actual;
      exercised.insert(result.reasons.begin(), result.reasons.end());
      ++count;
    }
  }
  EXPECT_GE(count, 27);
  EXPECT_EQ(find_unexercised(*policies, exercised), std::vector<std::string>{});
}

TEST(DefaultPack, NamesEveryPolicy) {
  const auto policies = load(pack_files());
  ASSERT_EQ(policies->size(), 12U);
  for (const std::string& id : policies->set().ids()) {
    EXPECT_EQ(policies->name(id).find('#'), std::string::npos) << policies->name(id);
  }
}

}  // namespace
}  // namespace keyturn::gate
