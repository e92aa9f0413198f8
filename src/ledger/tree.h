// The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, and the right edge, which is all
// that appending needs to remember. Pure functions and a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace keyturn::ledger {

// SHA-256(0x00 || entry).
Digest leaf_hash(std::string_view entry);
// SHA-256(0x01 || left || right).
Digest node_hash(const Digest& left, const Digest& right);

// The root over a perfect subtree's hashes, a power of two of them, one after the other; at most
// 256.
Digest subtree_root(std::string_view hashes);

// The roots of the perfect subtrees that a tree of some size consists of, the largest first: one
// for each bit that is set in the size.
class RightEdge {
 public:
  RightEdge() = default;  // of the empty tree
  // As bytes() gave it; kCorrupt when the bytes do not fit the size.
  static Result<RightEdge> from_bytes(std::uint64_t size, std::string_view bytes);

  void append(const Digest& leaf);
  std::uint64_t size() const { return size_; }
  Digest root() const;
  std::string bytes() const;
  friend bool operator==(const RightEdge&, const RightEdge&) = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> subtrees_;  // at most 64
};

}  // namespace keyturn::ledger
