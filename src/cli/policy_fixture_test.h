// A folder with files, and the policy commands run over it from a command line.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "cli/policy_commands.h"

namespace keyturn::cli {

inline constexpr const char* kPhotoSchema = R"(entity Group;
entity User in [Group] = { "level": Long, "email"?: String };
entity Photo = { "owner": User, "private": Bool };
action view, edit appliesTo { principal: User, resource: Photo, context: { "mfa": Bool } };
)";

inline constexpr const char* kPhotoPolicies = R"(@id("owners")
permit (principal, action, resource) when { resource.owner == principal };
@id("friends-view")
permit (principal in Group::"friends", action == Action::"view", resource)
when { context.mfa && principal.level >= 2 }
unless { resource.private };
@id("nobody-without-mfa")
forbid (principal, action == Action::"edit", resource) unless { context.mfa };
)";

inline constexpr const char* kPhotoEntities = R"([
  {"uid": {"type": "User", "id": "alice"}, "attrs": {"level": 3}, "parents": []},
  {"uid": {"type": "User", "id": "bob"}, "attrs": {"level": 1},
   "parents": [{"type": "Group", "id": "friends"}]},
  {"uid": {"type": "Photo", "id": "sea"}, "parents": [],
   "attrs": {"owner": {"__entity": {"type": "User", "id": "alice"}}, "private": false}}
])";

class PolicyCommand : public testing::Test {
 protected:
  PolicyCommand() {
    std::string name = testing::TempDir() + "keyturn-cli-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("photo.cedarschema", kPhotoSchema);
    write("photo.cedar", kPhotoPolicies);
    write("photo.json", kPhotoEntities);
  }
  ~PolicyCommand() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
  std::string write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  std::string read(std::string_view name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  // `@name` stands for a file of the folder.
  Result<Answer> run(std::vector<std::string> words) const {
    for (std::string& word : words) {
      if (word.starts_with('@')) word = path(word.substr(1));
    }
    words.insert(words.begin(), "policy");
    const auto options = read_options(words);
    if (const Message* message = std::get_if<Message>(&options)) {
      return fail(Code::kInvalid, "usage: {}", message->text);
    }
    return answer_policy(std::get<Options>(options), Style());
  }

  // The message of the error, with file names as in the command.
  std::string error_of(const std::vector<std::string>& words) const {
    const Result<Answer> answer = run(words);
    EXPECT_FALSE(answer) << answer->text;
    if (answer) return {};
    std::string message = answer.error().message;
    for (std::size_t at = message.find(folder_); at != std::string::npos;
         at = message.find(folder_)) {
      message.replace(at, folder_.size() + 1, "@");
    }
    return message;
  }

  std::string folder_;
};

}  // namespace keyturn::cli
