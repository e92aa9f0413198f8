// The static files of a C2SP tile log (c2sp.org/tlog-tiles): their names, and what is in them. Pure
// functions. A tile holds up to 256 hashes of one level of the tree; an entry bundle holds up to
// 256 entries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/proof.h"

namespace keyturn::ledger {

inline constexpr std::uint64_t kTileWidth = 256;

// Level 0 holds leaf hashes; a hash of level l covers 256^l leaves.
struct TileId {
  enum class Content { kHashes, kEntries };
  Content content = Content::kHashes;
  unsigned level = 0;  // 0 to 63; 0 for entries
  std::uint64_t number = 0;
  std::uint64_t width = kTileWidth;  // fewer in a partial tile, at least 1

  // `tile/1/x001/234.p/17`, `tile/entries/005`.
  std::string path() const;
  // kInvalid for every other spelling: a file has one name.
  static Result<TileId> parse(std::string_view path);
  friend bool operator==(const TileId&, const TileId&) = default;
};

// The tiles of hashes and of entries that a log of size `newer` has and one of size `older` had
// not, partial ones among them.
std::vector<TileId> new_tiles(Sizes sizes);

// The 32-byte hashes of a tile, one after the other.
Result<std::string> read_tile(const TileId& id, const ReadNode& read);

// Each entry after its length as a big-endian u16; CHECKs that each fits.
std::string bundle_entries(const std::vector<std::string>& entries);
// The same of one more.
void add_to_bundle(std::string& bundle, std::string_view entry);
// Each entry of a bundle in turn. kCorrupt unless the bytes are exactly `count` entries.
Result<void> for_each_entry(std::string_view bytes, std::uint64_t count,
                            const std::function<void(std::string_view entry)>& visit);
// kCorrupt as above.
Result<std::vector<std::string>> unbundle_entries(std::string_view bytes, std::uint64_t count);

}  // namespace keyturn::ledger
