// Reading entities from JSON, closing the hierarchy, and checking both against a schema.
#include <algorithm>
#include <unordered_map>

#include "cedar/access.h"
#include "cedar/entity_store.h"
#include "cedar/escape.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

// A hierarchy deeper than this is a mistake; the closure walks iteratively all the same.
constexpr std::size_t kAncestorsMax = 1U << 20U;
// Over all entities: 128 MiB of pointers.
constexpr std::size_t kClosureMax = 1U << 24U;

using Indices = std::unordered_map<const Uid*, std::size_t>;

class Loader {
 public:
  Loader(EntityStore& store, const SchemaContent* schema)
      : store_(store), reader_(store.pool(), fault_), schema_(schema) {}
  const JsonFault& fault() const { return fault_; }

  Result<std::monostate> load(const Json& json) {
    const Json::Array* items = json.if_array();
    if (items == nullptr) {
      fault_.note(json);
      return fail(Code::kInvalid, "entities must be a JSON array");
    }
    for (const Json& item : *items) TRY_VOID(fault_.at(item, add(item)));
    if (schema_ != nullptr) {
      for (std::size_t i = 0; i < items_.size(); ++i) {
        item_ = items_[i];
        TRY_VOID(fault_.at(*item_, check(*store_.all()[i])));
      }
    }
    TRY_VOID(close());
    if (schema_ != nullptr) TRY_VOID(add_actions());
    store_.freeze();
    return std::monostate();
  }

 private:
  Result<std::monostate> add(const Json& json);
  Result<const RecordValue*> members(const Json& json, std::string_view key, const Uid& uid);
  Result<std::span<const Uid* const>> parents(const Json& json, const Uid& uid);
  Result<std::monostate> check(const Entity& entity);
  Result<std::monostate> check_values(const Entity& entity, const EntityType& type);
  Result<std::monostate> check_action(const Entity& entity) const;
  Result<std::monostate> add_actions();
  Result<std::monostate> close();
  Result<std::monostate> visit(std::size_t start, std::vector<std::uint8_t>& state);
  Result<std::monostate> collect(Entity& entity);
  const SchemaType* expected(const Uid& uid, std::string_view group, std::string_view key) const;

  // Where an attribute or tag of the entity that is being checked was read, and a parent of it.
  void note_member(std::string_view group, std::string_view name, const SchemaType& wanted);
  void note_parent(const Uid& parent);

  EntityStore& store_;
  JsonFault fault_;
  ValueReader reader_;
  const SchemaContent* schema_;
  Indices indices_;
  std::vector<const Json*> items_;  // what each entity of the store was read from
  const Json* item_ = nullptr;      // of items_, while it is checked
  std::size_t closure_size_ = 0;
};

const RecordValue* empty_record() {
  static constexpr RecordValue kEmpty{};
  return &kEmpty;
}

bool equal_sets(std::span<const Uid* const> a, std::span<const Uid* const> b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](const Uid* x, const Uid* y) { return same(*x, *y); });
}

bool equal(const Entity& a, const Entity& b) {
  return same(Value::of(a.attributes), Value::of(b.attributes)) &&
         same(Value::of(a.tags), Value::of(b.tags)) && equal_sets(a.parents, b.parents);
}

Result<std::monostate> Loader::add(const Json& json) {
  if (!json.is_object()) return fail(Code::kInvalid, "an entity must be a JSON object");
  const Json* uid_json = json.find("uid");
  if (uid_json == nullptr) return fail(Code::kInvalid, "an entity has no `uid`");
  TRY(const Uid* uid, reader_.read_uid(*uid_json, {"the uid of an entity"}));
  if (schema_ != nullptr && !is_action_type(uid->type->view()) &&
      schema_->find_entity(uid->type->view()) == nullptr) {
    return fail(Code::kInvalid, "entity `{}` has type `{}` which is not declared in the schema",
                to_text(*uid), uid->type->view());
  }
  Entity entity;
  entity.uid = uid;
  TRY(entity.attributes, members(json, "attrs", *uid));
  TRY(entity.tags, members(json, "tags", *uid));
  TRY(entity.parents, parents(json, *uid));
  if (const auto known = indices_.find(uid); known != indices_.end()) {
    if (equal(*store_.all()[known->second], entity)) return std::monostate();
    return fail(Code::kInvalid, "duplicate entity entry `{}` with different content",
                to_text(*uid));
  }
  indices_.emplace(uid, store_.all().size());
  store_.add(entity);
  items_.push_back(&json);
  return std::monostate();
}

