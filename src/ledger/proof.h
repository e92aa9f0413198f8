// Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; verified as RFC 9162
// sections 2.1.3.2 and 2.1.4.2 say). Pure functions; the hashes come from wherever the caller keeps
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace keyturn::ledger {

// The root of the perfect subtree over the leaves [index << level, (index + 1) << level). Only
// asked for subtrees that lie within the tree.
using ReadNode = std::function<Result<Digest>(unsigned level, std::uint64_t index)>;

// From the leaf's sibling upwards; at most 64 hashes.
using Proof = std::vector<Digest>;

struct Sizes {
  std::uint64_t older = 0;
  std::uint64_t newer = 0;
};

// kInvalid unless index < size.
Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const ReadNode& read);
// kInvalid unless older <= newer. Empty when older is 0 or both are equal.
Result<Proof> prove_consistency(Sizes sizes, const ReadNode& read);

struct Tree {
  std::uint64_t size = 0;
  Digest root;
};
struct Leaf {
  std::uint64_t index = 0;
  Digest hash;
};
// kInvalid when the proof does not show that the tree has this leaf at this index.
Result<void> verify_inclusion(const Leaf& leaf, const Tree& tree, const Proof& proof);
// kInvalid when the proof does not show that `newer` begins with all of `older`.
Result<void> verify_consistency(const Tree& older, const Tree& newer, const Proof& proof);

}  // namespace keyturn::ledger
