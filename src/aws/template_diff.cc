#include <algorithm>
#include <array>

#include "aws/parameters.h"
#include "aws/template.h"
#include "aws/template_parts.h"

namespace keyturn::aws {
namespace {

// Whether two values mean the same to CloudFormation, to which 5 and "5" do, in any order of
// members.
bool is_same(const Json& a, const Json& b) {
  const auto* left = a.if_object();
  const auto* right = b.if_object();
  if (left != nullptr && right != nullptr) {
    return left->size() == right->size() &&
           std::all_of(left->begin(), left->end(), [&](const auto& member) {
             const Json* other = b.find(member.first);
             return other != nullptr && is_same(member.second, *other);
           });
  }
  const auto* list = a.if_array();
  const auto* other = b.if_array();
  if (list != nullptr && other != nullptr) {
    return std::equal(list->begin(), list->end(), other->begin(), other->end(), is_same);
  }
  const auto text = text_of(a);
  const auto other_text = text_of(b);
  return a.is_null() && b.is_null() ? true : text && other_text && *text == *other_text;
}

bool has_name(std::string_view list, std::string_view name) {
  bool found = false;
  for_each_piece(list, ',', [&](std::string_view piece) { found = found || piece == name; });
  return found;
}

// Custom resources call a function that the template only names.
bool runs_unseen_code(const Model& model, std::string_view type) {
  return type == "AWS::CloudFormation::CustomResource" || model.find_type(type) == nullptr;
}

std::string unseen_code(const TemplateChange& change) {
  return fmt::format("{} is of type `{}`, which runs code that is not seen here",
                     printable(change.logical_id, 64), printable(change.type, 64));
}

class Differ {
 public:
  Differ(const Model& model, const TemplateVersion& before, const TemplateVersion& after)
      : model_(model), old_(before), new_(after) {}

  TemplateDiff run() {
    find_dirty_inputs();
    // What depends on a resource that is replaced sees another value, and so on.
    const std::size_t rounds_max = 1 + count(old_) + count(new_);
    for (std::size_t round = 0; round < rounds_max; ++round) {
      const std::size_t before = dirty_.size();
      compare_all();
      if (dirty_.size() == before) break;
    }
    finish();
    return std::move(diff_);
  }

 private:
  static std::size_t count(const TemplateVersion& version) {
    const auto* resources = member_of(version.body, "Resources").if_object();
    return resources == nullptr ? 0 : resources->size();
  }

  static std::optional<std::string> parameter(const TemplateVersion& version,
                                              std::string_view name) {
    const Json& declared = member_of(member_of(version.body, "Parameters"), name);
    // `AWS::SSM::Parameter::Value<…>` is looked up at each update.
    if (declared.string_or("Type", "").starts_with("AWS::SSM::")) return std::nullopt;
    const auto found = version.parameters.find(name);
    if (found != version.parameters.end()) return found->second;
    return text_of(member_of(declared, "Default"));
  }

  void find_dirty_inputs() {
    dirty_.insert("resolve");
    if (!is_same(member_of(old_.body, "Mappings"), member_of(new_.body, "Mappings"))) {
      dirty_.insert("mappings");
    }
    if (const auto* declared = member_of(new_.body, "Parameters").if_object()) {
      for (const auto& [name, unused] : *declared) {
        const auto before = parameter(old_, name);
        if (!before || before != parameter(new_, name)) dirty_.insert(name);
      }
    }
    const Json& conditions = member_of(new_.body, "Conditions");
    const auto* listed = conditions.if_object();
    for (std::size_t round = 0; listed != nullptr && round <= listed->size(); ++round) {
      for (const auto& [name, condition] : *listed) {
        const Json& before = member_of(member_of(old_.body, "Conditions"), name);
        if (!is_same(before, condition) || depends(condition)) dirty_.insert("condition " + name);
      }
    }
  }

  std::string depends_on(const Json& value) const {
    Names names;
    collect_names(value, names);
    for (const std::string& name : names) {
      if (dirty_.contains(name)) return name;
    }
    return {};
  }
  bool depends(const Json& value) const { return !depends_on(value).empty(); }

  TemplateChange describe(std::string_view id, const Json& resource) const {
    TemplateChange change;
    change.logical_id = id;
    change.type = resource.string_or("Type", "");
    change.name = physical_name(change.type, member_of(resource, "Properties"));
    const ResourceType* type = model_.find_type(change.type);
    // What is not known may hold data.
    change.stateful = type == nullptr || type->stateful;
    change.grants = type != nullptr && type->grants;
    return change;
  }

