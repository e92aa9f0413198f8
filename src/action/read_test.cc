#include <gtest/gtest.h>

#include <random>

#include "action/action.h"

namespace keyturn {
namespace {

// Any text: also bytes that are no UTF-8, control characters and what JSON escapes.
std::string any_text(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 8> kPieces = {
      "prod", "\"", "\\xff", "\xff", std::string_view("\0", 1), "ä€", "*", "\n"};
  std::string text;
  for (std::uint64_t left = random() % 4; left > 0; --left) {
    text += kPieces[random() % kPieces.size()];
  }
  return text;
}

Action any_action(std::mt19937_64& random) {
  Action action;
  action.door = any_text(random);
  action.service = any_text(random);
  action.operation = any_text(random);
  action.access_level = any_text(random);
  action.effect = static_cast<Effect>(random() % 5);
  action.understood = random() % 2 == 0;
  action.account = any_text(random);
  action.region = any_text(random);
  action.parameters = Json::object(
      {{"a", recorded_text(any_text(random))}, {"n", Json::Number{"12345678901234567890"}}});
  if (random() % 2 == 0) action.attributes = Json::object({{"dry_run", true}});
  for (std::uint64_t left = random() % 3; left > 0; --left) {
    action.iam_actions.push_back(any_text(random));
    action.why.push_back(any_text(random));
    Resource resource;
    resource.name = any_text(random);
    resource.type = any_text(random);
    resource.account = any_text(random);
    resource.region = any_text(random);
    resource.environment = any_text(random);
    resource.tier = static_cast<Tier>(random() % 3);
    resource.tags = {{any_text(random), any_text(random)}, {any_text(random), any_text(random)}};
    action.resources.push_back(std::move(resource));
  }
  return action;
}

TEST(ReadAction, GivesBackWhatWasRecorded) {
  std::mt19937_64 random{11};
  for (int round = 0; round < 2'000; ++round) {
    const Action action = any_action(random);
    const std::string text = to_canonical(to_json(action));
    const auto read = read_action(*parse_strict(text));
    ASSERT_TRUE(read) << read.error().message << "\n" << text;
    EXPECT_EQ(to_canonical(to_json(*read)), text);
  }
}

TEST(ReadAction, NamesWhatIsMissingOrOfTheWrongKind) {
  std::mt19937_64 random{12};
  const Json whole = to_json(any_action(random));
  for (const Json::Member& member : *whole.if_object()) {
    const std::string& key = member.first;
    if (key == "why") continue;  // for people only
    Json::Object less = *whole.if_object();
    std::erase_if(less, [&key](const Json::Member& other) { return other.first == key; });
    const auto read = read_action(Json(less));
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().code, Code::kCorrupt);
    EXPECT_NE(read.error().message.find(key), std::string::npos) << read.error().message;
    if (key == "parameters" || key == "attributes") continue;  // of any kind
    Json wrong = whole;
    wrong.set(key, 7);
    EXPECT_FALSE(read_action(wrong)) << key;
  }
  EXPECT_FALSE(read_action(Json("text")));
}

}  // namespace
}  // namespace keyturn
