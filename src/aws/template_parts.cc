#include "aws/template_parts.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

const Json kNothing;

// The names within `${…}` of Fn::Sub, without what is escaped as `${!…}`.
void collect_substituted(std::string_view text, Names& names) {
  for (std::size_t open = text.find("${"); open != text.npos; open = text.find("${", open + 2)) {
    const std::size_t close = text.find('}', open);
    if (close == text.npos) return;
    const std::string_view name = text.substr(open + 2, close - open - 2);
    if (!name.starts_with('!')) names.emplace(name.substr(0, name.find('.')));
  }
}

// What only CloudFormation can expand.
bool is_opaque(const Json& value) {
  if (const auto* array = value.if_array()) {
    return std::any_of(array->begin(), array->end(), is_opaque);
  }
  const auto* object = value.if_object();
  return object != nullptr && std::any_of(object->begin(), object->end(), [](const auto& member) {
           return member.first == "Fn::Transform" || member.first.starts_with("Fn::ForEach") ||
                  is_opaque(member.second);
         });
}

bool names_role(std::string_view property) {
  const std::string name = to_lower(property);
  const auto ends = [&](std::string_view end) { return std::string_view(name).ends_with(end); };
  return ends("role") || ends("rolearn") || ends("roles") || ends("rolearns") || ends("rolename") ||
         ends("instanceprofile") || ends("instanceprofilearn") || ends("instanceprofilename");
}

// A change of these may remove data although the resource stays.
constexpr std::array<std::string_view, 14> kGuards = {"BackupPolicy",
                                                      "BackupRetentionPeriod",
                                                      "DeletionProtection",
                                                      "DeletionProtectionEnabled",
                                                      "GlobalSecondaryIndexes",
                                                      "LifecycleConfiguration",
                                                      "LifecyclePolicy",
                                                      "MessageRetentionPeriod",
                                                      "PointInTimeRecoverySpecification",
                                                      "Replicas",
                                                      "RetentionInDays",
                                                      "RetentionPeriodHours",
                                                      "TimeToLiveSpecification",
                                                      "VersioningConfiguration"};

}  // namespace

bool keeps_data(std::string_view property) {
  return std::find(kGuards.begin(), kGuards.end(), property) != kGuards.end();
}

const Json& member_of(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found == nullptr ? kNothing : *found;
}

void collect_names(const Json& value, Names& names) {
  if (const auto* text = value.if_string();
      text != nullptr && text->find("{{resolve:") != text->npos) {
    names.insert("resolve");
  }
  if (const auto* array = value.if_array()) {
    for (const Json& item : *array) collect_names(item, names);
  }
  const auto* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [key, inner] : *object) {
    const auto* text = inner.if_string();
    const auto* list = inner.if_array();
    const auto* first = list != nullptr && !list->empty() ? list->front().if_string() : nullptr;
    if (key == "Ref" && text != nullptr) names.insert(*text);
    if (key == "Condition" && text != nullptr) names.insert("condition " + *text);
    if (key == "Fn::GetAtt" && text != nullptr) names.emplace(text->substr(0, text->find('.')));
    if (key == "Fn::GetAtt" && first != nullptr) names.insert(*first);
    if (key == "Fn::If" && first != nullptr) names.insert("condition " + *first);
    if (key == "Fn::FindInMap") names.insert("mappings");
    if (key == "Fn::Sub" && text != nullptr) collect_substituted(*text, names);
    if (key == "Fn::Sub" && first != nullptr) collect_substituted(*first, names);
    collect_names(inner, names);
  }
}

bool has_macros(const Json& body) {
  return !member_of(body, "Transform").is_null() || is_opaque(member_of(body, "Resources")) ||
         is_opaque(member_of(body, "Conditions"));
}

std::string physical_name(std::string_view type, const Json& properties) {
  const std::string noun(type.substr(type.rfind(':') == type.npos ? 0 : type.rfind(':') + 1));
  for (const std::string& key :
       {noun + "Name", noun + "Identifier", noun + "Id", std::string("Name")}) {
    const Json* value = properties.find(key);
    if (value != nullptr && value->is_string()) return *value->if_string();
  }
  return {};
}

void collect_roles(const Json& value, std::vector<std::string>& roles) {
  if (const auto* array = value.if_array()) {
    for (const Json& item : *array) collect_roles(item, roles);
  }
  const auto* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [key, inner] : *object) {
    if (names_role(key)) {
      const auto* text = inner.if_string();
      const auto* list = inner.if_array();
      const bool texts =
          list != nullptr && std::all_of(list->begin(), list->end(),
                                         [](const Json& item) { return item.is_string(); });
      if (text != nullptr) {
        roles.push_back(*text);
      } else if (texts) {
        for (const Json& item : *list) roles.push_back(*item.if_string());
      } else {
        roles.emplace_back("*");
      }
    }
    collect_roles(inner, roles);
  }
}

}  // namespace keyturn::aws
