// Actions as they were recorded, read again.
#include "action/action.h"

namespace keyturn {
namespace {

Result<const Json*> member(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value == nullptr) return fail(Code::kCorrupt, "the recorded action lacks `{}`", key);
  return value;
}

Result<void> read_text(const Json& object, std::string_view key, std::string& into) {
  TRY(const Json* const value, member(object, key));
  const std::string* text = value->if_string();
  if (text == nullptr) return fail(Code::kCorrupt, "the recorded `{}` is no text", key);
  into = *text;
  return {};
}

Result<void> read_texts(const Json& object, std::string_view key, std::vector<std::string>& into) {
  TRY(const Json* const value, member(object, key));
  const Json::Array* items = value->if_array();
  if (items == nullptr) return fail(Code::kCorrupt, "the recorded `{}` is no list", key);
  for (const Json& item : *items) {
    const std::string* text = item.if_string();
    if (text == nullptr) return fail(Code::kCorrupt, "the recorded `{}` holds no texts", key);
    into.push_back(*text);
  }
  return {};
}

Result<Tags> read_tags(const Json& object) {
  TRY(const Json* const value, member(object, "tags"));
  const Json::Object* members = value->if_object();
  if (members == nullptr) return fail(Code::kCorrupt, "the recorded `tags` are no object");
  Tags tags;
  for (const auto& [key, text] : *members) {
    if (text.if_string() == nullptr) return fail(Code::kCorrupt, "a recorded tag is no text");
    tags.emplace(key, *text.if_string());
  }
  return tags;
}

Result<Resource> read_resource(const Json& recorded) {
  Resource resource;
  std::string tier;
  for (const auto& [key, into] :
       {std::pair{"name", &resource.name}, std::pair{"type", &resource.type},
        std::pair{"account", &resource.account}, std::pair{"region", &resource.region},
        std::pair{"environment", &resource.environment}, std::pair{"tier", &tier}}) {
    TRY_VOID(read_text(recorded, key, *into));
  }
  TRY(resource.tier, context(parse_tier(tier), "the recorded action"));
  TRY(resource.tags, read_tags(recorded));
  return resource;
}

Result<std::vector<Resource>> read_resources(const Json& recorded) {
  TRY(const Json* const value, member(recorded, "resources"));
  const Json::Array* items = value->if_array();
  if (items == nullptr) return fail(Code::kCorrupt, "the recorded `resources` are no list");
  std::vector<Resource> resources;
  for (const Json& item : *items) {
    TRY(Resource resource, read_resource(item));
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace

Result<Action> read_action(const Json& recorded) {
  Action action;
  std::string effect;
  std::string digest;
  for (const auto& [key, into] :
       {std::pair{"door", &action.door}, std::pair{"service", &action.service},
        std::pair{"operation", &action.operation}, std::pair{"access_level", &action.access_level},
        std::pair{"account", &action.account}, std::pair{"region", &action.region},
        std::pair{"effect", &effect}, std::pair{"digest", &digest}}) {
    TRY_VOID(read_text(recorded, key, *into));
  }
  TRY(action.effect, context(parse_effect(effect), "the recorded action"));
  TRY(action.digest, context(Digest::from_hex(digest), "the recorded action"));
  TRY(const Json* const understood, member(recorded, "understood"));
  if (understood->if_bool() == nullptr) {
    return fail(Code::kCorrupt, "the recorded `understood` is neither true nor false");
  }
  action.understood = *understood->if_bool();
  TRY_VOID(read_texts(recorded, "iam_actions", action.iam_actions));
  TRY(action.resources, read_resources(recorded));
  TRY(const Json* const parameters, member(recorded, "parameters"));
  action.parameters = *parameters;
  TRY(const Json* const attributes, member(recorded, "attributes"));
  action.attributes = *attributes;
  // For people; too long a list is recorded as its digest.
  if (const Json* why = recorded.find("why"); why != nullptr && why->is_array()) {
    TRY_VOID(read_texts(recorded, "why", action.why));
  }
  return action;
}

}  // namespace keyturn