void Loader::note_member(std::string_view group, std::string_view name, const SchemaType& wanted) {
  const Json* members = item_->find(group);
  const Json* member = members == nullptr ? nullptr : members->find(name);
  if (member == nullptr) return;
  const Json* misfit = find_misfit(*member, wanted, *schema_);
  fault_.note(misfit == nullptr ? *member : *misfit);
}

void Loader::note_parent(const Uid& parent) {
  const Json& group = *item_->find("parents");
  JsonFault unused;
  ValueReader reader(store_.pool(), unused);
  for (const Json& item : *group.if_array()) {
    const Result<const Uid*> read = reader.read_uid(item, {});
    if (read && *read == &parent) fault_.note(item);
  }
  fault_.note(group);
}

const SchemaType* Loader::expected(const Uid& uid, std::string_view group,
                                   std::string_view key) const {
  if (schema_ == nullptr) return nullptr;
  const EntityType* type = schema_->find_entity(uid.type->view());
  if (type == nullptr) return nullptr;
  if (group == "tags") return type->tags;
  const auto at = type->shape->attributes.find(key);
  return at == type->shape->attributes.end() ? nullptr : at->second.type;
}

Result<const RecordValue*> Loader::members(const Json& json, std::string_view key, const Uid& uid) {
  const Json* group = json.find(key);
  if (group == nullptr) {
    if (key == "tags") return empty_record();
    return fail(Code::kInvalid, "entity `{}` has no `{}`; write `\"{}\": {{}}` if there are none",
                to_text(uid), key, key);
  }
  const Json::Object* object = group->if_object();
  if (object == nullptr) {
    fault_.note(*group);
    return fail(Code::kInvalid, "`{}` of entity `{}` must be an object", key, to_text(uid));
  }
  const bool is_checked = schema_ != nullptr && !is_action_type(uid.type->view());
  const std::span<Field> fields = store_.pool().arena().array<Field>(object->size());
  for (std::size_t i = 0; i < object->size(); ++i) {
    const auto& [name, value] = (*object)[i];
    const SchemaType* type = expected(uid, key, name);
    const std::string_view thing = key == "tags" ? "tag" : "attribute";
    if (is_checked && type == nullptr) {
      fault_.note(value);
      return fail(Code::kInvalid, "{} `{}` on `{}` should not exist according to the schema", thing,
                  name, to_text(uid));
    }
    fields[i].key = store_.pool().text(name);
    TRY(fields[i].value, reader_.read(value, type, {thing, name, &uid}));
  }
  return make_record(store_.pool().arena(), fields);
}

Result<std::span<const Uid* const>> Loader::parents(const Json& json, const Uid& uid) {
  const Json* group = json.find("parents");
  const Json::Array* items = group == nullptr ? nullptr : group->if_array();
  if (items == nullptr) {
    return fail(Code::kInvalid, "`parents` of entity `{}` must be an array", to_text(uid));
  }
  std::vector<const Uid*> uids;
  for (const Json& item : *items) {
    TRY(const Uid* parent, reader_.read_uid(item, {"a parent of", {}, &uid}));
    if (is_action_type(uid.type->view()) && !is_action_type(parent->type->view())) {
      fault_.note(item);
      return fail(Code::kInvalid, "action `{}` has a non-action parent `{}`", to_text(uid),
                  to_text(*parent));
    }
    uids.push_back(parent);
  }
  std::sort(uids.begin(), uids.end(), [](const Uid* a, const Uid* b) { return order(*a, *b) < 0; });
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  const auto kept = store_.pool().arena().array<const Uid*>(uids.size());
  std::copy(uids.begin(), uids.end(), kept.begin());
  return std::span<const Uid* const>(kept);
}

