// Finds every name a schema uses, inlines common types, closes the hierarchies.
#include <algorithm>

#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/extension.h"
#include "cedar/schema_fragment.h"

namespace keyturn::cedar {
namespace {

// Types may use each other many times over; what they expand to is walked by validation and
// messages.
constexpr std::size_t kTypeWeightMax = 1U << 16U;
// Of all entity types, and of all actions: a hierarchy is written in little and closed in much.
constexpr std::size_t kAncestorsMax = 1U << 18U;
// Of all actions together: validation goes through every pair of a principal and a resource.
constexpr std::size_t kEnvironmentsMax = 1U << 20U;

std::string qualified(std::string_view space, std::string_view name) {
  return space.empty() ? std::string(name) : fmt::format("{}::{}", space, name);
}

std::optional<Kind> builtin(std::string_view name) {
  if (name == "Bool") return Kind::kBool;
  if (name == "Long") return Kind::kLong;
  if (name == "String") return Kind::kString;
  for (const Kind kind : {Kind::kDecimal, Kind::kIp, Kind::kDatetime, Kind::kDuration}) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

class Resolver {
 public:
  Resolver(const SchemaFragment& fragment, SchemaContent& out, Range* where)
      : fragment_(fragment), out_(out), where_(where) {}

  Result<std::monostate> run() {
    TRY_VOID(collect());
    TRY_VOID(check_shadowing());
    for (const auto& [name, common] : commons_) TRY_VOID(inlined(name, common.decl->range));
    for (const NamespaceDecl& space : fragment_.namespaces) {
      space_ = space.name;
      for (const EntityDecl& entity : space.entities) TRY_VOID(add(entity));
    }
    for (const NamespaceDecl& space : fragment_.namespaces) {
      space_ = space.name;
      for (const ActionDecl& action : space.actions) TRY_VOID(add(action));
    }
    TRY_VOID(close_entities());
    return close_actions();
  }

 private:
  struct Common {
    const CommonDecl* decl = nullptr;
    std::string space;
    const SchemaType* type = nullptr;
    bool is_open = false;  // being inlined
  };

  Error error(Range range, std::string_view message) const {
    if (!fragment_.source.empty()) return error_at(fragment_.source, range, message);
    if (where_ != nullptr) *where_ = range;
    return Error{Code::kInvalid, std::string(message)};
  }
  Error exhausted(Range range, std::string_view message) const {
    return Error{Code::kExhausted, error(range, message).message};
  }

  Result<std::monostate> collect();
  Result<std::monostate> check_shadowing() const;
  Result<const SchemaType*> inlined(const std::string& name, Range range);
  Result<const SchemaType*> type(const TypeExpr& expr);
  Result<const SchemaType*> record(const TypeExpr& expr);
  Result<const SchemaType*> named(const TypeExpr& expr);
  // Null when nothing of that full name is declared.
  Result<const SchemaType*> exact(const std::string& name, const TypeExpr& expr);
  Result<std::string> entity_name(const NameRef& ref) const;
  Result<const SchemaType*> must_be_record(const TypeExpr& expr, std::string_view what);
  Result<std::monostate> add(const EntityDecl& entity);
  Result<std::monostate> add(const ActionDecl& action);
  Result<EntityUid> action_uid(const ActionRef& ref) const;
  Result<std::monostate> close_entities();
  Result<std::monostate> close_actions();
  Range range_of(const EntityUid& action) const;
  const SchemaType* made(SchemaType made) { return &out_.types.emplace_back(std::move(made)); }
  const SchemaType* of_kind(Kind kind) {
    SchemaType type;
    type.kind = kind;
    return made(std::move(type));
  }

  const SchemaFragment& fragment_;
  SchemaContent& out_;
  Range* where_;
  std::map<std::string, Common, std::less<>> commons_;
  std::map<std::string, Range, std::less<>> entities_;
  std::set<EntityUid> actions_;
  std::set<std::string, std::less<>> action_types_;
  std::string space_;
  unsigned depth_ = 0;
  std::size_t environments_ = 0;
};

Result<std::monostate> Resolver::collect() {
  for (const NamespaceDecl& space : fragment_.namespaces) {
    for (const CommonDecl& common : space.commons) {
      commons_[qualified(space.name, common.name)] = Common{&common, space.name, nullptr, false};
    }
    for (const EntityDecl& entity : space.entities) {
      if (entity.name == "Action") {
        return fail(error(entity.range,
                          "entity type `Action` declared in `entityTypes` list: "
                          "actions are declared with `action`"));
      }
      entities_[qualified(space.name, entity.name)] = entity.range;
    }
    for (const ActionDecl& action : space.actions) {
      actions_.insert({qualified(space.name, "Action"), action.name});
      action_types_.insert(qualified(space.name, "Action"));
    }
  }
  return std::monostate();
}

// RFC 70: what is declared in a namespace may not hide what the empty namespace has.
Result<std::monostate> Resolver::check_shadowing() const {
  for (const NamespaceDecl& space : fragment_.namespaces) {
    if (space.name.empty()) continue;
    const auto check = [&](const auto& decl) -> Result<std::monostate> {
      if (!entities_.contains(decl.name) && !commons_.contains(decl.name)) return std::monostate();
      return fail(error(decl.range,
                        fmt::format("definition of `{}` illegally shadows the existing definition "
                                    "of `{}`",
                                    qualified(space.name, decl.name), decl.name)));
    };
    for (const CommonDecl& common : space.commons) TRY_VOID(check(common));
    for (const EntityDecl& entity : space.entities) TRY_VOID(check(entity));
    for (const ActionDecl& action : space.actions) {
      if (!actions_.contains({"Action", action.name})) continue;
      return fail(error(action.range,
                        fmt::format("definition of `{}::Action::{}` illegally shadows the existing "
                                    "definition of `Action::{}`",
                                    space.name, quote(action.name), quote(action.name))));
    }
  }
  return std::monostate();
}

Result<const SchemaType*> Resolver::inlined(const std::string& name, Range range) {
  Common& common = commons_.find(name)->second;
  if (common.type != nullptr) return common.type;
  if (common.is_open) {
    return fail(error(range, fmt::format("cycle in common type references containing `{}`", name)));
  }
  common.is_open = true;
  const std::string outer = std::exchange(space_, common.space);
  TRY(common.type, type(common.decl->type));
  space_ = outer;
  common.is_open = false;
  return common.type;
}

Result<const SchemaType*> Resolver::type(const TypeExpr& expr) {
  if (++depth_ > kDepthMax) {
    return fail(exhausted(expr.range, fmt::format("types nest deeper than {} levels", kDepthMax)));
  }
  Result<const SchemaType*> result = nullptr;
  switch (expr.form) {
    case TypeForm::kSet: {
      TRY(const SchemaType* element, type(expr.element.front()));
      SchemaType set;
      set.kind = Kind::kSet;
      set.element = element;
      set.weight = element->weight + 1;
      result = made(std::move(set));
      break;
    }
    case TypeForm::kRecord:
      result = record(expr);
      break;
    case TypeForm::kPrimitive:
      result = of_kind(*builtin(expr.name == "Boolean" ? "Bool" : expr.name));
      break;
    case TypeForm::kExtension: {
      const std::optional<Kind> kind = builtin(expr.name);
      if (!kind || find_constructor(*kind) == nullptr) {
        return fail(error(expr.range, fmt::format("unknown extension type `{}`", expr.name)));
      }
      result = of_kind(*kind);
      break;
    }
    default:
      result = named(expr);
      break;
  }
  --depth_;
  return result;
}

Result<const SchemaType*> Resolver::record(const TypeExpr& expr) {
  SchemaType record;
  record.kind = Kind::kRecord;
  for (const AttributeDecl& attribute : expr.attributes) {
    TRY(const SchemaType* type, this->type(attribute.type));
    record.attributes[attribute.name] = {type, attribute.is_required};
    record.weight += type->weight;
    if (record.weight > kTypeWeightMax) {
      return fail(
          exhausted(attribute.type.range,
                    fmt::format("a record type expands to more than {} types", kTypeWeightMax)));
    }
  }
  return made(std::move(record));
}

Result<const SchemaType*> Resolver::exact(const std::string& name, const TypeExpr& expr) {
  if (expr.form != TypeForm::kEntity) {
    if (commons_.contains(name)) return inlined(name, expr.range);
    constexpr std::string_view kPrefix = "__cedar::";
    if (name.starts_with(kPrefix)) {
      if (const auto kind = builtin(std::string_view(name).substr(kPrefix.size()))) {
        return of_kind(*kind);
      }
    }
  }
  if (expr.form != TypeForm::kCommon &&
      (entities_.contains(name) || action_types_.contains(name))) {
    SchemaType entity;
    entity.kind = Kind::kEntity;
    entity.entity = name;
    return made(std::move(entity));
  }
  return nullptr;
}

Result<const SchemaType*> Resolver::named(const TypeExpr& expr) {
  const bool is_plain = expr.name.find("::") == std::string::npos;
  if (is_plain && !space_.empty()) {
    TRY(const SchemaType* local, exact(qualified(space_, expr.name), expr));
    if (local != nullptr) return local;
  }
  TRY(const SchemaType* found, exact(expr.name, expr));
  if (found != nullptr) return found;
  if (is_plain && expr.form != TypeForm::kEntity && !entities_.contains(expr.name)) {
    if (const std::optional<Kind> kind = builtin(expr.name)) return of_kind(*kind);
  }
  return fail(error(expr.range, fmt::format("failed to resolve type: `{}`", expr.name)));
}

Result<std::string> Resolver::entity_name(const NameRef& ref) const {
  if (ref.name.find("::") == std::string::npos) {
    if (std::string local = qualified(space_, ref.name); entities_.contains(local)) return local;
  }
  if (entities_.contains(ref.name)) return ref.name;
  return fail(error(ref.range, fmt::format("failed to resolve type: `{}`", ref.name)));
}

Result<const SchemaType*> Resolver::must_be_record(const TypeExpr& expr, std::string_view what) {
  TRY(const SchemaType* type, this->type(expr));
  if (type->kind == Kind::kRecord) return type;
  return fail(
      error(expr.range, fmt::format("{} is declared with a type other than `Record`", what)));
}

Result<std::monostate> Resolver::add(const EntityDecl& decl) {
  EntityType entity;
  entity.name = qualified(space_, decl.name);
  entity.ids = decl.ids;
  for (const NameRef& parent : decl.parents) {
    TRY(std::string name, entity_name(parent));
    entity.parents.insert(std::move(name));
  }
  TRY(entity.shape, must_be_record(decl.shape, fmt::format("entity type `{}`", entity.name)));
  if (decl.tags) {
    TRY(entity.tags, type(*decl.tags));
  }
  out_.entities.emplace(entity.name, std::move(entity));
  return std::monostate();
}

Result<EntityUid> Resolver::action_uid(const ActionRef& ref) const {
  const std::string type = ref.type.value_or("Action");
  if (type.find("::") == std::string::npos) {
    if (EntityUid local{qualified(space_, type), ref.id}; actions_.contains(local)) return local;
  }
  if (EntityUid uid{type, ref.id}; actions_.contains(uid)) return uid;
  return fail(error(ref.range, fmt::format("undeclared action: `{}::{}`", type, quote(ref.id))));
}

Result<std::monostate> Resolver::add(const ActionDecl& decl) {
  ActionType action;
  action.uid = {qualified(space_, "Action"), decl.name};
  if (decl.parents) {
    for (const ActionRef& ref : *decl.parents) {
      TRY(EntityUid parent, action_uid(ref));
      action.parents.insert(std::move(parent));
    }
  }
  if (decl.applies_to) {
    for (const NameRef& ref : decl.applies_to->principals) {
      TRY(std::string name, entity_name(ref));
      action.principals.insert(std::move(name));
    }
    for (const NameRef& ref : decl.applies_to->resources) {
      TRY(std::string name, entity_name(ref));
      action.resources.insert(std::move(name));
    }
    environments_ += action.principals.size() * action.resources.size();
    if (environments_ > kEnvironmentsMax) {
      return fail(exhausted(decl.range, fmt::format("the actions up to `{}` apply to more than {} "
                                                    "pairs of a principal and a resource in all",
                                                    action.uid.text(), kEnvironmentsMax)));
    }
    TRY(action.context, must_be_record(decl.applies_to->context,
                                       fmt::format("context for action `{}`", action.uid.text())));
  } else {
    action.context = of_kind(Kind::kRecord);
  }
  out_.actions.emplace(action.uid, std::move(action));
  return std::monostate();
}

// Every type reachable over parents, also itself when the parents lead back to it.
Result<std::monostate> Resolver::close_entities() {
  std::size_t ancestors = 0;
  for (auto& [name, entity] : out_.entities) {
    std::vector<std::string> open(entity.parents.begin(), entity.parents.end());
    while (!open.empty()) {
      const std::string next = std::move(open.back());
      open.pop_back();
      if (!entity.ancestors.insert(next).second) continue;
      if (++ancestors > kAncestorsMax) {
        return fail(exhausted(entities_.find(name)->second,
                              fmt::format("the entity types up to `{}` have more than {} ancestors "
                                          "in all",
                                          name, kAncestorsMax)));
      }
      const EntityType& parent = out_.entities.at(next);
      open.insert(open.end(), parent.parents.begin(), parent.parents.end());
    }
    for (const std::string& ancestor : entity.ancestors) {
      out_.entities.at(ancestor).descendants.insert(name);
    }
  }
  return std::monostate();
}

Range Resolver::range_of(const EntityUid& action) const {
  for (const NamespaceDecl& space : fragment_.namespaces) {
    if (qualified(space.name, "Action") != action.type) continue;
    for (const ActionDecl& decl : space.actions) {
      if (decl.name == action.id) return decl.range;
    }
  }
  return {};
}

Result<std::monostate> Resolver::close_actions() {
  std::size_t ancestors = 0;
  for (auto& [uid, action] : out_.actions) {
    std::vector<EntityUid> open(action.parents.begin(), action.parents.end());
    while (!open.empty()) {
      const EntityUid next = std::move(open.back());
      open.pop_back();
      if (!action.ancestors.insert(next).second) continue;
      if (++ancestors > kAncestorsMax) {
        return fail(exhausted(range_of(uid), fmt::format("the actions up to `{}` have more than {} "
                                                         "ancestors in all",
                                                         uid.text(), kAncestorsMax)));
      }
      const ActionType& parent = out_.actions.at(next);
      open.insert(open.end(), parent.parents.begin(), parent.parents.end());
    }
    if (action.ancestors.contains(uid)) {
      return fail(error(range_of(uid),
                        fmt::format("cycle in action hierarchy containing `{}`", uid.text())));
    }
    for (const EntityUid& ancestor : action.ancestors) {
      out_.actions.at(ancestor).descendants.insert(uid);
    }
  }
  return std::monostate();
}

}  // namespace

Result<std::shared_ptr<const SchemaContent>> resolve_schema(SchemaFragment fragment, Range* where) {
  auto content = std::make_shared<SchemaContent>();
  auto kept = std::make_shared<const SchemaFragment>(std::move(fragment));
  TRY_VOID(Resolver(*kept, *content, where).run());
  content->fragment = kept;
  return content;
}

Schema::~Schema() = default;

Result<Schema> Schema::parse(std::string_view text) {
  TRY(SchemaFragment fragment, parse_schema_text(text));
  TRY(std::shared_ptr<const SchemaContent> content, resolve_schema(std::move(fragment)));
  return Schema(std::move(content));
}

}  // namespace keyturn::cedar
