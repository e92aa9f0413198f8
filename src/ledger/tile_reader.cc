#include "ledger/tile_reader.h"

#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

constexpr unsigned kLevelBits = 8;
constexpr std::size_t kHashBytes = 32;

}  // namespace

TileBuilder::ReadTile tile_or_full(ReadFile read) {
  return [read = std::move(read)](const TileId& id) -> Result<std::string> {
    auto bytes = read(id.path());
    if (bytes || bytes.error().code != Code::kNotFound || id.width == kTileWidth) return bytes;
    TileId full = id;
    full.width = kTileWidth;
    auto whole = read(full.path());
    if (!whole) return bytes;
    if (id.content == TileId::Content::kHashes) {
      return whole->substr(0, std::min<std::size_t>(whole->size(), id.width * kHashBytes));
    }
    TRY(auto entries, context(unbundle_entries(*whole, kTileWidth), full.path()));
    entries.resize(id.width);
    return bundle_entries(entries);
  };
}

TileId bundle_with(std::uint64_t index, std::uint64_t size) {
  CHECK(index < size);
  const std::uint64_t number = index / kTileWidth;
  return {.content = TileId::Content::kEntries,
          .level = 0,
          .number = number,
          .width = std::min(kTileWidth, size - number * kTileWidth)};
}

ReadNode node_reader(std::uint64_t size, TileBuilder::ReadTile read) {
  return [size, read = std::move(read)](unsigned level, std::uint64_t index) -> Result<Digest> {
    const unsigned below = level % kLevelBits;
    TileId id;
    id.level = level / kLevelBits;
    const std::uint64_t hashes = size >> (kLevelBits * id.level);
    const std::uint64_t first = index << below;
    const std::uint64_t count = std::uint64_t{1} << below;
    CHECK(first + count <= hashes);
    id.number = first / kTileWidth;
    id.width = std::min(kTileWidth, hashes - id.number * kTileWidth);
    TRY(const std::string bytes, read(id));
    if (bytes.size() != id.width * kHashBytes) {
      return fail(Code::kCorrupt, "`{}` has {} bytes and should have {}", id.path(), bytes.size(),
                  id.width * kHashBytes);
    }
    return subtree_root(
        std::string_view(bytes).substr(first % kTileWidth * kHashBytes, count * kHashBytes));
  };
}

}  // namespace keyturn::ledger
