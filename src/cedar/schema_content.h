// A schema once resolved: every type name found, hierarchies closed. Built by schema_resolve.cc,
// immutable afterwards. Names are full: `Namespace::Type`.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/cedar.h"
#include "cedar/value.h"

namespace keyturn::cedar {

struct SchemaType;

struct SchemaAttribute {
  const SchemaType* type = nullptr;
  bool is_required = true;
};

// A type as declared. Owned by the schema.
struct SchemaType {
  // kSet, kRecord, kEntity or a primitive or extension kind.
  Kind kind = Kind::kBool;
  const SchemaType* element = nullptr;                             // kSet
  std::string entity;                                              // kEntity: the type's name
  std::map<std::string, SchemaAttribute, std::less<>> attributes;  // kRecord
  std::size_t weight = 1;  // types within it, common types counted at each use
};

std::string to_text(const SchemaType& type);

struct EntityType {
  std::string name;
  // The declared ids of an enumerated type; empty for others.
  std::vector<std::string> ids;
  std::set<std::string, std::less<>> parents;
  // Types whose entities may be `in` an entity of this one, transitively; not itself unless
  // declared so.
  std::set<std::string, std::less<>> descendants;
  // Types that its entities may have among their ancestors, transitively.
  std::set<std::string, std::less<>> ancestors;
  const SchemaType* shape = nullptr;
  const SchemaType* tags = nullptr;  // null when it has none
};

struct ActionType {
  EntityUid uid;
  std::set<EntityUid> parents;
  std::set<EntityUid> ancestors;
  std::set<EntityUid> descendants;
  std::set<std::string, std::less<>> principals;
  std::set<std::string, std::less<>> resources;
  const SchemaType* context = nullptr;
};

struct SchemaFragment;

struct SchemaContent {
  std::deque<SchemaType> types;
  std::map<std::string, EntityType, std::less<>> entities;
  std::map<EntityUid, ActionType> actions;
  // As written, for printing in either syntax.
  std::shared_ptr<const SchemaFragment> fragment;

  const EntityType* find_entity(std::string_view name) const;
  const ActionType* find_action(const EntityUid& uid) const;
  // Whether `name` is an entity type or the type of a declared action.
  bool knows_type(std::string_view name) const;
};

// `Action` or ending in `::Action`.
bool is_action_type(std::string_view type);

// The message when `uid` is not one the schema allows: an undeclared id of an enumerated type, an
// undeclared action.
std::optional<std::string> wrong_uid(const SchemaContent& schema, const Uid& uid);
// The first such uid within `value`.
std::optional<std::string> wrong_uid_in(const SchemaContent& schema, const Value& value);
// Whether `value` has the type.
bool conforms(const Value& value, const SchemaType& type);

}  // namespace keyturn::cedar
