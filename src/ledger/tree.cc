#include "ledger/tree.h"

#include <bit>
#include <cstring>

#include "crypto/crypto.h"

namespace keyturn::ledger {
namespace {

constexpr std::size_t kDigestBytes = 32;

}  // namespace

Digest leaf_hash(std::string_view entry) {
  constexpr std::string_view kPrefix("\0", 1);
  return crypto::sha256(kPrefix, entry);
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<char, 1 + 2 * kDigestBytes> prefixed;
  prefixed[0] = '\x01';
  std::memcpy(prefixed.data() + 1, left.bytes.data(), kDigestBytes);
  std::memcpy(prefixed.data() + 1 + kDigestBytes, right.bytes.data(), kDigestBytes);
  return crypto::sha256({prefixed.data(), prefixed.size()});
}

Digest subtree_root(std::string_view hashes) {
  constexpr std::size_t kHashesMax = 256;
  std::size_t count = hashes.size() / kDigestBytes;
  CHECK(std::has_single_bit(count) && count <= kHashesMax && hashes.size() % kDigestBytes == 0);
  std::array<Digest, kHashesMax> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(nodes[i].bytes.data(), hashes.data() + i * kDigestBytes, kDigestBytes);
  }
  for (; count > 1; count /= 2) {
    for (std::size_t i = 0; i < count / 2; ++i) {
      nodes[i] = node_hash(nodes[2 * i], nodes[2 * i + 1]);
    }
  }
  return nodes[0];
}

Result<RightEdge> RightEdge::from_bytes(std::uint64_t size, std::string_view bytes) {
  const auto count = static_cast<std::size_t>(std::popcount(size));
  if (bytes.size() != count * kDigestBytes) {
    return fail(Code::kCorrupt, "the right edge of a tree of {} entries has {} bytes, not {}", size,
                count * kDigestBytes, bytes.size());
  }
  RightEdge edge;
  edge.size_ = size;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const Digest digest, Digest::from_bytes(bytes.substr(i * kDigestBytes, kDigestBytes)));
    edge.subtrees_.push_back(digest);
  }
  return edge;
}

void RightEdge::append(const Digest& leaf) {
  subtrees_.push_back(leaf);
  // As in a binary counter: each bit that carries joins two subtrees of one size.
  for (std::uint64_t carry = size_; (carry & 1U) != 0; carry >>= 1U) {
    const Digest right = subtrees_.back();
    subtrees_.pop_back();
    subtrees_.back() = node_hash(subtrees_.back(), right);
  }
  ++size_;
}

Digest RightEdge::root() const {
  if (subtrees_.empty()) return crypto::sha256("");
  Digest root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i > 0; --i) root = node_hash(subtrees_[i - 1], root);
  return root;
}

std::string RightEdge::bytes() const {
  std::string bytes;
  bytes.reserve(subtrees_.size() * kDigestBytes);
  for (const Digest& digest : subtrees_) bytes += digest.view();
  return bytes;
}

}  // namespace keyturn::ledger
