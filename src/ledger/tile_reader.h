// The tree's nodes, read from the tiles of a log of a given size. What proofs are made from when
// only the files are at hand.
#pragma once

#include "ledger/builder.h"

namespace keyturn::ledger {

// `read` must outlive the result. Asks only for tiles that a log of `size` has. The bytes are not
// checked beyond their length: verify the proof against a checkpoint.
ReadNode node_reader(std::uint64_t size, TileBuilder::ReadTile read);

// Reads a file of a log by its name, `tile/0/000`; kNotFound when there is none.
using ReadFile = std::function<Result<std::string>(const std::string& name)>;

// A tile or bundle; a partial one also as the beginning of the full one that has replaced it.
TileBuilder::ReadTile tile_or_full(ReadFile read);

// The bundle that holds entry `index` in a log of `size`.
TileId bundle_with(std::uint64_t index, std::uint64_t size);

}  // namespace keyturn::ledger
