// The JSON schema format, both ways.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/json_place.h"
#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/schema_fragment.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

using Keys = std::initializer_list<std::string_view>;

class SchemaReader {
 public:
  // `parts`: what names were read from; the range of what was read from the first begins at 1.
  SchemaReader(JsonFault& fault, std::vector<const Json*>& parts) : fault_(fault), parts_(parts) {}

  Result<std::vector<NamespaceDecl>> run(const Json& json) {
    TRY(const Json::Object* spaces, object(json, "the schema", {}));
    std::vector<NamespaceDecl> result;
    for (const auto& [name, space] : *spaces) {
      if (!name.empty() && !is_name(name)) {
        fault_.note(space);
        return fail(Code::kInvalid, "`{}` is not a valid namespace", name);
      }
      TRY(NamespaceDecl decl, fault_.at(space, this->space(name, space)));
      result.push_back(std::move(decl));
    }
    return result;
  }

 private:
  // An object with no other keys than `known`; any keys if that is empty.
  Result<const Json::Object*> object(const Json& json, std::string_view what, Keys known) {
    const Json::Object* members = json.if_object();
    if (members == nullptr) {
      fault_.note(json);
      return fail(Code::kInvalid, "{} must be a JSON object", what);
    }
    for (const auto& [key, value] : *members) {
      if (known.size() != 0 && std::find(known.begin(), known.end(), key) == known.end()) {
        fault_.note(value);
        return fail(Code::kInvalid, "unknown field `{}` in {}, expected one of `{}`", key, what,
                    fmt::join(known, "`, `"));
      }
    }
    return members;
  }

  Result<std::vector<Note>> notes(const Json& json) {
    std::vector<Note> result;
    const Json* group = json.find("annotations");
    if (group == nullptr) return result;
    TRY(const Json::Object* members, object(*group, "`annotations`", {}));
    for (const auto& [key, value] : *members) {
      if (!is_identifier(key)) {
        fault_.note(value);
        return fail(Code::kInvalid, "`{}` is not a valid annotation key", key);
      }
      if (!value.is_string() && !value.is_null()) {
        fault_.note(value);
        return fail(Code::kInvalid, "the annotation `{}` must be a string", key);
      }
      result.push_back({key, value.is_string() ? *value.if_string() : "", !value.is_null()});
    }
    return result;
  }

  Result<NamespaceDecl> space(const std::string& name, const Json& json) {
    TRY_VOID(object(json, fmt::format("namespace `{}`", name),
                    {"commonTypes", "entityTypes", "actions", "annotations"}));
    NamespaceDecl decl;
    decl.name = name;
    TRY(decl.notes, notes(json));
    for (const char* key : {"entityTypes", "actions"}) {
      if (json.find(key) == nullptr) {
        return fail(Code::kInvalid, "missing field `{}` in namespace `{}`", key, name);
      }
    }
    if (const Json* commons = json.find("commonTypes")) TRY_VOID(this->commons(*commons, decl));
    TRY(const Json::Object* entities, object(*json.find("entityTypes"), "`entityTypes`", {}));
    for (const auto& [key, value] : *entities) {
      TRY(EntityDecl entity, fault_.at(value, this->entity(key, value)));
      decl.entities.push_back(std::move(entity));
    }
    TRY(const Json::Object* actions, object(*json.find("actions"), "`actions`", {}));
    for (const auto& [key, value] : *actions) {
      TRY(ActionDecl action, fault_.at(value, this->action(key, value)));
      decl.actions.push_back(std::move(action));
    }
    return decl;
  }

  Result<std::monostate> commons(const Json& json, NamespaceDecl& into) {
    TRY(const Json::Object* members, object(json, "`commonTypes`", {}));
    for (const auto& [key, value] : *members) {
      if (!is_identifier(key) || is_reserved(key) || is_reserved_type(key)) {
        fault_.note(value);
        return fail(Code::kInvalid, "`{}` is not a valid name of a common type", key);
      }
      CommonDecl common;
      common.name = key;
      common.range = mark(value);
      TRY(common.notes, notes(value));
      TRY(common.type, type(value, {"annotations"}));
      into.commons.push_back(std::move(common));
    }
    return std::monostate();
  }

