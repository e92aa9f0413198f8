#include "cedar/checked_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/cedar.h"
#include "cedar/escape.h"

namespace keyturn::cedar {
namespace {

// Comparing one attribute, which is looked up by name, takes about as long as typing some nodes.
constexpr std::size_t kCompareWork = 8;

bool is_subtype_attributes(const CheckedAttributes& a, const CheckedAttributes& b,
                           ValidationMode mode) {
  return std::all_of(b.begin(), b.end(), [&](const auto& entry) {
    const auto at = a.find(entry.first);
    if (at == a.end()) return false;
    const bool qualifier = mode == ValidationMode::kStrict
                               ? at->second.is_required == entry.second.is_required
                               : at->second.is_required || !entry.second.is_required;
    return qualifier && is_subtype(at->second.type, entry.second.type, mode);
  });
}

bool has_same_keys(const CheckedAttributes& a, const CheckedAttributes& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](auto& x, auto& y) { return x.first == y.first; });
}

bool is_subtype_record(const CheckedType& a, const CheckedType& b, ValidationMode mode) {
  if (a.is_open && !b.is_open) return false;
  if (b.is_open && mode != ValidationMode::kStrict &&
      is_subtype_attributes(a.attributes, b.attributes, mode)) {
    return true;
  }
  return has_same_keys(a.attributes, b.attributes) &&
         is_subtype_attributes(a.attributes, b.attributes, mode);
}

bool is_subtype_set(const CheckedType& a, const CheckedType& b, ValidationMode mode) {
  if (b.element == nullptr) return true;
  return a.element != nullptr && is_subtype(a.element, b.element, mode);
}

}  // namespace

bool is_bool(const CheckedType& type) {
  return type.tag == Tag::kBool || type.tag == Tag::kTrue || type.tag == Tag::kFalse;
}

bool is_ordered(const CheckedType& type) {
  return type.tag == Tag::kLong ||
         (type.tag == Tag::kExtension &&
          (type.extension == Kind::kDatetime || type.extension == Kind::kDuration));
}

bool same_type(TypeRef a, TypeRef b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->tag != b->tag) return false;
  switch (a->tag) {
    case Tag::kExtension:
      return a->extension == b->extension;
    case Tag::kSet:
      return same_type(a->element, b->element);
    case Tag::kEntity:
      return a->entities == b->entities;
    case Tag::kRecord:
      return a->is_open == b->is_open && has_same_keys(a->attributes, b->attributes) &&
             std::equal(a->attributes.begin(), a->attributes.end(), b->attributes.begin(),
                        [](auto& x, auto& y) {
                          return x.second.is_required == y.second.is_required &&
                                 same_type(x.second.type, y.second.type);
                        });
    default:
      return true;
  }
}

bool is_subtype(TypeRef a, TypeRef b, ValidationMode mode) {
  if (a == b || a->tag == Tag::kNever) return true;
  if (b->tag == Tag::kBool) return is_bool(*a);
  if (b->tag == Tag::kAnyEntity) {
    return a->tag == Tag::kAnyEntity || (a->tag == Tag::kEntity && mode != ValidationMode::kStrict);
  }
  if (a->tag != b->tag) return false;
  switch (a->tag) {
    case Tag::kExtension:
      return a->extension == b->extension;
    case Tag::kSet:
      return is_subtype_set(*a, *b, mode);
    case Tag::kRecord:
      return is_subtype_record(*a, *b, mode);
    case Tag::kEntity:
      return mode == ValidationMode::kStrict
                 ? a->entities == b->entities
                 : std::includes(b->entities.begin(), b->entities.end(), a->entities.begin(),
                                 a->entities.end());
    default:
      return true;
  }
}

bool are_disjoint(const CheckedType& a, const CheckedType& b) {
  return a.tag == Tag::kEntity && b.tag == Tag::kEntity &&
         std::none_of(a.entities.begin(), a.entities.end(),
                      [&](const std::string& name) { return b.entities.contains(name); });
}

std::string to_text(const CheckedType& type) {
  switch (type.tag) {
    case Tag::kNever:
      return "__cedar::internal::Never";
    case Tag::kTrue:
      return "__cedar::internal::True";
    case Tag::kFalse:
      return "__cedar::internal::False";
    case Tag::kBool:
      return "Bool";
    case Tag::kLong:
      return "Long";
    case Tag::kString:
      return "String";
    case Tag::kSet:
      return type.element == nullptr ? "Set<__cedar::internal::Any>"
                                     : fmt::format("Set<{}>", to_text(*type.element));
    case Tag::kAnyEntity:
      return "__cedar::internal::AnyEntity";
    case Tag::kEntity:
      return type.entities.size() == 1
                 ? *type.entities.begin()
                 : fmt::format("__cedar::internal::Union<{}>", fmt::join(type.entities, ", "));
    case Tag::kExtension:
      return std::string(kind_name(type.extension));
    case Tag::kRecord:
      break;
  }
  std::string text = "{";
  for (const auto& [name, attribute] : type.attributes) {
    text += fmt::format("{}{}{}: {},", text.size() > 1 ? " " : "",
                        is_identifier(name) ? name : quote(name), attribute.is_required ? "" : "?",
                        to_text(*attribute.type));
  }
  return text + "}";
}