Result<std::monostate> Loader::check(const Entity& entity) {
  const std::string_view type_name = entity.uid->type->view();
  if (is_action_type(type_name)) return std::monostate();
  const EntityType& type = *schema_->find_entity(type_name);
  if (const auto wrong = wrong_uid(*schema_, *entity.uid))
    return fail(Code::kInvalid, "{}", *wrong);
  TRY_VOID(check_values(entity, type));
  for (const Uid* parent : entity.parents) {
    if (const auto wrong = wrong_uid(*schema_, *parent)) {
      note_parent(*parent);
      return fail(Code::kInvalid, "{}", *wrong);
    }
    if (!type.ancestors.contains(parent->type->view())) {
      note_parent(*parent);
      return fail(Code::kInvalid,
                  "`{}` is not allowed to have an ancestor of type `{}` according to the schema",
                  to_text(*entity.uid), parent->type->view());
    }
  }
  return std::monostate();
}

Result<std::monostate> Loader::check_values(const Entity& entity, const EntityType& type) {
  for (const auto& [name, attribute] : type.shape->attributes) {
    if (attribute.is_required && entity.attributes->find(*store_.pool().text(name)) == nullptr) {
      return fail(Code::kInvalid, "expected entity `{}` to have attribute `{}`, but it does not",
                  to_text(*entity.uid), name);
    }
  }
  const auto check_field = [&](std::string_view group, const Field& field,
                               const SchemaType& wanted) -> Result<std::monostate> {
    if (!conforms(field.value, wanted)) {
      note_member(group, field.key->view(), wanted);
      return fail(Code::kInvalid, "in `{}` on `{}`, type mismatch: expected {}, but got `{}`",
                  field.key->view(), to_text(*entity.uid), shown(to_text(wanted)),
                  shown(to_text(field.value)));
    }
    if (const auto wrong = wrong_uid_in(*schema_, field.value)) {
      note_member(group, field.key->view(), wanted);
      return fail(Code::kInvalid, "{}", *wrong);
    }
    return std::monostate();
  };
  for (const Field& field : entity.attributes->fields) {
    const auto wanted = type.shape->attributes.find(field.key->view());
    TRY_VOID(check_field("attrs", field, *wanted->second.type));
  }
  for (const Field& field : entity.tags->fields) {
    TRY_VOID(check_field("tags", field, *type.tags));
  }
  return std::monostate();
}

Result<std::monostate> Loader::check_action(const Entity& entity) const {
  const EntityUid uid{std::string(entity.uid->type->view()), std::string(entity.uid->id->view())};
  const ActionType* action = schema_->find_action(uid);
  if (action == nullptr) {
    return fail(Code::kInvalid,
                "found action entity `{}`, but it was not declared as an action in "
                "the schema",
                to_text(*entity.uid));
  }
  std::set<EntityUid> ancestors;
  for (const Uid* ancestor : entity.ancestors) {
    ancestors.insert({std::string(ancestor->type->view()), std::string(ancestor->id->view())});
  }
  if (!entity.attributes->fields.empty() || !entity.tags->fields.empty() ||
      ancestors != action->ancestors) {
    return fail(Code::kInvalid, "definition of action `{}` does not match its schema declaration",
                to_text(*entity.uid));
  }
  return std::monostate();
}

// The schema's actions are entities too, whether or not they were given.
Result<std::monostate> Loader::add_actions() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Entity& entity = *store_.all()[i];
    if (!is_action_type(entity.uid->type->view())) continue;
    TRY_VOID(fault_.at(*items_[i], check_action(entity)));
  }
  Pool& pool = store_.pool();
  for (const auto& [uid, action] : schema_->actions) {
    const Uid* kept = pool.uid(uid.type, uid.id);
    if (indices_.contains(kept)) continue;
    Entity entity{kept, empty_record(), empty_record(), {}, {}};
    const auto ancestors = pool.arena().array<const Uid*>(action.ancestors.size());
    std::size_t at = 0;
    for (const EntityUid& ancestor : action.ancestors) {
      ancestors[at++] = pool.uid(ancestor.type, ancestor.id);
    }
    std::sort(ancestors.begin(), ancestors.end(),
              [](const Uid* a, const Uid* b) { return order(*a, *b) < 0; });
    entity.ancestors = ancestors;
    entity.parents = ancestors;
    indices_.emplace(kept, store_.all().size());
    store_.add(entity);
  }
  return std::monostate();
}