  Result<std::vector<NameRef>> names(const Json& json, std::string_view what) {
    const Json::Array* items = json.if_array();
    if (items == nullptr) {
      fault_.note(json);
      return fail(Code::kInvalid, "{} must be an array", what);
    }
    std::vector<NameRef> result;
    for (const Json& item : *items) {
      const std::string* name = item.if_string();
      if (name == nullptr || !is_path(*name)) {
        fault_.note(item);
        return fail(Code::kInvalid, "{} has `{}`, which is no type name", what, to_text(item));
      }
      result.push_back({*name, mark(item)});
    }
    return result;
  }

  // As is_name, but `__cedar` may be referred to.
  static bool is_path(std::string_view name) {
    constexpr std::string_view kPrefix = "__cedar::";
    return is_name(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
  }

  Result<EntityDecl> entity(const std::string& name, const Json& json) {
    const std::string what = fmt::format("entity type `{}`", name);
    if (!is_identifier(name) || is_reserved(name)) {
      return fail(Code::kInvalid, "`{}` is not a valid name of an entity type", name);
    }
    TRY_VOID(object(json, what, {"memberOfTypes", "shape", "tags", "enum", "annotations"}));
    EntityDecl entity;
    entity.name = name;
    entity.range = mark(json);
    TRY(entity.notes, notes(json));
    if (const Json* parents = json.find("memberOfTypes")) {
      TRY(entity.parents, names(*parents, "`memberOfTypes`"));
    }
    if (const Json* shape = json.find("shape")) {
      TRY(entity.shape, type(*shape, {}));
    }
    if (const Json* tags = json.find("tags"); tags != nullptr && !tags->is_null()) {
      TRY(entity.tags, type(*tags, {}));
    }
    const Json* ids = json.find("enum");
    if (ids == nullptr) return entity;
    const Json::Array* items = ids->if_array();
    if (items == nullptr || items->empty()) {
      fault_.note(*ids);
      return fail(Code::kInvalid, "`enum` of {} must be a non-empty array of strings", what);
    }
    if (json.find("memberOfTypes") || json.find("shape") || json.find("tags")) {
      return fail(Code::kInvalid, "{} is enumerated and may have no other field", what);
    }
    for (const Json& item : *items) {
      if (!item.is_string()) {
        fault_.note(item);
        return fail(Code::kInvalid, "`enum` of {} must be strings", what);
      }
      entity.ids.push_back(*item.if_string());
    }
    return entity;
  }

  Result<ActionDecl> action(const std::string& name, const Json& json) {
    const std::string what = fmt::format("action `{}`", name);
    TRY_VOID(object(json, what, {"attributes", "appliesTo", "memberOf", "annotations"}));
    ActionDecl action;
    action.name = name;
    action.range = mark(json);
    TRY(action.notes, notes(json));
    if (const Json* attributes = json.find("attributes"); attributes && !attributes->is_null()) {
      TRY(const Json::Object* members, object(*attributes, "`attributes`", {}));
      if (!members->empty()) {
        return fail(Code::kInvalid, "{} has attributes, which actions cannot have", what);
      }
    }
    if (const Json* parents = json.find("memberOf"); parents && !parents->is_null()) {
      TRY(action.parents, action_refs(*parents));
    }
    if (const Json* spec = json.find("appliesTo"); spec && !spec->is_null()) {
      TRY_VOID(object(*spec, "`appliesTo`", {"resourceTypes", "principalTypes", "context"}));
      AppliesTo applies;
      for (const char* key : {"principalTypes", "resourceTypes"}) {
        const Json* list = spec->find(key);
        if (list == nullptr) {
          fault_.note(*spec);
          return fail(Code::kInvalid, "missing field `{}` in {}", key, what);
        }
        TRY(std::vector<NameRef> types, names(*list, fmt::format("`{}`", key)));
        (key == std::string_view("principalTypes") ? applies.principals : applies.resources) =
            std::move(types);
      }
      if (const Json* context = spec->find("context")) {
        TRY(applies.context, type(*context, {}));
      }
      action.applies_to = std::move(applies);
    }
    return action;
  }

  Result<std::vector<ActionRef>> action_refs(const Json& json) {
    const Json::Array* items = json.if_array();
    if (items == nullptr) {
      fault_.note(json);
      return fail(Code::kInvalid, "`memberOf` must be an array");
    }
    std::vector<ActionRef> refs;
    for (const Json& item : *items) {
      TRY_VOID(object(item, "an item of `memberOf`", {"id", "type"}));
      ActionRef ref;
      ref.range = mark(item);
      TRY(ref.id, fault_.at(item, item.get_string("id")));
      if (const Json* type = item.find("type"); type != nullptr && !type->is_null()) {
        if (!type->is_string() || !is_path(*type->if_string())) {
          fault_.note(*type);
          return fail(Code::kInvalid, "`{}` is no action type", to_text(*type));
        }
        ref.type = *type->if_string();
      }
      refs.push_back(std::move(ref));
    }
    return refs;
  }

  // `extra` are keys beside the type's own that the place allows.
  Result<TypeExpr> type(const Json& json, Keys extra) {
    Result<TypeExpr> read = read_type(json, extra);
    if (!read) fault_.note(json);
    return read;
  }

  Result<TypeExpr> read_type(const Json& json, Keys extra) {
    if (!json.is_object()) return fail(Code::kInvalid, "a type must be a JSON object");
    TRY(const std::string name, json.get_string("type"));
    TypeExpr type;
    type.range = mark(json);
    std::vector<std::string_view> own = {"type"};
    if (name == "Set") {
      type.form = TypeForm::kSet;
      own.emplace_back("element");
      const Json* element = json.find("element");
      if (element == nullptr) return fail(Code::kInvalid, "missing field `element` of a set");
      TRY(TypeExpr inner, this->type(*element, {}));
      type.element.push_back(std::move(inner));
    } else if (name == "Record") {
      own.insert(own.end(), {"attributes", "additionalAttributes"});
      TRY_VOID(record(json, type));
    } else if (name == "Boolean" || name == "Long" || name == "String") {
      type.form = TypeForm::kPrimitive;
      type.name = name;
    } else if (name == "Entity" || name == "EntityOrCommon" || name == "Extension") {
      own.emplace_back("name");
      type.form = name == "Entity"      ? TypeForm::kEntity
                  : name == "Extension" ? TypeForm::kExtension
                                        : TypeForm::kName;
      TRY(type.name, json.get_string("name"));
    } else {
      type.form = TypeForm::kCommon;
      type.name = name;
    }
    if (!type.name.empty() && !is_path(type.name)) {
      return fail(Code::kInvalid, "`{}` is no type name", type.name);
    }
    for (const auto& [key, value] : *json.if_object()) {
      if (std::find(own.begin(), own.end(), key) == own.end() &&
          std::find(extra.begin(), extra.end(), key) == extra.end()) {
        fault_.note(value);
        return fail(Code::kInvalid, "unknown field `{}` in the type `{}`", key, name);
      }
    }
    return type;
  }

  Result<std::monostate> record(const Json& json, TypeExpr& type) {
    type.form = TypeForm::kRecord;
    const Json* open = json.find("additionalAttributes");
    if (open != nullptr && (!open->is_bool() || *open->if_bool())) {
      return fail(Code::kInvalid, "records with additional attributes are not supported");
    }
    const Json* attributes = json.find("attributes");
    if (attributes == nullptr) {
      return fail(Code::kInvalid, "missing field `attributes` of a record");
    }
    TRY(const Json::Object* members, object(*attributes, "`attributes`", {}));
    for (const auto& [name, value] : *members) {
      AttributeDecl attribute;
      attribute.name = name;
      TRY(attribute.type, this->type(value, {"required", "annotations"}));
      TRY(attribute.notes, notes(value));
      if (value.find("required") != nullptr) {
        TRY(attribute.is_required, fault_.at(value, value.get_bool("required")));
      }
      type.attributes.push_back(std::move(attribute));
    }
    return std::monostate();
  }

  Range mark(const Json& json) {
    parts_.push_back(&json);
    const auto number = static_cast<std::uint32_t>(parts_.size());
    return {number, number};
  }

  JsonFault& fault_;
  std::vector<const Json*>& parts_;
};

// An object built by keys that may repeat: the last value stands, where the first one stood. Unlike
// Json::set it finds them without looking through all, of which there may be hundreds of thousands.
class Members {
 public:
  void set(const std::string& key, Json value) {
    const auto [at, is_new] = places_.emplace(key, members_.size());
    if (is_new) {
      members_.emplace_back(key, std::move(value));
    } else {
      members_[at->second].second = std::move(value);
    }
  }
  Json take() { return Json(std::move(members_)); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  Json::Object members_;
};

Json notes_json(const std::vector<Note>& notes) {
  Json::Object members;
  for (const Note& note : notes) members.emplace_back(note.key, Json(note.value));
  return Json(std::move(members));
}

void add_notes(Json& to, const std::vector<Note>& notes) {
  if (!notes.empty()) to.set("annotations", notes_json(notes));
}

Json names_json(const std::vector<NameRef>& names) {
  Json::Array items;
  for (const NameRef& name : names) items.push_back(Json(name.name));
  return Json(std::move(items));
}

Json type_json(const TypeExpr& type) {
  switch (type.form) {
    case TypeForm::kName:
      return Json::object({{"type", "EntityOrCommon"}, {"name", Json(type.name)}});
    case TypeForm::kEntity:
      return Json::object({{"type", "Entity"}, {"name", Json(type.name)}});
    case TypeForm::kExtension:
      return Json::object({{"type", "Extension"}, {"name", Json(type.name)}});
    case TypeForm::kCommon:
    case TypeForm::kPrimitive:
      return Json::object({{"type", Json(type.name)}});
    case TypeForm::kSet:
      return object_of("type", "Set", "element", type_json(type.element.front()));
    case TypeForm::kRecord:
      break;
  }
  Members attributes;
  for (const AttributeDecl& attribute : type.attributes) {
    Json json = type_json(attribute.type);
    add_notes(json, attribute.notes);
    if (!attribute.is_required) json.set("required", false);
    attributes.set(attribute.name, std::move(json));
  }
  return object_of("type", "Record", "attributes", attributes.take());
}

bool is_empty_record(const TypeExpr& type) {
  return type.form == TypeForm::kRecord && type.attributes.empty();
}

Json entity_json(const EntityDecl& entity) {
  Json json = Json(Json::Object());
  if (!entity.ids.empty()) {
    Json::Array ids;
    for (const std::string& id : entity.ids) ids.push_back(Json(id));
    json.set("enum", Json(std::move(ids)));
  }
  if (!entity.parents.empty()) json.set("memberOfTypes", names_json(entity.parents));
  if (!is_empty_record(entity.shape)) json.set("shape", type_json(entity.shape));
  if (entity.tags) json.set("tags", type_json(*entity.tags));
  add_notes(json, entity.notes);
  return json;
}

Json action_json(const ActionDecl& action) {
  Json json = Json(Json::Object());
  const AppliesTo applies = action.applies_to.value_or(AppliesTo{});
  Json spec = Json::object({{"principalTypes", names_json(applies.principals)},
                            {"resourceTypes", names_json(applies.resources)}});
  if (!is_empty_record(applies.context)) spec.set("context", type_json(applies.context));
  json.set("appliesTo", std::move(spec));
  if (action.parents) {
    Json::Array parents;
    for (const ActionRef& ref : *action.parents) {
      Json parent = Json::object({{"id", Json(ref.id)}});
      if (ref.type) parent.set("type", Json(*ref.type));
      parents.push_back(std::move(parent));
    }
    json.set("memberOf", Json(std::move(parents)));
  }
  add_notes(json, action.notes);
  return json;
}

}  // namespace

Result<Schema> Schema::parse_json(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const Json json, parse_strict(text, kSchemaJsonLimits));
  JsonFault fault;
  std::vector<const Json*> parts;
  SchemaFragment fragment;
  Result<std::vector<NamespaceDecl>> namespaces = SchemaReader(fault, parts).run(json);
  if (!namespaces) return fail(fault.placed(std::move(namespaces.error()), json, text));
  fragment.namespaces = std::move(*namespaces);
  Range where;
  Result<std::shared_ptr<const SchemaContent>> content =
      resolve_schema(std::move(fragment), &where);
  if (content) return Schema(std::move(*content));
  if (where.begin > 0) fault.note(*parts[where.begin - 1]);
  return fail(fault.placed(std::move(content.error()), json, text));
}

Json Schema::json() const {
  Members result;
  for (const NamespaceDecl& space : content_->fragment->namespaces) {
    Json json = Json(Json::Object());
    if (!space.commons.empty()) {
      Members commons;
      for (const CommonDecl& common : space.commons) {
        Json type = type_json(common.type);
        add_notes(type, common.notes);
        commons.set(common.name, std::move(type));
      }
      json.set("commonTypes", commons.take());
    }
    Members entities;
    for (const EntityDecl& entity : space.entities) entities.set(entity.name, entity_json(entity));
    Members actions;
    for (const ActionDecl& action : space.actions) actions.set(action.name, action_json(action));
    json.set("entityTypes", entities.take());
    json.set("actions", actions.take());
    add_notes(json, space.notes);
    result.set(space.name, std::move(json));
  }
  return result.take();
}

}  // namespace keyturn::cedar
