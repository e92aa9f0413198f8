#include "cedar/schema_content.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/extension.h"

namespace keyturn::cedar {

bool is_action_type(std::string_view type) {
  return type == "Action" || type.ends_with("::Action");
}

std::string to_text(const SchemaType& type) {
  switch (type.kind) {
    case Kind::kBool:
      return "Bool";
    case Kind::kLong:
      return "Long";
    case Kind::kString:
      return "String";
    case Kind::kEntity:
      return type.entity;
    case Kind::kSet:
      return fmt::format("Set<{}>", to_text(*type.element));
    case Kind::kRecord: {
      std::string text = "{";
      for (const auto& [name, attribute] : type.attributes) {
        text += fmt::format("{}{}{}: {}", text.size() > 1 ? ", " : "", name,
                            attribute.is_required ? "" : "?", to_text(*attribute.type));
      }
      return text + "}";
    }
    default:
      return std::string(kind_name(type.kind));
  }
}

const EntityType* SchemaContent::find_entity(std::string_view name) const {
  const auto at = entities.find(name);
  return at == entities.end() ? nullptr : &at->second;
}

const ActionType* SchemaContent::find_action(const EntityUid& uid) const {
  const auto at = actions.find(uid);
  return at == actions.end() ? nullptr : &at->second;
}

bool SchemaContent::knows_type(std::string_view name) const {
  return is_action_type(name) || find_entity(name) != nullptr;
}

std::optional<std::string> wrong_uid(const SchemaContent& schema, const Uid& uid) {
  const std::string_view type = uid.type->view();
  const EntityType* entity = schema.find_entity(type);
  if (entity != nullptr && !entity->ids.empty() &&
      std::find(entity->ids.begin(), entity->ids.end(), uid.id->view()) == entity->ids.end()) {
    return fmt::format(
        "entity `{}` is of an enumerated entity type, but `{}` is not declared as a valid eid",
        to_text(uid), quote(uid.id->view()));
  }
  if (is_action_type(type) &&
      schema.find_action({std::string(type), std::string(uid.id->view())}) == nullptr) {
    return fmt::format(
        "found action entity `{}`, but it was not declared as an action in the schema",
        to_text(uid));
  }
  return std::nullopt;
}

std::optional<std::string> wrong_uid_in(const SchemaContent& schema, const Value& value) {
  if (value.kind == Kind::kEntity) return wrong_uid(schema, *value.uid);
  if (value.kind == Kind::kSet) {
    for (const Value& item : value.set->items) {
      if (auto wrong = wrong_uid_in(schema, item)) return wrong;
    }
  }
  if (value.kind == Kind::kRecord) {
    for (const Field& field : value.record->fields) {
      if (auto wrong = wrong_uid_in(schema, field.value)) return wrong;
    }
  }
  return std::nullopt;
}

bool conforms(const Value& value, const SchemaType& type) {
  if (value.kind != type.kind) return false;
  if (type.kind == Kind::kEntity) return value.uid->type->view() == type.entity;
  if (type.kind == Kind::kSet) {
    return std::all_of(value.set->items.begin(), value.set->items.end(),
                       [&](const Value& item) { return conforms(item, *type.element); });
  }
  if (type.kind != Kind::kRecord) return true;
  std::size_t required = 0;
  for (const Field& field : value.record->fields) {
    const auto at = type.attributes.find(field.key->view());
    if (at == type.attributes.end() || !conforms(field.value, *at->second.type)) return false;
    if (at->second.is_required) ++required;
  }
  return required == static_cast<std::size_t>(
                         std::count_if(type.attributes.begin(), type.attributes.end(),
                                       [](const auto& entry) { return entry.second.is_required; }));
}

}  // namespace keyturn::cedar
