#include "ledger/proof.h"

#include <bit>

#include "crypto/crypto.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  // The largest power of two smaller than the size, which is at least 2.
  std::uint64_t split() const { return std::bit_floor(size() - 1); }
};

// The root of a range that begins at a multiple of a power of two not below its size, as all ranges
// of a proof do.
Result<Digest> root_of(const Range& range, const ReadNode& read) {
  std::vector<Digest> subtrees;
  std::uint64_t begin = range.begin;
  while (begin < range.end) {
    const std::uint64_t size = std::bit_floor(range.end - begin);
    const auto level = static_cast<unsigned>(std::countr_zero(size));
    TRY(const Digest digest, read(level, begin >> level));
    subtrees.push_back(digest);
    begin += size;
  }
  Digest root = subtrees.back();
  for (std::size_t i = subtrees.size() - 1; i > 0; --i) root = node_hash(subtrees[i - 1], root);
  return root;
}

tl::unexpected<Error> wrong_length(std::string_view what, std::size_t length) {
  return fail(Code::kInvalid, "the {} proof has {} hashes, which does not fit the tree's size",
              what, length);
}

}  // namespace

Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const ReadNode& read) {
  if (index >= size) {
    return fail(Code::kInvalid, "a tree of {} entries has no entry {}", size, index);
  }
  // From the root down, so the leaf's sibling comes last.
  Proof proof;
  for (Range range{0, size}; range.size() > 1;) {
    const std::uint64_t middle = range.begin + range.split();
    const Range left{range.begin, middle};
    const Range right{middle, range.end};
    const bool goes_left = index < middle;
    TRY(const Digest sibling, root_of(goes_left ? right : left, read));
    proof.push_back(sibling);
    range = goes_left ? left : right;
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<Proof> prove_consistency(Sizes sizes, const ReadNode& read) {
  if (sizes.older > sizes.newer) {
    return fail(Code::kInvalid, "a tree of {} entries cannot grow out of one of {}", sizes.newer,
                sizes.older);
  }
  if (sizes.older == 0 || sizes.older == sizes.newer) return Proof();
  Proof proof;
  Range range{0, sizes.newer};
  while (range.end != sizes.older) {
    const std::uint64_t middle = range.begin + range.split();
    const Range left{range.begin, middle};
    const Range right{middle, range.end};
    const bool goes_left = sizes.older <= middle;
    TRY(const Digest sibling, root_of(goes_left ? right : left, read));
    proof.push_back(sibling);
    range = goes_left ? left : right;
  }
  // The verifier knows the older root itself, but not a part of it.
  if (range.begin != 0) {
    TRY(const Digest part, root_of(range, read));
    proof.push_back(part);
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<void> verify_inclusion(const Leaf& leaf, const Tree& tree, const Proof& proof) {
  if (leaf.index >= tree.size) {
    return fail(Code::kInvalid, "a tree of {} entries has no entry {}", tree.size, leaf.index);
  }
  std::uint64_t index = leaf.index;
  std::uint64_t last = tree.size - 1;
  Digest root = leaf.hash;
  for (const Digest& hash : proof) {
    if (last == 0) return wrong_length("inclusion", proof.size());
    if ((index & 1U) != 0 || index == last) {
      root = node_hash(hash, root);
      while ((index & 1U) == 0 && index != 0) {
        index >>= 1U;
        last >>= 1U;
      }
    } else {
      root = node_hash(root, hash);
    }
    index >>= 1U;
    last >>= 1U;
  }
  if (last != 0) return wrong_length("inclusion", proof.size());
  if (root != tree.root) {
    return fail(Code::kInvalid, "the inclusion proof of entry {} does not lead to the tree's root",
                leaf.index);
  }
  return {};
}

Result<void> verify_consistency(const Tree& older, const Tree& newer, const Proof& proof) {
  if (older.size > newer.size) {
    return fail(Code::kInvalid, "the tree shrank from {} entries to {}", older.size, newer.size);
  }
  const auto differs = [&] {
    return fail(Code::kInvalid, "the tree of {} entries does not begin with that of {}", newer.size,
                older.size);
  };
  if (older.size == 0 || older.size == newer.size) {
    if (!proof.empty()) return wrong_length("consistency", proof.size());
    const Digest expected = older.size == 0 ? crypto::sha256("") : newer.root;
    if (older.root != expected) return differs();
    return {};
  }
  if (proof.empty()) return wrong_length("consistency", proof.size());
  // A whole older tree is its own first hash; the proof then begins with what comes next.
  const bool whole = std::has_single_bit(older.size);
  std::uint64_t index = older.size - 1;
  std::uint64_t last = newer.size - 1;
  while ((index & 1U) != 0) {
    index >>= 1U;
    last >>= 1U;
  }
  Digest old_root = whole ? older.root : proof.front();
  Digest new_root = old_root;
  for (std::size_t i = whole ? 0 : 1; i < proof.size(); ++i) {
    if (last == 0) return wrong_length("consistency", proof.size());
    if ((index & 1U) != 0 || index == last) {
      old_root = node_hash(proof[i], old_root);
      new_root = node_hash(proof[i], new_root);
      while ((index & 1U) == 0 && index != 0) {
        index >>= 1U;
        last >>= 1U;
      }
    } else {
      new_root = node_hash(new_root, proof[i]);
    }
    index >>= 1U;
    last >>= 1U;
  }
  if (last != 0) return wrong_length("consistency", proof.size());
  if (old_root != older.root || new_root != newer.root) return differs();
  return {};
}

}  // namespace keyturn::ledger
