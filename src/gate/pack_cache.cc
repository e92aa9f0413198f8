#include "gate/pack_cache.h"

#include <algorithm>

#include "gate/replay.h"

namespace keyturn::gate {

Result<std::shared_ptr<const Policies>> PackCache::get(const Digest& digest, const Find& find) {
  if (std::shared_ptr<const Policies> known = find_cached(digest)) return known;
  TRY(const std::string text, find(digest));
  TRY(std::shared_ptr<const Policies> pack, read_pack(text));
  if (pack->digest() != digest) {
    return fail(Code::kCorrupt, "the policies kept under the digest {} are others", digest.hex());
  }
  keep(pack);
  return pack;
}

std::size_t PackCache::size() const {
  const std::lock_guard lock(mutex_);
  return packs_.size();
}

std::shared_ptr<const Policies> PackCache::find_cached(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(packs_.begin(), packs_.end(),
                                  [&](const auto& pack) { return pack->digest() == digest; });
  if (found == packs_.end()) return nullptr;
  std::rotate(packs_.begin(), found, found + 1);
  return packs_.front();
}

void PackCache::keep(std::shared_ptr<const Policies> pack) {
  if (pack->text().size() > kCachedPackBytesMax) return;
  const std::lock_guard lock(mutex_);
  const auto is_known = [&](const auto& other) { return other->digest() == pack->digest(); };
  // Two threads may have read it at once.
  if (std::any_of(packs_.begin(), packs_.end(), is_known)) return;
  bytes_ += pack->text().size();
  packs_.push_front(std::move(pack));
  while (packs_.size() > kCachedPacksMax || bytes_ > kCachedPackBytesMax) {
    bytes_ -= packs_.back()->text().size();
    packs_.pop_back();
  }
}

}  // namespace keyturn::gate
