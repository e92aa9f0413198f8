#include "cedar/entity_store.h"

#include <algorithm>

namespace keyturn::cedar {
namespace {

constexpr std::size_t kScanMax = 8;  // ancestors up to here are scanned

}  // namespace

bool has_ancestor(const Entity& entity, const Uid& ancestor) {
  if (entity.ancestors.size() <= kScanMax) {
    for (const Uid* uid : entity.ancestors) {
      if (uid->hash == ancestor.hash && same(*uid, ancestor)) return true;
    }
    return false;
  }
  const auto at =
      std::lower_bound(entity.ancestors.begin(), entity.ancestors.end(), ancestor,
                       [](const Uid* uid, const Uid& wanted) { return order(*uid, wanted) < 0; });
  return at != entity.ancestors.end() && same(**at, ancestor);
}

void EntityStore::add(Entity entity) {
  Entity* kept = pool_.arena().make(entity);
  entities_.push_back(kept);
  if (entities_.size() * 2 > table_.size()) {
    table_.assign(std::max<std::size_t>(16, table_.size() * 2), nullptr);
    for (const Entity* known : entities_) place(known);
    return;
  }
  place(kept);
}

void EntityStore::place(const Entity* entity) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = entity->uid->hash & mask;
  while (table_[at] != nullptr) at = (at + 1) & mask;
  table_[at] = entity;
}

const Entity* EntityStore::probe(const Uid& uid) const {
  if (table_.empty()) return nullptr;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = uid.hash & mask; table_[at] != nullptr; at = (at + 1) & mask) {
    if (same(*table_[at]->uid, uid)) return table_[at];
  }
  return nullptr;
}

void EntityStore::freeze() {
  for (Uid* uid : pool_.uids()) {
    uid->entity = probe(*uid);
    uid->owner = this;
  }
}

}  // namespace keyturn::cedar