// Depth first without recursion; an entity's ancestors are complete when it is left.
Result<std::monostate> Loader::visit(std::size_t start, std::vector<std::uint8_t>& state) {
  constexpr std::uint8_t kOpen = 1;
  constexpr std::uint8_t kDone = 2;
  struct Step {
    std::size_t entity;
    std::size_t next_parent;
  };
  std::vector<Step> stack = {{start, 0}};
  state[start] = kOpen;
  while (!stack.empty()) {
    Step& step = stack.back();
    Entity& entity = *store_.building()[step.entity];
    if (step.next_parent == entity.parents.size()) {
      TRY_VOID(fault_.at(*items_[step.entity], collect(entity)));
      state[step.entity] = kDone;
      stack.pop_back();
      continue;
    }
    const auto parent = indices_.find(entity.parents[step.next_parent++]);
    if (parent == indices_.end() || state[parent->second] == kDone) continue;
    if (state[parent->second] == kOpen) {
      fault_.note(*items_[step.entity]);
      return fail(Code::kInvalid, "the entity hierarchy has a cycle containing `{}`",
                  to_text(*parent->first));
    }
    state[parent->second] = kOpen;
    stack.push_back({parent->second, 0});
  }
  return std::monostate();
}

Result<std::monostate> Loader::collect(Entity& entity) {
  std::vector<const Uid*> all(entity.parents.begin(), entity.parents.end());
  for (const Uid* parent : entity.parents) {
    const auto at = indices_.find(parent);
    if (at == indices_.end()) continue;
    const Entity& known = *store_.all()[at->second];
    all.insert(all.end(), known.ancestors.begin(), known.ancestors.end());
    if (all.size() > kAncestorsMax) {
      return fail(Code::kExhausted, "entity `{}` has more than {} ancestors", to_text(*entity.uid),
                  kAncestorsMax);
    }
  }
  std::sort(all.begin(), all.end(), [](const Uid* a, const Uid* b) { return order(*a, *b) < 0; });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  closure_size_ += all.size();
  if (closure_size_ > kClosureMax) {
    return fail(Code::kExhausted, "the entities have more than {} ancestors in all", kClosureMax);
  }
  const auto kept = store_.pool().arena().array<const Uid*>(all.size());
  std::copy(all.begin(), all.end(), kept.begin());
  entity.ancestors = kept;
  return std::monostate();
}

Result<std::monostate> Loader::close() {
  std::vector<std::uint8_t> state(store_.all().size(), 0);
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (state[i] == 0) TRY_VOID(visit(i, state));
  }
  return std::monostate();
}

}  // namespace

Entities::Entities() : content_(std::make_shared<const Content>()) {}
Entities::~Entities() = default;

namespace {

Result<std::shared_ptr<const EntitiesContent>> load_entities(const Json& json, const Schema* schema,
                                                             std::string_view text) {
  auto content = std::make_shared<EntitiesContent>();
  Loader loader(content->store, schema == nullptr ? nullptr : &Access::content(*schema));
  if (Result<std::monostate> done = loader.load(json); !done) {
    return fail(loader.fault().placed(std::move(done.error()), json, text));
  }
  return std::shared_ptr<const EntitiesContent>(std::move(content));
}

}  // namespace

Result<Entities> Entities::from_json(const Json& value, const Schema* schema) {
  TRY(auto content, load_entities(value, schema, ""));
  return Entities(std::move(content));
}

Result<Entities> Entities::parse_json(std::string_view text, const Schema* schema) {
  TRY_VOID(check_text(text));
  TRY(const Json json, parse_strict(text, kValueJsonLimits));
  TRY(auto content, load_entities(json, schema, text));
  return Entities(std::move(content));
}

}  // namespace keyturn::cedar
