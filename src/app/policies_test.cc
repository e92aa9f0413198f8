#include "app/policies.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace keyturn::app {
namespace {

class PolicyFolder : public testing::Test {
 protected:
  PolicyFolder() : path_(testing::TempDir() + "keyturn-policies-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~PolicyFolder() override { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }
  const std::string path_;
};

TEST_F(PolicyFolder, TheBuiltInPackIsTheOneInTheTreeAndLoads) {
  const PolicyPack built_in = embedded_policies();
  const auto in_tree = read_policies(KEYTURN_SOURCE_DIR "/policies");
  ASSERT_TRUE(in_tree) << in_tree.error().message;
  ASSERT_EQ(built_in.files.size(), in_tree->files.size());
  for (std::size_t i = 0; i < built_in.files.size(); ++i) {
    EXPECT_EQ(built_in.files[i].name, in_tree->files[i].name);
    EXPECT_EQ(built_in.files[i].text, in_tree->files[i].text);
  }
  EXPECT_EQ(built_in.schema.text, in_tree->schema.text);
  const auto loaded = load_policies("");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ((*loaded)->digest(), (*load_policies(KEYTURN_SOURCE_DIR "/policies"))->digest());
}

TEST_F(PolicyFolder, FilesAreReadInTheOrderOfTheirNames) {
  write("20-b.cedar", "forbid (principal, action, resource);");
  write("10-a.cedar", "permit (principal, action, resource);");
  write("notes.txt", "not a policy");
  const auto pack = read_policies(path_);
  ASSERT_TRUE(pack);
  ASSERT_EQ(pack->files.size(), 2U);
  EXPECT_EQ(pack->files[0].name, "10-a.cedar");
  EXPECT_EQ(pack->files[1].text, "forbid (principal, action, resource);");
  EXPECT_EQ(pack->schema.text, embedded_policies().schema.text) << "the built-in schema serves";
}

TEST_F(PolicyFolder, AnEmptyOrMissingFolderIsRefused) {
  EXPECT_EQ(load_policies(path_).error().message,
            "the policy folder `" + path_ +
                "` has no *.cedar file, and without policies everything would be denied");
  EXPECT_EQ(load_policies("/does/not/exist").error().code, Code::kNotFound);
  write("later.cedar", "// nothing yet\n");
  EXPECT_EQ(load_policies(path_).error().message,
            "the policy folder `" + path_ +
                "` holds no policy, and without policies everything would be denied");
}

TEST_F(PolicyFolder, AFaultNamesFileAndLine) {
  write("bad.cedar", "permit (principal, action, resource)\nwhen { context.nonsense };\n");
  const auto loaded = load_policies(path_);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("bad.cedar:1:1"), std::string::npos)
      << loaded.error().message;
  EXPECT_NE(loaded.error().message.find("line 2"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace keyturn::app
