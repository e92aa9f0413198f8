// Compiled policy packs by digest, so that what older packs decided is explained without reading
// them again for every reader. Any thread; private to the room.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "gate/gate.h"

namespace keyturn::gate {

// Changes that wait are held by the pack of now or one of the last few.
inline constexpr std::size_t kCachedPacksMax = 4;
// Of their texts in all; compiled, a pack takes about ten times its text.
inline constexpr std::size_t kCachedPackBytesMax = std::size_t{8} << 20U;

class PackCache {
 public:
  using Find = std::function<Result<std::string>(const Digest&)>;
  // From the cache, or compiled from the text that `find` gives; the least recently used make way.
  // Its errors, and kCorrupt when the text is not that of the digest. A pack larger than the cache
  // is not kept.
  Result<std::shared_ptr<const Policies>> get(const Digest& digest, const Find& find);
  std::size_t size() const;

 private:
  std::shared_ptr<const Policies> find_cached(const Digest& digest);
  void keep(std::shared_ptr<const Policies> pack);

  mutable std::mutex mutex_;  // guards what follows; not held while a pack is read
  std::deque<std::shared_ptr<const Policies>> packs_;  // the latest used first
  std::size_t bytes_ = 0;
};

}  // namespace keyturn::gate
