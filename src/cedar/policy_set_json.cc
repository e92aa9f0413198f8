// Policy sets from JSON.
#include <set>

#include "cedar/access.h"
#include "cedar/policy_json.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

class SetReader {
 public:
  SetReader(JsonFault& fault, const JsonSource& source) : fault_(fault), source_(source) {}

  Result<std::shared_ptr<const PolicySetContent>> run(const Json& json);
  // A policy or template alone, as a set of one.
  Result<std::shared_ptr<const PolicySetContent>> run_single(const Json& json);

 private:
  Result<std::monostate> group(const Json& json, std::string_view key, std::vector<Policy>& into);
  Result<std::monostate> link(const Json& json);
  // Fails when two policies share an id.
  Result<std::shared_ptr<const PolicySetContent>> finish(const Json& json);

  JsonFault& fault_;
  const JsonSource& source_;
  std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
  std::shared_ptr<PolicySetContent> content_ = std::make_shared<PolicySetContent>();
};

Result<std::monostate> SetReader::group(const Json& json, std::string_view key,
                                        std::vector<Policy>& into) {
  const Json* group = json.find(key);
  if (group == nullptr || !group->is_object()) {
    if (group != nullptr) fault_.note(*group);
    return fail(Code::kInvalid, "a policy set needs an object `{}`", key);
  }
  const bool wants_templates = key == "templates";
  for (const auto& [id, policy] : *group->if_object()) {
    TRY(std::shared_ptr<const Body> body,
        fault_.at(policy, context(read_policy(policy, pool_, fault_, source_),
                                  fmt::format("policy `{}`", id))));
    if (body->is_template() != wants_templates) {
      fault_.note(policy);
      return fail(Code::kInvalid, "expected a {}, but `{}` has {}",
                  wants_templates ? "template" : "static policy", id,
                  wants_templates ? "no slot" : "a slot");
    }
    into.push_back(Policy{id, std::move(body), nullptr});
  }
  return std::monostate();
}

Result<std::monostate> SetReader::link(const Json& json) {
  if (!json.is_object()) return fail(Code::kInvalid, "a template link must be a JSON object");
  TRY(const std::string source, json.get_string("templateId"));
  TRY(std::string id, json.get_string("newId"));
  const Json* values = json.find("values");
  if (values == nullptr || !values->is_object() || json.if_object()->size() != 3) {
    return fail(Code::kInvalid,
                "a template link needs `templateId`, `newId` and `values` and nothing else");
  }
  SlotValues slots;
  Pool pool;
  for (const auto& [slot, value] : *values->if_object()) {
    if (slot != "?principal" && slot != "?resource") {
      fault_.note(value);
      return fail(Code::kInvalid, "unknown slot `{}`, expected `?principal` or `?resource`", slot);
    }
    const std::string thing = fmt::format("the slot {}", slot);
    TRY(const Uid* uid, ValueReader(pool, fault_).read_uid(value, {thing}));
    EntityUid plain{std::string(uid->type->view()), std::string(uid->id->view())};
    (slot == "?principal" ? slots.principal : slots.resource) = std::move(plain);
  }
  TRY(Policy linked, link_template(*content_, source, std::move(id), slots));
  content_->policies.push_back(std::move(linked));
  return std::monostate();
}

// The second of two policies with one id. Keys of an object differ, so it is another group's.
const Json* find_twin(const Json& json) {
  std::set<std::string_view> seen;
  for (const std::string_view key : {"staticPolicies", "templates"}) {
    for (const auto& [id, policy] : *json.find(key)->if_object()) {
      if (!seen.insert(id).second) return &policy;
    }
  }
  for (const Json& link : *json.find("templateLinks")->if_array()) {
    if (!seen.insert(*link.find("newId")->if_string()).second) return &link;
  }
  return nullptr;
}

Result<std::shared_ptr<const PolicySetContent>> SetReader::finish(const Json& json) {
  if (Result<std::monostate> done = content_->finish(); !done) {
    if (const Json* twin = find_twin(json)) fault_.note(*twin);
    return fail(std::move(done.error()));
  }
  return std::shared_ptr<const PolicySetContent>(std::move(content_));
}

Result<std::shared_ptr<const PolicySetContent>> SetReader::run(const Json& json) {
  const Json::Object* members = json.if_object();
  if (members == nullptr) {
    fault_.note(json);
    return fail(Code::kInvalid, "a policy set must be a JSON object");
  }
  for (const auto& [key, value] : *members) {
    if (key == "staticPolicies" || key == "templates" || key == "templateLinks") continue;
    fault_.note(value);
    return fail(Code::kInvalid,
                "unknown field `{}` in a policy set, expected `staticPolicies`, `templates` or "
                "`templateLinks`",
                key);
  }
  TRY_VOID(fault_.at(json, group(json, "staticPolicies", content_->policies)));
  TRY_VOID(fault_.at(json, group(json, "templates", content_->templates)));
  content_->index_templates();
  const Json* links = json.find("templateLinks");
  if (links == nullptr || !links->is_array()) {
    fault_.note(links == nullptr ? json : *links);
    return fail(Code::kInvalid, "a policy set needs an array `templateLinks`");
  }
  for (const Json& one : *links->if_array()) TRY_VOID(fault_.at(one, link(one)));
  return finish(json);
}

Result<std::shared_ptr<const PolicySetContent>> SetReader::run_single(const Json& json) {
  TRY(std::shared_ptr<const Body> body, fault_.at(json, read_policy(json, pool_, fault_, source_)));
  auto& group = body->is_template() ? content_->templates : content_->policies;
  group.push_back(Policy{"policy0", std::move(body), nullptr});
  TRY_VOID(content_->finish());
  return std::shared_ptr<const PolicySetContent>(std::move(content_));
}

Result<std::shared_ptr<const PolicySetContent>> placed(
    Result<std::shared_ptr<const PolicySetContent>> content, const JsonFault& fault,
    const Json& json, std::string_view text) {
  if (content) return content;
  return fail(fault.placed(std::move(content.error()), json, text));
}

JsonSource source_of(const Json& json, std::string_view text) {
  return {std::make_shared<const std::string>(text), JsonOffsets(json, text)};
}

}  // namespace

Result<PolicySet> PolicySet::parse_json(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const Json json, parse_strict(text, kPolicyJsonLimits));
  JsonFault fault;
  TRY(auto content, placed(SetReader(fault, source_of(json, text)).run(json), fault, json, text));
  return PolicySet(std::move(content));
}

Result<PolicySet> PolicySet::from_json(const Json& json) {
  JsonFault fault;
  TRY(auto content, placed(SetReader(fault, {}).run(json), fault, json, ""));
  return PolicySet(std::move(content));
}

Result<PolicySet> parse_policies_json(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const Json json, parse_strict(text, kPolicyJsonLimits));
  JsonFault fault;
  const JsonSource source = source_of(json, text);
  SetReader reader(fault, source);
  const bool is_single = json.find("effect") != nullptr && json.find("staticPolicies") == nullptr;
  TRY(auto content,
      placed(is_single ? reader.run_single(json) : reader.run(json), fault, json, text));
  return Access::policy_set(std::move(content));
}

}  // namespace keyturn::cedar