  void compare_all() {
    diff_.changes.clear();
    guards_ = false;
    const Json& before = member_of(old_.body, "Resources");
    const Json& after = member_of(new_.body, "Resources");
    if (const auto* olds = before.if_object()) {
      for (const auto& [id, resource] : *olds) {
        const Json* now = after.find(id);
        if (now == nullptr) {
          removed(id, resource);
        } else {
          compare(id, resource, *now);
        }
      }
    }
    if (const auto* news = after.if_object()) {
      for (const auto& [id, resource] : *news) {
        if (before.find(id) != nullptr) continue;
        TemplateChange change = describe(id, resource);
        change.change = ResourceChange::kAdded;
        collect_roles(member_of(resource, "Properties"), change.roles);
        change.why = "it is new in the template";
        diff_.changes.push_back(std::move(change));
      }
    }
  }

  void removed(std::string_view id, const Json& resource) {
    TemplateChange change = describe(id, resource);
    // The policy is that of the template which made it.
    const std::string policy = resource.string_or("DeletionPolicy", "");
    const bool kept = policy == "Retain" || policy == "RetainExceptOnCreate";
    change.change = kept ? ResourceChange::kReleased : ResourceChange::kRemoved;
    change.why = kept ? "it leaves the template and is kept" : "it leaves the template";
    if (policy == "Snapshot") change.why += "; a snapshot is taken";
    diff_.changes.push_back(std::move(change));
  }

  void compare(std::string_view id, const Json& before, const Json& after) {
    TemplateChange change = describe(id, before);
    std::optional<ResourceChange> worst;
    const auto raise = [&](ResourceChange to, std::string why) {
      if (worst && *worst >= to) return;
      worst = to;
      change.why = std::move(why);
    };
    if (change.type != after.string_or("Type", "")) {
      raise(ResourceChange::kReplaced,
            fmt::format("its type is changed to `{}`", printable(after.string_or("Type", ""), 64)));
      change.grants = change.grants || describe(id, after).grants;
    }
    const std::string condition = after.string_or("Condition", "");
    if (condition != before.string_or("Condition", "") ||
        dirty_.contains("condition " + condition)) {
      raise(ResourceChange::kMayReplace,
            "its condition may no longer hold, and then it is removed");
    }
    compare_properties(change, before, after, raise);
    if (before.string_or("DeletionPolicy", "") != after.string_or("DeletionPolicy", "")) {
      raise(ResourceChange::kChanged, "its DeletionPolicy is changed");
      guards_ = guards_ || change.stateful;
    }
    if (!is_same(member_of(before, "Metadata"), member_of(after, "Metadata"))) {
      raise(ResourceChange::kChanged, "its metadata is changed");
    }
    if (!worst) return;
    change.change = *worst;
    if (*worst == ResourceChange::kReplaced || *worst == ResourceChange::kMayReplace) {
      dirty_.insert(std::string(id));
    }
    diff_.changes.push_back(std::move(change));
  }

  template <class Raise>
  void compare_properties(TemplateChange& change, const Json& before, const Json& after,
                          const Raise& raise) {
    const Json& olds = member_of(before, "Properties");
    const Json& news = member_of(after, "Properties");
    Names names;
    for (const Json* side : {&olds, &news}) {
      const auto* object = side->if_object();
      if (object == nullptr && !side->is_null()) {
        raise(ResourceChange::kMayReplace, "its properties are computed");
      }
      for (std::size_t i = 0; object != nullptr && i < object->size(); ++i) {
        names.insert((*object)[i].first);
      }
    }
    const ResourceType* type = model_.find_type(change.type);
    for (const std::string& name : names) {
      const Json& value = member_of(news, name);
      const std::string because = depends_on(value);
      if (because.empty() && is_same(member_of(olds, name), value)) continue;
      collect_roles(Json::object({{name, value}}), change.roles);
      const std::string why = because.empty()
                                  ? fmt::format("{} is changed", printable(name, 64))
                                  : fmt::format("{} depends on {}, which changes",
                                                printable(name, 64), printable(because, 64));
      if (type == nullptr || change.type == "AWS::CloudFormation::Stack") {
        raise(ResourceChange::kMayReplace, why + "; what that does is not known of its type");
      } else if (has_name(type->replaces, name)) {
        raise(ResourceChange::kReplaced, why + ", and that replaces it");
      } else if (has_name(type->may_replace, name)) {
        raise(ResourceChange::kMayReplace, why + ", and that may replace it");
      } else {
        raise(ResourceChange::kChanged, why);
      }
      guards_ = guards_ || keeps_data(name);
    }
  }

