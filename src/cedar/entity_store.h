// Entities as the evaluator sees them: records with their attributes, tags and all ancestors, found
// by uid.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cedar/cedar.h"
#include "cedar/value.h"

namespace keyturn::cedar {

struct Entity {
  const Uid* uid = nullptr;
  const RecordValue* attributes = nullptr;
  const RecordValue* tags = nullptr;
  // Sorted by order(); the entity itself is not among them.
  std::span<const Uid* const> ancestors;
  // As given, for writing the entity again.
  std::span<const Uid* const> parents;
};

bool has_ancestor(const Entity& entity, const Uid& ancestor);

// Immutable after freeze().
class EntityStore {
 public:
  Pool& pool() { return pool_; }
  // Null when the entity is not in the store.
  const Entity* find(const Uid& uid) const { return uid.owner == this ? uid.entity : probe(uid); }
  std::span<const Entity* const> all() const { return entities_; }

  // Adds one; its ancestors are still empty. The uid is from pool().
  void add(Entity entity);
  // Ties uids to entities. After this nothing may be added.
  void freeze();
  // To fill in while building; found by its index in all().
  std::span<Entity* const> building() { return entities_; }

 private:
  void place(const Entity* entity);
  const Entity* probe(const Uid& uid) const;

  Pool pool_;
  std::vector<Entity*> entities_;
  std::vector<const Entity*> table_;  // open addressing by uid hash, a power of two
};

struct EntitiesContent {
  EntityStore store;
};

}  // namespace keyturn::cedar
