#include "cli/proof.h"

#include <charconv>

#include "crypto/crypto.h"

namespace keyturn::cli {
namespace {

Digest hash_node(const Digest& left, const Digest& right) {
  std::string bytes(1, '\x01');
  bytes += left.view();
  bytes += right.view();
  return crypto::sha256(bytes);
}

Digest hash_leaf(std::string_view entry) {
  std::string bytes(1, '\0');
  bytes += entry;
  return crypto::sha256(bytes);
}

}  // namespace

void TreeHash::add(std::string_view entry) {
  peaks_.push_back({hash_leaf(entry), 1});
  ++size_;
  while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].leaves == peaks_.back().leaves) {
    const Peak right = peaks_.back();
    peaks_.pop_back();
    peaks_.back() = {hash_node(peaks_.back().hash, right.hash), 2 * right.leaves};
  }
}

Digest TreeHash::root() const {
  if (peaks_.empty()) return crypto::sha256("");
  Digest root = peaks_.back().hash;
  for (std::size_t i = peaks_.size() - 1; i > 0; --i) root = hash_node(peaks_[i - 1].hash, root);
  return root;
}

Result<std::string> check_entry(const Json& entry, std::uint64_t index) {
  const auto bad = [&](std::string_view what) {
    return fail(Code::kCorrupt, "ledger entry {}: {}", index, what);
  };
  const auto listed = entry.get_integer("index");
  const auto text = entry.get_string("text");
  const auto leaf = entry.get_string("leaf");
  if (!listed || !text || !leaf) return bad("the server's answer lacks its index, text or leaf");
  if (*listed != static_cast<std::int64_t>(index)) return bad("it is missing or out of order");
  if (hash_leaf(*text).hex() != *leaf) return bad("its text is not what its leaf hash says");
  const auto content = parse_strict(*text);
  if (!content) return bad("its text is no JSON");
  const auto own_index = content->get_integer("index");
  if (!own_index || *own_index != *listed) return bad("its text was written under another index");
  if (content->string_or("kind", "") != entry.string_or("kind", "?")) {
    return bad("it is listed under another kind than its text says");
  }
  return *text;
}

Result<NotedHead> parse_head(const std::string& text) {
  NotedHead head;
  const std::size_t colon = text.find(':');
  const char* const end = text.data() + std::min(colon, text.size());
  const auto [stop, error] = std::from_chars(text.data(), end, head.size);
  if (colon == std::string::npos || error != std::errc() || stop != end) {
    return fail(Code::kInvalid, "`{}` is not `SIZE:ROOT` as `keyturn ledger verify` prints it",
                printable(text, 100));
  }
  TRY(head.root, context(Digest::from_hex(text.substr(colon + 1)), "the noted root"));
  return head;
}

}  // namespace keyturn::cli
