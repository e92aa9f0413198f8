#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "aws/parameters.h"

namespace keyturn::aws {
namespace {

// Names in a form, split at their dots.
struct Group {
  std::optional<std::string> value;
  std::map<std::string, Group, std::less<>> children;
};

// 1, 2, 3 … as in `Tag.2.Key`; nothing for other names.
std::optional<std::uint32_t> index_of(std::string_view name) {
  std::uint32_t index = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, index);
  if (error != std::errc() || stop != end || name.front() == '0') return std::nullopt;
  return index;
}

bool is_list(const Group& group) {
  return !group.children.empty() &&
         std::all_of(group.children.begin(), group.children.end(),
                     [](const auto& child) { return index_of(child.first).has_value(); });
}

Json to_json(Group& group) {
  if (group.value) return std::move(*group.value);
  if (is_list(group)) {
    std::map<std::uint32_t, Group*> ordered;
    for (auto& [name, child] : group.children) ordered.emplace(*index_of(name), &child);
    Json::Array items;
    for (auto& [index, child] : ordered) items.push_back(to_json(*child));
    return items;
  }
  // The query protocol's lists: `Tags.member.1`.
  const auto only = group.children.begin();
  if (group.children.size() == 1 && only->first == "member" && is_list(only->second)) {
    return to_json(only->second);
  }
  Json::Object object;
  for (auto& [name, child] : group.children) object.emplace_back(name, to_json(child));
  return object;
}

// A step of a wire path: a member, then into each item of a list or each value of a map.
struct Step {
  std::string_view name;
  bool items = false;   // `[]`
  bool values = false;  // `{}`
};

Step next_step(std::string_view& path) {
  const std::size_t dot = path.find('.');
  Step step{path.substr(0, dot)};
  path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  step.items = step.name.ends_with("[]");
  step.values = step.name.ends_with("{}");
  if (step.items || step.values) step.name.remove_suffix(2);
  return step;
}

void collect(const Json& value, std::string_view path, std::vector<const Json*>& found);

void collect_each(const Json& value, bool values, std::string_view path,
                  std::vector<const Json*>& found) {
  const auto* object = value.if_object();
  if (const auto* array = value.if_array()) {
    for (const Json& item : *array) collect(item, path, found);
  } else if (object != nullptr && (values || path.empty())) {
    for (const auto& [name, item] : *object) collect(item, path, found);
  } else if (!value.is_null()) {
    collect(value, path, found);  // XML and forms write a list of one as the item itself
  }
}

void collect(const Json& value, std::string_view path, std::vector<const Json*>& found) {
  if (path.empty()) {
    found.push_back(&value);
    return;
  }
  const Step step = next_step(path);
  const Json* member = step.name.empty() ? &value : value.find(step.name);
  if (member == nullptr) return;
  if (step.items || step.values) {
    collect_each(*member, step.values, path, found);
  } else {
    collect(*member, path, found);
  }
}

}  // namespace

Result<Json> nest(const Fields& fields) {
  Group root;
  for (const Field& field : fields) {
    Group* group = &root;
    std::string_view rest = field.name;
    for (std::size_t depth = 0;; ++depth) {
      if (depth == kFormDepthMax) {
        return fail(Code::kInvalid, "the form field `{}` is nested too deep",
                    printable(field.name, 64));
      }
      const std::size_t dot = rest.find('.');
      group = &group->children[std::string(rest.substr(0, dot))];
      if (group->value) break;
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    if (group->value || !group->children.empty()) {
      return fail(Code::kInvalid, "the form field `{}` is both a value and a group",
                  printable(field.name, 64));
    }
    group->value = field.value;
  }
  if (root.children.empty()) return Json(Json::Object{});
  Json::Object object;
  for (auto& [name, child] : root.children) object.emplace_back(name, to_json(child));
  return Json(std::move(object));
}

Result<void> check_spelling(const Json& object) {
  std::set<std::string, std::less<>> seen;
  const auto* members = object.if_object();
  for (std::size_t i = 0; members != nullptr && i < members->size(); ++i) {
    const std::string& name = (*members)[i].first;
    if (!seen.insert(to_lower(name)).second) {
      return fail(Code::kInvalid, "`{}` is given twice, in upper and lower case",
                  printable(name, 64));
    }
  }
  return {};
}

std::vector<const Json*> values_at(const Json& root, std::string_view path) {
  std::vector<const Json*> found;
  collect(root, path, found);
  return found;
}

std::optional<std::string> text_of(const Json& value) {
  if (const auto* text = value.if_string()) return *text;
  if (const auto* integer = value.if_integer()) return std::to_string(*integer);
  if (const auto* flag = value.if_bool()) return *flag ? "true" : "false";
  if (const auto* number = value.if_number()) return number->text;
  return std::nullopt;
}

void overwrite(Json& root, std::string_view path, const Json* with) {
  if (auto* array = root.if_array()) {
    for (Json& item : *array) overwrite(item, path, with);
    return;
  }
  auto* object = root.if_object();
  if (object == nullptr || path.empty()) return;
  const Step step = next_step(path);
  const auto found = std::find_if(object->begin(), object->end(),
                                  [&](const auto& member) { return member.first == step.name; });
  if (found == object->end()) return;
  if (!path.empty()) {
    if (step.values && found->second.is_object()) {
      for (auto& [name, item] : *found->second.if_object()) overwrite(item, path, with);
    } else {
      overwrite(found->second, path, with);
    }
  } else if (with != nullptr) {
    found->second = *with;
  } else {
    object->erase(found);
  }
}

}  // namespace keyturn::aws
