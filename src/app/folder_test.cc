#include "app/folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace keyturn::app {
namespace {

class Folder : public testing::Test {
 protected:
  Folder() : path_(testing::TempDir() + "keyturn-folder-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~Folder() override { std::filesystem::remove_all(path_); }
  static unsigned mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777U;
  }
  std::string key() const { return path_ + "/sealing.key"; }

  const std::string path_;
  SeededRandom random_{1};
};

TEST_F(Folder, IsPrivate) {
  ASSERT_TRUE(create_folder(path_));
  EXPECT_EQ(mode_of(path_), 0700U);
  EXPECT_TRUE(create_folder(path_)) << "an existing one is fine";
}

TEST_F(Folder, ThatOthersMayWriteIsRefused) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_EQ(::chmod(path_.c_str(), 0777), 0);
  EXPECT_EQ(create_folder(path_).error().code, Code::kDenied);
}

TEST_F(Folder, CannotBeAFile) {
  std::ofstream(path_) << "x";
  EXPECT_EQ(create_folder(path_).error().message,
            "the data folder `" + path_ + "` exists and is no folder");
}

TEST_F(Folder, TheSealingKeyIsReadBackByItsOwnerAlone) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_FALSE(has_sealing_key(path_));
  ASSERT_TRUE(create_sealing_key(path_, random_));
  EXPECT_TRUE(has_sealing_key(path_));
  EXPECT_EQ(mode_of(key()), 0600U);
  const auto first = read_sealing_key({path_, ""});
  const auto second = read_sealing_key({path_, ""});
  ASSERT_TRUE(first);
  EXPECT_EQ(second->open(first->seal("x", "label", random_), "label")->view(), "x");
}

TEST_F(Folder, ASealingKeyIsNeverReplaced) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_TRUE(create_sealing_key(path_, random_));
  EXPECT_EQ(create_sealing_key(path_, random_).error().code, Code::kConflict);
}

TEST_F(Folder, ASealingKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_TRUE(create_sealing_key(path_, random_));
  for (const mode_t mode : {0640, 0604, 0660}) {
    ASSERT_EQ(::chmod(key().c_str(), mode), 0);
    const auto refused = read_sealing_key({path_, ""});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kDenied);
    EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST_F(Folder, AMissingOrBrokenSealingKeyIsSaid) {
  ASSERT_TRUE(create_folder(path_));
  EXPECT_EQ(read_sealing_key({path_, ""}).error().message,
            "no sealing key at `" + key() + "`; run `keyturn init` first");
  for (const char* text : {"", "short", "zz"}) {
    std::ofstream(key()) << text;
    ASSERT_EQ(::chmod(key().c_str(), 0600), 0);
    EXPECT_EQ(read_sealing_key({path_, ""}).error().code, Code::kCorrupt) << text;
  }
  std::ofstream(key()) << std::string(65, 'a');
  EXPECT_EQ(read_sealing_key({path_, ""}).error().code, Code::kCorrupt);
}

TEST_F(Folder, ASymbolicLinkIsNoSealingKey) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_EQ(::symlink("/etc/hostname", key().c_str()), 0);
  EXPECT_FALSE(read_sealing_key({path_, ""}));
}

TEST_F(Folder, TheServiceManagersCredentialWins) {
  ASSERT_TRUE(create_folder(path_));
  ASSERT_TRUE(create_sealing_key(path_, random_));
  const std::string credentials = path_ + "/credentials";
  ASSERT_TRUE(create_folder(credentials));
  std::ofstream(credentials + "/keyturn-sealing-key") << std::string(64, 'a') << "\n";
  const auto own = read_sealing_key({path_, ""});
  const auto given = read_sealing_key({path_, credentials});
  ASSERT_TRUE(own);
  ASSERT_TRUE(given);
  EXPECT_FALSE(given->open(own->seal("x", "l", random_), "l")) << "it is another key";
  EXPECT_TRUE(read_sealing_key({path_, "/does/not/exist"})) << "without one, the file serves";
}

}  // namespace
}  // namespace keyturn::app
