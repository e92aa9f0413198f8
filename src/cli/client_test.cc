#include "cli/client.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace keyturn::cli {
namespace {

Environment environment_of(const std::map<std::string, std::string>& variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

class TokenFile : public testing::Test {
 protected:
  TokenFile() : home_(testing::TempDir() + "keyturn-token-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(home_ + "/.config/keyturn");
  }
  ~TokenFile() override { std::filesystem::remove_all(home_); }
  void write(const std::string& text, mode_t mode) const {
    std::ofstream(path()) << text;
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
  }
  std::string path() const { return home_ + "/.config/keyturn/token"; }
  const std::string home_;
};

TEST_F(TokenFile, TheVariableWins) {
  write("ktp_file\n", 0600);
  EXPECT_EQ(*find_token(environment_of({{"HOME", home_}, {"KEYTURN_TOKEN", "ktp_variable"}})),
            "ktp_variable");
  EXPECT_EQ(*find_token(environment_of({{"HOME", home_}})), "ktp_file");
}

TEST_F(TokenFile, AFileThatOthersMayReadIsRefused) {
  write("ktp_file\n", 0644);
  const auto token = find_token(environment_of({{"HOME", home_}}));
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, Code::kDenied);
  EXPECT_NE(token.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(TokenFile, NoTokenSaysWhereToPutIt) {
  const auto token = find_token(environment_of({{"HOME", home_}}));
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().message,
            "no token: set KEYTURN_TOKEN, or put your token into " + path() + " with mode 600");
}

TEST_F(TokenFile, ATokenCannotSmuggleAHeader) {
  for (const char* token : {"", "ktp_a\r\nx: y", "ktp a", "ktp_\x7f"}) {
    EXPECT_FALSE(find_token(environment_of({{"KEYTURN_TOKEN", token}}))) << token;
  }
}

TEST_F(TokenFile, ABadUrlIsRefusedBeforeAnythingIsSent) {
  for (const char* url : {"ftp://x", "nonsense", "http://x:99999", "http://x/path"}) {
    EXPECT_FALSE(Client::create(url, environment_of({{"KEYTURN_TOKEN", "ktp_x"}}))) << url;
  }
}

TEST_F(TokenFile, AServerThatIsNotThereIsSaidWithTheRemedy) {
  const auto client =
      Client::create("http://127.0.0.1:1", environment_of({{"KEYTURN_TOKEN", "t"}}));
  ASSERT_TRUE(client);
  const auto answer = client->get("/v1/whoami");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_TRUE(answer.error().message.starts_with("no Keyturn server at http://127.0.0.1:1 ("))
      << answer.error().message;
}

}  // namespace
}  // namespace keyturn::cli
