#include <gtest/gtest.h>

#include <fstream>

#include "api/test_world.h"
#include "ledger/log_folder.h"

namespace keyturn::api {
namespace {

class LedgerFilesTest : public testing::Test {
 protected:
  LedgerFilesTest() {
    ledger::LogFolder files(world_.folder + "/ledger");
    for (const char* name : {"checkpoint", "tile/0/000.p/3", "tile/entries/x001/000"}) {
      EXPECT_TRUE(files.write(name, name));
    }
    std::ofstream(world_.folder + "/ledger/secret") << "secret";
  }
  std::string cache_of(const World::Asked& asked) const {
    return std::string(asked.headers.find("cache-control").value_or(""));
  }
  World world_;
};

TEST_F(LedgerFilesTest, HashesAndCheckpointsAreForEveryone) {
  const auto checkpoint = world_.ask("GET", "/ledger/checkpoint");
  EXPECT_EQ(checkpoint.status, 200);
  EXPECT_EQ(checkpoint.text, "checkpoint");
  EXPECT_EQ(cache_of(checkpoint), "no-cache");
  EXPECT_EQ(checkpoint.headers.find("content-type"), "text/plain; charset=utf-8");
  const auto tile = world_.ask("GET", "/ledger/tile/0/000.p/3");
  EXPECT_EQ(tile.status, 200);
  EXPECT_EQ(cache_of(tile), "public, max-age=31536000, immutable");
  EXPECT_EQ(tile.headers.find("content-type"), "application/octet-stream");
}

TEST_F(LedgerFilesTest, EntriesAreForPersons) {
  const std::string path = "/ledger/tile/entries/x001/000";
  EXPECT_EQ(world_.ask("GET", path).status, 401);
  const auto asked = world_.get(path, "root");
  EXPECT_EQ(asked.status, 200);
  EXPECT_EQ(asked.text, "tile/entries/x001/000");
  EXPECT_EQ(cache_of(asked), "private, max-age=31536000, immutable");
}

TEST_F(LedgerFilesTest, NothingElseOfTheDiskIsReached) {
  for (const std::string path :
       {"/ledger/", "/ledger/secret", "/ledger/../keyturn.db", "/ledger/tile/0/../../secret",
        "/ledger/tile/0/000", "/ledger/tile/0/000.p/4", "/ledger//checkpoint",
        "/ledger/%63heckpoint", "/ledger/tile/0/../entries/x001/000", "/ledger/tile/0/x000/000",
        "/ledger/tile/%65ntries/x001/000", "/ledger/./tile/entries/x001/000",
        "/ledger//tile/entries/x001/000", "/ledger/tile//entries/x001/000",
        "/ledger/checkpoint.new", "/ledger/tile/entries/../../secret"}) {
    for (const std::string person : {"", "root"}) {
      const auto asked = world_.ask("GET", path, person);
      EXPECT_TRUE(asked.status == 404 || asked.status == 401 || asked.status == 400)
          << path << " " << asked.status;
      EXPECT_EQ(asked.text.find("secret\n"), std::string::npos);
      EXPECT_EQ(cache_of(asked), "no-store") << path;
    }
  }
}

TEST_F(LedgerFilesTest, OnlyGetAndOnlyWithoutAQuery) {
  EXPECT_EQ(world_.ask("POST", "/ledger/checkpoint", "root", "{}").status, 405);
  EXPECT_EQ(world_.ask("DELETE", "/ledger/checkpoint", "root").status, 405);
  EXPECT_EQ(world_.ask("GET", "/ledger/checkpoint?x=1").status, 400);
}

}  // namespace
}  // namespace keyturn::api
