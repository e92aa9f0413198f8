#include "ledger/builder.h"

#include <bit>

#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

constexpr unsigned kLevelBits = 8;
constexpr std::size_t kHashBytes = 32;

// Perfect subtrees of falling size, joined as in a binary counter.
class Peaks {
 public:
  void add(const Digest& hash, std::uint64_t leaves) {
    peaks_.push_back({hash, leaves});
    while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].leaves == peaks_.back().leaves) {
      const Peak right = peaks_.back();
      peaks_.pop_back();
      peaks_.back() = {node_hash(peaks_.back().hash, right.hash), 2 * right.leaves};
    }
  }
  Digest root() const {
    if (peaks_.empty()) return crypto::sha256("");
    Digest root = peaks_.back().hash;
    for (std::size_t i = peaks_.size() - 1; i > 0; --i) root = node_hash(peaks_[i - 1].hash, root);
    return root;
  }

 private:
  struct Peak {
    Digest hash;
    std::uint64_t leaves = 0;
  };
  std::vector<Peak> peaks_;  // at most 64
};

std::string joined(const std::vector<Digest>& hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * kHashBytes);
  for (const Digest& hash : hashes) bytes += hash.view();
  return bytes;
}

Result<std::vector<Digest>> split(const TileId& id, std::string_view bytes) {
  if (bytes.size() != id.width * kHashBytes) {
    return fail(Code::kCorrupt, "`{}` has {} bytes and should have {}", id.path(), bytes.size(),
                id.width * kHashBytes);
  }
  std::vector<Digest> hashes;
  for (; !bytes.empty(); bytes.remove_prefix(kHashBytes)) {
    TRY(const Digest hash, Digest::from_bytes(bytes.substr(0, kHashBytes)));
    hashes.push_back(hash);
  }
  return hashes;
}

TileId tile_of(unsigned level, std::uint64_t number, std::uint64_t width) {
  return {.content = TileId::Content::kHashes, .level = level, .number = number, .width = width};
}

TileId bundle_of(std::uint64_t number, std::uint64_t width) {
  return {.content = TileId::Content::kEntries, .level = 0, .number = number, .width = width};
}

// The number of the tile at `level` that is being filled, given the entries so far.
std::uint64_t number_at(unsigned level, std::uint64_t size) {
  const unsigned shift = kLevelBits * (level + 1);
  return shift >= 64 ? 0 : size >> shift;
}

}  // namespace

Result<TileBuilder> TileBuilder::restore(std::uint64_t size, const ReadTile& read) {
  TileBuilder builder;
  builder.size_ = size;
  for (unsigned level = 0; level < kLevels; ++level) {
    const std::uint64_t width = size >> (kLevelBits * level) & (kTileWidth - 1);
    if (width == 0) continue;
    const TileId id = tile_of(level, number_at(level, size), width);
    TRY(const std::string bytes, read(id));
    TRY(builder.levels_[level], split(id, bytes));
  }
  const std::uint64_t width = size % kTileWidth;
  if (width == 0) return builder;
  const TileId id = bundle_of(size / kTileWidth, width);
  TRY(builder.bundle_, read(id));
  TRY(const auto entries, context(unbundle_entries(builder.bundle_, width), id.path()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (leaf_hash(entries[i]) == builder.levels_[0][i]) continue;
    return fail(Code::kCorrupt, "entry {}: `{}` and its hash contradict each other",
                id.number * kTileWidth + i, id.path());
  }
  return builder;
}

Result<void> TileBuilder::append(std::string_view entry, const Sink& sink) {
  CHECK(entry.size() <= kEntryBytesMax);
  add_to_bundle(bundle_, entry);
  levels_[0].push_back(leaf_hash(entry));
  const std::uint64_t before = size_++;
  if (levels_[0].size() == kTileWidth) {
    TRY_VOID(sink(bundle_of(before / kTileWidth, kTileWidth), bundle_));
    bundle_.clear();
  }
  return fold(0, before, sink);
}

Result<void> TileBuilder::append_tile(const Digest& root, const Sink& sink) {
  CHECK(levels_[0].empty());
  levels_[1].push_back(root);
  const std::uint64_t last = size_ + kTileWidth - 1;
  size_ += kTileWidth;
  return fold(1, last, sink);
}

// Joins the levels from this one on that are full; `before` entries stood before the last one.
Result<void> TileBuilder::fold(unsigned level, std::uint64_t before, const Sink& sink) {
  for (; level < kLevels && levels_[level].size() == kTileWidth; ++level) {
    const std::string hashes = joined(levels_[level]);
    TRY_VOID(sink(tile_of(level, number_at(level, before), kTileWidth), hashes));
    CHECK(level + 1 < kLevels);
    levels_[level + 1].push_back(subtree_root(hashes));
    levels_[level].clear();
  }
  return {};
}

Result<void> TileBuilder::emit_partial(const Sink& sink) const {
  if (!levels_[0].empty()) {
    TRY_VOID(sink(bundle_of(size_ / kTileWidth, levels_[0].size()), bundle_));
  }
  for (unsigned level = 0; level < kLevels; ++level) {
    const std::vector<Digest>& hashes = levels_[level];
    if (hashes.empty()) continue;
    TRY_VOID(sink(tile_of(level, number_at(level, size_), hashes.size()), joined(hashes)));
  }
  return {};
}

Tree TileBuilder::tree() const {
  Peaks peaks;
  for (std::size_t level = kLevels; level-- > 0;) {
    for (const Digest& hash : levels_[level]) {
      peaks.add(hash, std::uint64_t{1} << (kLevelBits * level));
    }
  }
  return {size_, peaks.root()};
}

}  // namespace keyturn::ledger