TypeTable::TypeTable(const SchemaContent& schema, std::size_t work_max)
    : schema_(schema), work_left_(work_max) {
  any_set_.tag = Tag::kSet;
  any_record_.tag = Tag::kRecord;
  any_record_.is_open = true;
  entity_set_.tag = Tag::kSet;
  entity_set_.element = plain(Tag::kAnyEntity);
}

void TypeTable::weigh(CheckedType& type) {
  type.weight = 1 + type.entities.size();
  if (type.element != nullptr) type.weight += type.element->weight;
  for (const auto& [name, attribute] : type.attributes) type.weight += attribute.type->weight;
  charge(1 + type.entities.size() + type.attributes.size());
}

TypeRef TypeTable::made(CheckedType type) {
  weigh(type);
  return &made_.emplace_back(std::move(type));
}

TypeRef TypeTable::kept(CheckedType type) {
  weigh(type);
  return &kept_.emplace_back(std::move(type));
}

bool TypeTable::is_below(TypeRef a, TypeRef b, ValidationMode mode) {
  if (a == b) return true;
  charge(kCompareWork * std::min(a->weight, b->weight));
  return is_subtype(a, b, mode);
}

bool TypeTable::is_type_below(const std::string& inner, const std::string& outer) {
  if (inner == outer) return true;
  const EntityType* type = schema_.find_entity(outer);
  if (type != nullptr && type->descendants.contains(inner)) return true;
  if (!is_action_type(outer) || !is_action_type(inner)) return false;
  const auto [known, is_new] = below_.emplace(std::pair(inner, outer), false);
  if (!is_new) return known->second;
  for (const auto& [uid, action] : schema_.actions) {
    if (uid.type != outer) continue;
    charge(1 + action.descendants.size());
    known->second =
        known->second || std::any_of(action.descendants.begin(), action.descendants.end(),
                                     [&](const EntityUid& below) { return below.type == inner; });
  }
  return known->second;
}

std::vector<CheckedType> TypeTable::make_plain() {
  std::vector<CheckedType> plain(static_cast<std::size_t>(Tag::kExtension) + 1);
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i].tag = static_cast<Tag>(i);
  return plain;
}

TypeRef TypeTable::extension(Kind kind) {
  TypeRef& known = extensions_[kind];
  if (known == nullptr) {
    CheckedType type;
    type.tag = Tag::kExtension;
    type.extension = kind;
    known = kept(std::move(type));
  }
  return known;
}

TypeRef TypeTable::of_kind(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return plain(Tag::kBool);
    case Kind::kLong:
      return plain(Tag::kLong);
    case Kind::kString:
      return plain(Tag::kString);
    case Kind::kEntity:
      return plain(Tag::kAnyEntity);
    default:
      return extension(kind);
  }
}

TypeRef TypeTable::set(TypeRef element) {
  CheckedType type;
  type.tag = Tag::kSet;
  type.element = element;
  return made(std::move(type));
}

TypeRef TypeTable::record(CheckedAttributes attributes, bool is_open) {
  CheckedType type;
  type.tag = Tag::kRecord;
  type.attributes = std::move(attributes);
  type.is_open = is_open;
  return made(std::move(type));
}

TypeRef TypeTable::entity(std::string_view name) {
  if (const auto known = entities_.find(name); known != entities_.end()) return known->second;
  CheckedType type;
  type.tag = Tag::kEntity;
  type.entities.emplace(name);
  return entities_.emplace(std::string(name), kept(std::move(type))).first->second;
}

TypeRef TypeTable::declared(const SchemaType& type) {
  if (const auto known = declared_.find(&type); known != declared_.end()) return known->second;
  TypeRef result = nullptr;
  if (type.kind == Kind::kEntity) {
    result = entity(type.entity);
  } else if (type.kind == Kind::kSet) {
    CheckedType set;
    set.tag = Tag::kSet;
    set.element = declared(*type.element);
    result = kept(std::move(set));
  } else if (type.kind == Kind::kRecord) {
    CheckedType record;
    record.tag = Tag::kRecord;
    for (const auto& [name, attribute] : type.attributes) {
      record.attributes[name] = {declared(*attribute.type), attribute.is_required};
    }
    result = kept(std::move(record));
  } else {
    result = of_kind(type.kind);
  }
  declared_.emplace(&type, result);
  return result;
}

