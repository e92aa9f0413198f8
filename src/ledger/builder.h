// Turns entries, one after the other, into the tiles and bundles of a log, and into its root. A
// value that remembers only what the next entry needs, whatever the log's length. Publishing hands
// what comes out to a folder; verifying and `fsck` compare it with what is there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/proof.h"
#include "ledger/tiles.h"

namespace keyturn::ledger {

class TileBuilder {
 public:
  using Sink = std::function<Result<void>(const TileId& id, std::string_view bytes)>;
  using ReadTile = std::function<Result<std::string>(const TileId& id)>;

  TileBuilder() = default;  // before the first entry
  // After `size` entries, from the partial tiles of that size. kCorrupt when they contradict each
  // other; whether root() is the right one is the caller's to compare.
  static Result<TileBuilder> restore(std::uint64_t size, const ReadTile& read);

  // Gives every tile and bundle that this entry completes to `sink`, whose error ends it. After an
  // error the builder is of no use: work on a copy.
  Result<void> append(std::string_view entry, const Sink& sink);
  // 256 entries at once, whose bundle and tile of hashes the caller has; `root` is over them. Only
  // at a multiple of 256.
  Result<void> append_tile(const Digest& root, const Sink& sink);
  // The partial tiles and the partial bundle of the present size.
  Result<void> emit_partial(const Sink& sink) const;

  std::uint64_t size() const { return size_; }
  Tree tree() const;

 private:
  static constexpr std::size_t kLevels = 8;  // 256^8 leaves

  Result<void> fold(unsigned level, std::uint64_t before, const Sink& sink);

  std::uint64_t size_ = 0;
  // Of each level the hashes that fill no tile yet; at most 255.
  std::array<std::vector<Digest>, kLevels> levels_;
  std::string bundle_;  // the entries that fill no bundle yet, as in the file; at most 16 MiB
};

}  // namespace keyturn::ledger
