#include "ledger/tiles.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "ledger/ledger.h"
#include "ledger/sample_log_test.h"

namespace keyturn::ledger {
namespace {

using Content = TileId::Content;

TileId hashes(unsigned level, std::uint64_t number, std::uint64_t width = kTileWidth) {
  return {Content::kHashes, level, number, width};
}
TileId entries(std::uint64_t number, std::uint64_t width = kTileWidth) {
  return {Content::kEntries, 0, number, width};
}

TEST(TileId, HasThePathOfTheSpecification) {
  const std::pair<TileId, const char*> cases[] = {
      {hashes(0, 5), "tile/0/005"},
      {hashes(0, 0, 5), "tile/0/000.p/5"},
      {hashes(1, 1'234'067), "tile/1/x001/x234/067"},
      {hashes(2, 1'000, 255), "tile/2/x001/000.p/255"},
      {hashes(63, 999), "tile/63/999"},
      {entries(0, 5), "tile/entries/000.p/5"},
      {entries(UINT64_MAX), "tile/entries/x018/x446/x744/x073/x709/x551/615"},
  };
  for (const auto& [id, path] : cases) {
    EXPECT_EQ(id.path(), path);
    EXPECT_EQ(TileId::parse(path).value(), id);
  }
}

TEST(TileId, HasNoOtherSpelling) {
  for (const char* bad : {"",
                          "tile",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "tile/0/5",
                          "tile/0/05",
                          "tile/0/0005",
                          "tile/00/005",
                          "tile/64/005",
                          "tile/-1/005",
                          "tile/0/x000/005",
                          "tile/0/001/005",
                          "tile/0/x1/005",
                          "tile/0/x001/x005",
                          "tile/0/005/",
                          "tile/0/005.p",
                          "tile/0/005.p/",
                          "tile/0/005.p/0",
                          "tile/0/005.p/256",
                          "tile/0/005.p/05",
                          "tile/0/005.p/5/",
                          "/tile/0/005",
                          "tile/0/../005",
                          "tile/0/00x5",
                          "tile/entries",
                          "tile/entries/5",
                          "tile/data/005",
                          "tile/0/x018/x446/x744/x073/x709/x551/616",
                          "tile/0/005.p/5.p/5",
                          "tile/0/ 05",
                          "TILE/0/005"}) {
    EXPECT_EQ(TileId::parse(bad).error().code, Code::kInvalid) << bad;
  }
}

TEST(NewTiles, AreThoseOfTheSpecificationsExample) {
  std::size_t full[3] = {0, 0, 0};
  std::set<std::string> partial;
  for (const TileId& id : new_tiles({0, 70'000})) {
    if (id.content == Content::kEntries) continue;
    if (id.width == kTileWidth) ++full[id.level];
    if (id.width != kTileWidth) partial.insert(id.path());
  }
  EXPECT_EQ(full[0], 273U);
  EXPECT_EQ(full[1], 1U);
  EXPECT_EQ(full[2], 0U);
  EXPECT_EQ(partial,
            (std::set<std::string>{"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}));
}

TEST(NewTiles, OfAWholeTileHaveNoEmptyOne) {
  std::set<std::string> paths;
  for (const TileId& id : new_tiles({0, 256})) paths.insert(id.path());
  EXPECT_EQ(paths, (std::set<std::string>{"tile/0/000", "tile/1/000.p/1", "tile/entries/000"}));
  EXPECT_TRUE(new_tiles({0, 0}).empty());
  EXPECT_TRUE(new_tiles({300, 300}).empty());
}

// However a log grows, all its steps together give every full tile, each once, and the partial
// tiles of its last size.
TEST(NewTiles, OfManyStepsAreThoseOfOne) {
  SeededRandom random(71);
  std::multiset<std::string> full;
  std::uint64_t size = 0;
  while (size < 70'000) {
    const std::string bytes = random.bytes(2);
    const std::uint64_t newer =
        size + 1 +
        (static_cast<unsigned char>(bytes[0]) * 8U + static_cast<unsigned char>(bytes[1])) % 1'500;
    for (const TileId& id : new_tiles({size, newer})) {
      if (id.width == kTileWidth) full.insert(id.path());
    }
    size = newer;
  }
  std::multiset<std::string> expected;
  for (const TileId& id : new_tiles({0, size})) {
    if (id.width == kTileWidth) expected.insert(id.path());
  }
  EXPECT_EQ(full, expected);
}

// A reader who has nothing but tiles comes to the same root.
TEST(Tiles, HoldTheTree) {
  MemoryTree log;
  log.append_samples(70'000);
  RightEdge from_leaves;
  for (const TileId& id : new_tiles({0, log.size()})) {
    if (id.content == Content::kEntries) continue;
    const std::string bytes = read_tile(id, log.reader()).value();
    ASSERT_EQ(bytes.size(), id.width * 32);
    // Every full tile is one hash of the level above it.
    RightEdge edge;
    for (std::uint64_t i = 0; i < id.width; ++i) {
      const Digest hash = Digest::from_bytes(bytes.substr(i * 32, 32)).value();
      edge.append(hash);
      if (id.level == 0) from_leaves.append(hash);
    }
    if (id.width == kTileWidth) {
      EXPECT_EQ(edge.root(), log.reader()(8 * (id.level + 1), id.number).value());
    }
  }
  EXPECT_EQ(from_leaves.root(), log.tree(70'000).root);
}

TEST(EntryBundle, GoesThroughBytes) {
  std::vector<std::string> five;
  for (std::uint64_t i = 0; i < 5; ++i) five.push_back(sample_entry(i));
  const std::string bytes = bundle_entries(five);
  EXPECT_EQ(hex_encode(bytes.substr(0, 4)), "002f7b22");
  EXPECT_EQ(unbundle_entries(bytes, 5).value(), five);
  const std::vector<std::string> extremes = {"", std::string(kEntryBytesMax, 'x'), "\xff"};
  EXPECT_EQ(unbundle_entries(bundle_entries(extremes), 3).value(), extremes);
  EXPECT_TRUE(unbundle_entries("", 0).value().empty());
}

TEST(EntryBundle, OfAnotherCountOrCutAnywhereIsRefused) {
  const std::string bytes = bundle_entries({"one", "", "three"});
  for (const std::uint64_t count : {0U, 2U, 4U, 256U}) {
    EXPECT_EQ(unbundle_entries(bytes, count).error().code, Code::kCorrupt) << count;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(unbundle_entries(bytes.substr(0, size), 3).error().code, Code::kCorrupt) << size;
  }
  EXPECT_EQ(unbundle_entries(bytes + "x", 3).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace keyturn::ledger
