#include "vault/profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"

namespace keyturn::vault {
namespace {

class Profile : public testing::Test {
 protected:
  void SetUp() override {
    SystemRandom random;
    folder_ = std::filesystem::temp_directory_path() / make_folder_name(random);
    std::filesystem::create_directories(folder_);
    place_ = {.credentials_file = folder_ / "credentials",
              .config_file = folder_ / "config",
              .profile = "default"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string make_folder_name(Random& random) {
    return "keyturn-profile-" + random.token(12, "abcdefghijklmnop");
  }
  void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  std::string program(std::string_view text) {
    const std::string path = folder_ / "program";
    write(path, text);
    ::chmod(path.c_str(), 0700);
    return path;
  }
  Result<Credentials> read() { return read_profile(place_, ProcessLimits{}, clock_); }

  std::filesystem::path folder_;
  ProfilePlace place_;
  SystemClock clock_;
};

TEST_F(Profile, ReadsStaticKeysOfTheCredentialsFile) {
  write(place_.credentials_file,
        "# mine\r\n[default]\r\naws_access_key_id = AKIDEXAMPLE\r\n"
        "aws_secret_access_key=abc/def+ghi=\r\naws_session_token =  tok\r\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(found->secret_access_key.view(), "abc/def+ghi=");
  EXPECT_EQ(found->session_token.view(), "tok");
  EXPECT_FALSE(found->expiry);
}

TEST_F(Profile, ReadsANamedProfileOfTheConfigFileAndSkipsNestedSettings) {
  write(place_.config_file,
        "[profile prod]\nregion = cn-northwest-1\ns3 =\n  max_concurrent_requests = 20\n"
        "  aws_secret_access_key = nested\naws_access_key_id = AK\naws_secret_access_key = top\n");
  place_.profile = "prod";
  const auto found = read();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->secret_access_key.view(), "top");
}

TEST_F(Profile, PrefersTheCredentialsFileOverTheConfigFile) {
  write(place_.credentials_file, "[default]\naws_access_key_id=A\naws_secret_access_key=first\n");
  write(place_.config_file, "[default]\naws_access_key_id=B\naws_secret_access_key=second\n");
  const auto found = read();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key.view(), "first");
}

TEST_F(Profile, RunsCredentialProcessWithoutAShell) {
  const std::string path = program(
      "#!/bin/sh\n[ \"$1\" = 'a b;$(touch owned)' ] || exit 3\n"
      "printf '{\"Version\":1,\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s3cr3t\","
      "\"SessionToken\":\"tkn\",\"Expiration\":\"2030-01-02T03:04:05Z\"}'\n");
  write(place_.config_file,
        "[default]\ncredential_process = " + path + " \"a b;$(touch owned)\"\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "ASIAX");
  EXPECT_EQ(found->session_token.view(), "tkn");
  EXPECT_EQ(format_time(*found->expiry), "2030-01-02T03:04:05.000000Z");
}

TEST_F(Profile, NamesTheFaultOfCredentialProcessAndNeverItsOutput) {
  const struct {
    std::string_view script;
    std::string_view expected;
  } kCases[] = {
      {"#!/bin/sh\necho hunter2; exit 7\n", "status 7"},
      {"#!/bin/sh\necho hunter2\n", "no JSON of version 1"},
      {"#!/bin/sh\necho '{\"Version\":2,\"AccessKeyId\":\"hunter2\"}'\n", "version 1"},
      {"#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"hunter2\"}'\n", "SecretAccessKey"},
      {"#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\","
       "\"Expiration\":\"hunter2\"}'\n",
       "Expiration"},
      {"#!/bin/sh\n"
       "printf %s '{\"Version\":1,\"AccessKeyId\":\"A B\",\"SecretAccessKey\":\"hunter2\"}'\n",
       "access key id"},
      {"#!/bin/sh\nyes hunter2 | head -c 200000\n", "more than 65536 bytes"},
      {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
  };
  for (const auto& c : kCases) {
    write(place_.config_file, "[default]\ncredential_process = " + program(c.script) + "\n");
    const auto found = read();
    ASSERT_FALSE(found) << c.script;
    EXPECT_NE(found.error().message.find(c.expected), std::string::npos) << found.error().message;
    EXPECT_EQ(found.error().message.find("hunter2"), std::string::npos) << found.error().message;
  }
}

TEST_F(Profile, SaysWhatToDoAboutProfilesThatNeedMore) {
  write(place_.config_file, "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n");
  const auto found = read();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("export-credentials"), std::string::npos);
}

TEST_F(Profile, IsNotFoundWhenNoFileNamesIt) {
  const auto found = read();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kNotFound);
}

TEST_F(Profile, RefusesAFileWithoutEnd) {
  place_.config_file = "/dev/zero";
  const auto found = read();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kExhausted);
}

TEST(ProfileText, RefusesWhatClientsReadDifferently) {
  for (const std::string_view text : {"[a]\nk=1\nk=2\n", "[a]\n[a]\n", "[a\nk=1\n", "k=1\n",
                                      "[a]\nhunter2\n", "[a]\nK=1\nk=2\n"}) {
    const auto parsed = parse_profiles(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("line "), std::string::npos);
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
  }
}

TEST(ProfilePlaces, FollowTheEnvironmentAndTheConfiguredProfileWins) {
  const Environment environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "AWS_PROFILE") return "from-env";
    if (name == "AWS_CONFIG_FILE") return "/etc/aws";
    return std::nullopt;
  };
  const auto place = find_place(environment, "/home/k", "default");
  EXPECT_EQ(place.profile, "from-env");
  EXPECT_EQ(place.config_file, "/etc/aws");
  EXPECT_EQ(place.credentials_file, "/home/k/.aws/credentials");
  EXPECT_EQ(find_place(environment, "/home/k", "mine").profile, "mine");
}

}  // namespace
}  // namespace keyturn::vault