TypeRef TypeTable::least_upper_bound(TypeRef a, TypeRef b, ValidationMode mode) {
  if (is_below(a, b, mode)) return b;
  if (is_below(b, a, mode)) return a;
  if (is_bool(*a) && is_bool(*b)) return plain(Tag::kBool);
  if (a->tag == Tag::kSet && b->tag == Tag::kSet) {
    TypeRef element = least_upper_bound(a->element, b->element, mode);
    return element == nullptr ? nullptr : set(element);
  }
  if (a->tag == Tag::kRecord && b->tag == Tag::kRecord) return record_bound(*a, *b, mode);
  const auto is_entity = [](TypeRef type) {
    return type->tag == Tag::kEntity || type->tag == Tag::kAnyEntity;
  };
  if (!is_entity(a) || !is_entity(b) || mode == ValidationMode::kStrict) return nullptr;
  if (a->tag == Tag::kAnyEntity || b->tag == Tag::kAnyEntity) return plain(Tag::kAnyEntity);
  CheckedType both = *a;
  both.entities.insert(b->entities.begin(), b->entities.end());
  return made(std::move(both));
}

TypeRef TypeTable::least_upper_bound(const std::vector<TypeRef>& types, ValidationMode mode) {
  TypeRef bound = plain(Tag::kNever);
  for (TypeRef type : types) {
    bound = least_upper_bound(bound, type, mode);
    if (bound == nullptr) return nullptr;
  }
  return bound;
}

CheckedAttributes TypeTable::permissive_bound(const CheckedAttributes& a,
                                              const CheckedAttributes& b) {
  CheckedAttributes bound;
  for (const auto& [name, attribute] : a) {
    const auto other = b.find(name);
    if (other == b.end()) continue;
    TypeRef type =
        least_upper_bound(attribute.type, other->second.type, ValidationMode::kPermissive);
    if (type == nullptr) continue;
    bound[name] = {type, attribute.is_required && other->second.is_required};
  }
  return bound;
}

TypeRef TypeTable::record_bound(const CheckedType& a, const CheckedType& b, ValidationMode mode) {
  if (mode == ValidationMode::kPermissive) {
    CheckedAttributes bound = permissive_bound(a.attributes, b.attributes);
    const bool lost = !has_same_keys(bound, a.attributes) || !has_same_keys(bound, b.attributes);
    return record(std::move(bound), a.is_open || b.is_open || lost);
  }
  if (!has_same_keys(a.attributes, b.attributes)) return nullptr;
  CheckedAttributes bound;
  for (const auto& [name, attribute] : a.attributes) {
    const CheckedAttribute& other = b.attributes.find(name)->second;
    TypeRef type = least_upper_bound(attribute.type, other.type, mode);
    if (type == nullptr || attribute.is_required != other.is_required) return nullptr;
    bound[name] = {type, attribute.is_required};
  }
  return record(std::move(bound), a.is_open || b.is_open);
}

CheckedAttribute TypeTable::attribute(const CheckedType& type, std::string_view name) {
  if (type.tag == Tag::kRecord) {
    const auto at = type.attributes.find(name);
    return at == type.attributes.end() ? CheckedAttribute{} : at->second;
  }
  if (type.tag != Tag::kEntity) return {};
  charge(type.entities.size());
  // Certain only if every type of the union has it, with types that have a bound.
  CheckedAttribute bound;
  for (const std::string& entity : type.entities) {
    const EntityType* declared_type = schema_.find_entity(entity);
    if (declared_type == nullptr) return {};
    const auto at = declared_type->shape->attributes.find(name);
    if (at == declared_type->shape->attributes.end()) return {};
    const CheckedAttribute here{declared(*at->second.type), at->second.is_required};
    if (bound.type == nullptr) {
      bound = here;
      continue;
    }
    bound.type = least_upper_bound(bound.type, here.type, ValidationMode::kPermissive);
    if (bound.type == nullptr) return {};
    bound.is_required = bound.is_required && here.is_required;
  }
  return bound;
}

bool TypeTable::may_have(const CheckedType& type, std::string_view name) const {
  if (type.tag == Tag::kNever || type.tag == Tag::kAnyEntity) return true;
  if (type.tag == Tag::kRecord) return type.is_open || type.attributes.contains(name);
  if (type.tag != Tag::kEntity) return false;
  return std::any_of(type.entities.begin(), type.entities.end(), [&](const std::string& entity) {
    const EntityType* declared_type = schema_.find_entity(entity);
    if (declared_type == nullptr) return !is_action_type(entity);
    return declared_type->shape->attributes.contains(name);
  });
}

std::vector<TypeRef> TypeTable::tag_types(const CheckedType& type) {
  std::vector<TypeRef> types;
  if (type.tag == Tag::kEntity && type.entities.size() == 1) {
    const EntityType* one = schema_.find_entity(*type.entities.begin());
    if (one != nullptr && one->tags != nullptr) types.push_back(declared(*one->tags));
    return types;
  }
  charge(schema_.entities.size());
  for (const auto& [name, entity] : schema_.entities) {
    const bool is_meant = type.tag == Tag::kAnyEntity || type.entities.contains(name);
    if (is_meant && entity.tags != nullptr) types.push_back(declared(*entity.tags));
  }
  return types;
}

}  // namespace keyturn::cedar
