// The default pack, against its decision cases: policies/cases/*.json are data.
#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

Action action_of_case(const Json& json) {
  Action action;
  action.door = "aws";
  action.service = json.string_or("service", "");
  action.operation = json.string_or("operation", "");
  action.effect = parse_effect(json.get_string("effect").value()).value();
  action.understood = json.get_bool("understood").value();
  for (const Json& tier : *json.find("tiers")->if_array()) {
    Resource resource;
    resource.name = fmt::format("arn:aws:thing/{}", action.resources.size());
    resource.tier = parse_tier(*tier.if_string()).value();
    action.resources.push_back(resource);
  }
  return action;
}

TEST(DefaultPack, DecidesItsCasesAsWritten) {
  const auto policies = load(pack_files());
  ASSERT_NE(policies, nullptr);
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(pack_folder() / "cases")) {
    const Json file = parse_strict(read_text(entry.path())).value();
    for (const Json& item : *file.find("cases")->if_array()) {
      SCOPED_TRACE(file.string_or("about", "") + " " + item.string_or("name", ""));
      Facts facts{AgentId("kiro"), PersonId("alice"), "test", 0};
      facts.approvals = static_cast<int>(item.get_integer("approvals").value());
      const auto judged = judge(*policies, action_of_case(*item.find("action")), facts,
                                static_cast<int>(item.get_integer("reviewers").value()));
      ASSERT_TRUE(judged) << judged.error().message;
      EXPECT_EQ(to_string(judged->kind), item.get_string("verdict").value());
      EXPECT_EQ(judged->approvals_needed, item.get_integer("approvals_needed").value());
      EXPECT_TRUE(judged->errors.empty());
      ++count;
    }
  }
  EXPECT_GE(count, 27);
}

TEST(DefaultPack, NamesEveryPolicy) {
  const auto policies = load(pack_files());
  ASSERT_EQ(policies->size(), 9U);
  for (const std::string& id : policies->set().ids()) {
    EXPECT_EQ(policies->name(id).find('#'), std::string::npos) << policies->name(id);
  }
}

}  // namespace
}  // namespace keyturn::gate