  void finish() {
    diff_ =
        judge_changes(model_, std::move(diff_.changes), guards_ ? Guards::kTouched : Guards::kKept);
    const auto unknown = [&](std::string why) {
      diff_.effect = stricter(diff_.effect, Effect::kDestroy);
      diff_.why.push_back(std::move(why));
    };
    if (has_macros(old_.body) || has_macros(new_.body)) {
      unknown("a macro writes parts of the template");
    }
    if (!member_of(old_.body, "Resources").is_object() ||
        !member_of(new_.body, "Resources").is_object()) {
      unknown("a template has no resources to compare");
    }
  }

  const Model& model_;
  const TemplateVersion& old_;
  const TemplateVersion& new_;
  Names dirty_;
  bool guards_ = false;
  TemplateDiff diff_;
};

}  // namespace

std::string_view to_string(ResourceChange change) {
  switch (change) {
    case ResourceChange::kAdded:
      return "added";
    case ResourceChange::kChanged:
      return "changed";
    case ResourceChange::kMayReplace:
      return "may be replaced";
    case ResourceChange::kReplaced:
      return "replaced";
    case ResourceChange::kRemoved:
      return "removed";
    case ResourceChange::kReleased:
      return "released";
  }
  return "may be replaced";
}

Effect effect_of(const TemplateChange& change) {
  switch (change.change) {
    case ResourceChange::kAdded:
    case ResourceChange::kChanged:
      return change.grants ? Effect::kGrant : Effect::kChange;
    case ResourceChange::kReleased:
      return Effect::kChange;
    case ResourceChange::kMayReplace:
    case ResourceChange::kReplaced:
    case ResourceChange::kRemoved:
      return change.grants ? Effect::kGrant : Effect::kDestroy;
  }
  return Effect::kDestroy;
}

TemplateDiff judge_changes(const Model& model, std::vector<TemplateChange> changes, Guards guards) {
  TemplateDiff diff;
  diff.changes = std::move(changes);
  std::sort(
      diff.changes.begin(), diff.changes.end(),
      [](const TemplateChange& a, const TemplateChange& b) { return a.logical_id < b.logical_id; });
  diff.effect = diff.changes.empty() ? Effect::kObserve : Effect::kChange;
  const auto unknown = [&](std::string why) {
    diff.effect = stricter(diff.effect, Effect::kDestroy);
    diff.why.push_back(std::move(why));
  };
  for (const TemplateChange& change : diff.changes) {
    diff.effect = stricter(diff.effect, effect_of(change));
    if (runs_unseen_code(model, change.type)) unknown(unseen_code(change));
  }
  if (guards == Guards::kTouched) unknown("it changes what guards or keeps data");
  return diff;
}

TemplateDiff template_diff(const Model& model, const TemplateVersion& old_version,
                           const TemplateVersion& new_version) {
  return Differ(model, old_version, new_version).run();
}

TemplateDiff template_creation(const Model& model, const TemplateVersion& version) {
  const TemplateVersion nothing{.body = Json::object({{"Resources", Json(Json::Object())}})};
  TemplateDiff diff = template_diff(model, nothing, version);
  // Nothing can be removed where nothing was; what is not seen may give rights.
  bool unseen = has_macros(version.body) || !member_of(version.body, "Resources").is_object();
  diff.effect = Effect::kChange;
  for (const TemplateChange& change : diff.changes) {
    unseen =
        unseen || change.type == "AWS::CloudFormation::Stack" || change.type.ends_with("::MODULE");
    diff.effect = stricter(diff.effect, effect_of(change));
    if (runs_unseen_code(model, change.type)) {
      diff.effect = stricter(diff.effect, Effect::kDestroy);
      diff.why.push_back(unseen_code(change));
    }
  }
  if (unseen) {
    diff.effect = Effect::kGrant;
    diff.why.emplace_back("parts of the template are not seen, and may give rights");
  }
  return diff;
}

std::vector<Recreation> find_recreations(const TemplateDiff& diff) {
  std::vector<Recreation> found;
  for (const TemplateChange& change : diff.changes) {
    if (change.change == ResourceChange::kReplaced) {
      found.push_back({change.logical_id, change.logical_id, change.type});
    }
    if (change.change != ResourceChange::kRemoved || change.name.empty()) continue;
    for (const TemplateChange& other : diff.changes) {
      if (other.change == ResourceChange::kAdded && other.type == change.type &&
          other.name == change.name) {
        found.push_back({change.logical_id, other.logical_id, change.type});
      }
    }
  }
  return found;
}

}  // namespace keyturn::aws
