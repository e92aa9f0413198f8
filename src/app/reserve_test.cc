#include "app/reserve.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace keyturn::app {
namespace {

class Reserve : public testing::Test {
 protected:
  Reserve() : folder_(testing::TempDir() + "keyturn-reserve-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~Reserve() override { std::filesystem::remove_all(folder_); }
  const std::string folder_;
};

TEST_F(Reserve, IsSetAsideOnceAndTakesItsRoom) {
  const auto made = set_reserve_aside(folder_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(*made);
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/" + kReserveFile), kReserveBytes);
  EXPECT_FALSE(set_reserve_aside(folder_).value());
  EXPECT_TRUE(release_reserve(folder_));
  EXPECT_FALSE(release_reserve(folder_));
}

TEST_F(Reserve, AFolderThatIsAwayIsSaid) {
  const auto made = set_reserve_aside(folder_ + "/away");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("away"), std::string::npos) << made.error().message;
}

TEST_F(Reserve, DoesNotFollowALink) {
  std::filesystem::create_symlink(folder_ + "/elsewhere", folder_ + "/" + kReserveFile);
  EXPECT_FALSE(set_reserve_aside(folder_));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
}

}  // namespace
}  // namespace keyturn::app
