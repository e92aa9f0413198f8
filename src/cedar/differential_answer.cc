#include "cedar/differential_answer.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

Json refused(const Error& error) {
  return Json::object({{"ok", false}, {"error", Json(error.message)}});
}

// A policy given as text or in JSON, as the JSON form.
Result<Json> policy_json(const Json& given, bool is_template) {
  if (given.is_object()) return given;
  if (!given.is_string()) return fail(Code::kInvalid, "a policy must be text or JSON");
  TRY(const PolicySet set, PolicySet::parse(*given.if_string()));
  const std::vector<std::string> ids = is_template ? set.template_ids() : set.ids();
  if (ids.size() != 1 || set.ids().size() + set.template_ids().size() != 1) {
    return fail(Code::kInvalid, "expected one policy");
  }
  return set.policy_json(ids.front());
}

Result<Json> policies_json(const Json* given, bool is_template) {
  Json result = Json(Json::Object());
  if (given == nullptr || !given->is_object()) return result;
  for (const auto& [id, policy] : *given->if_object()) {
    TRY(Json json, policy_json(policy, is_template));
    result.set(id, std::move(json));
  }
  return result;
}

Result<PolicySet> read_policies(const Json& call) {
  const Json* given = call.find("policies");
  if (given == nullptr) return fail(Code::kInvalid, "no policies");
  const Json* statics = given->find("staticPolicies");
  const Json* templates = given->find("templates");
  const Json* links = given->find("templateLinks");
  const bool has_templates = templates != nullptr && templates->is_object();
  if (statics != nullptr && statics->is_string() && !has_templates) {
    TRY(const PolicySet set, PolicySet::parse(*statics->if_string()));
    if (!set.template_ids().empty()) {
      return fail(Code::kInvalid, "static policy set includes a template");
    }
    return set;
  }
  Json json = Json(Json::Object());
  if (statics != nullptr && statics->is_string()) {
    TRY(const PolicySet set, PolicySet::parse(*statics->if_string()));
    if (!set.template_ids().empty()) return fail(Code::kInvalid, "a template");
    TRY(const Json whole, set.json());
    json.set("staticPolicies", *whole.find("staticPolicies"));
  } else {
    TRY(Json static_json, policies_json(statics, false));
    json.set("staticPolicies", std::move(static_json));
  }
  TRY(Json template_json, policies_json(templates, true));
  json.set("templates", std::move(template_json));
  json.set("templateLinks", links == nullptr ? Json(Json::Array()) : *links);
  return PolicySet::from_json(json);
}

Result<Schema> read_schema(const Json& given) {
  if (given.is_string()) return Schema::parse(*given.if_string());
  return Schema::parse_json(to_text(given));
}

Result<EntityUid> read_uid(const Json& call, std::string_view key) {
  const Json* uid = call.find(key);
  if (uid == nullptr) return fail(Code::kInvalid, "no `{}`", key);
  TRY(std::string type, uid->get_string("type"));
  TRY(std::string id, uid->get_string("id"));
  return EntityUid{std::move(type), std::move(id)};
}

Result<Json> authorize(const Json& call) {
  std::optional<Schema> schema;
  if (const Json* given = call.find("schema"); given != nullptr && !given->is_null()) {
    TRY(schema, read_schema(*given));
  }
  const Schema* types = schema ? &*schema : nullptr;
  TRY(const PolicySet policies, read_policies(call));
  const Json* given_entities = call.find("entities");
  if (given_entities == nullptr) return fail(Code::kInvalid, "no entities");
  TRY(const Entities entities, Entities::from_json(*given_entities, types));
  Request request;
  TRY(request.principal, read_uid(call, "principal"));
  TRY(request.action, read_uid(call, "action"));
  TRY(request.resource, read_uid(call, "resource"));
  if (const Json* context = call.find("context")) request.context = *context;
  TRY(const Response response, authorize(policies, entities, request, types));
  Json::Array reasons;
  for (const std::string& reason : response.reasons) reasons.push_back(Json(reason));
  Json::Array errors;
  for (const Diagnostic& error : response.errors) errors.push_back(Json(error.policy));
  const bool is_allowed = response.decision == Decision::kAllow;
  return Json::object({{"ok", true},
                       {"decision", is_allowed ? "allow" : "deny"},
                       {"reasons", Json(std::move(reasons))},
                       {"errors", Json(std::move(errors))}});
}

Result<Json> validate(const Json& call) {
  const Json* given = call.find("schema");
  if (given == nullptr) return fail(Code::kInvalid, "no schema");
  TRY(const Schema schema, read_schema(*given));
  TRY(const PolicySet policies, read_policies(call));
  const ValidationResult result = validate(policies, schema, ValidationMode::kStrict);
  Json::Array errors;
  for (const Diagnostic& error : result.errors) {
    const std::string& message = error.message;
    errors.push_back(Json(message.substr(0, message.find(" at line "))));
  }
  return Json::object({{"ok", true}, {"errors", Json(std::move(errors))}});
}

// The JSON of a policy text or, printed and read again, of a policy JSON.
Result<Json> policy(const Json& call) {
  PolicySet set;
  if (call.is_string()) {
    TRY(set, PolicySet::parse(*call.if_string()));
  } else {
    Json json = Json::object({{"staticPolicies", Json::object({{"policy0", call}})},
                              {"templates", Json(Json::Object())},
                              {"templateLinks", Json(Json::Array())}});
    TRY(set, PolicySet::from_json(json));
  }
  if (set.ids().size() != 1 || !set.template_ids().empty()) {
    return fail(Code::kInvalid, "expected one static policy");
  }
  TRY(Json json, set.policy_json("policy0"));
  return Json::object({{"ok", true}, {"json", std::move(json)}, {"text", Json(set.print())}});
}

Result<Json> schema(const Json& call) {
  TRY(const Schema read, read_schema(call));
  return Json::object({{"ok", true}, {"json", read.json()}});
}

}  // namespace

Json answer_call(const Json& line) {
  const std::string op = line.string_or("op", "");
  const Json* call = line.find("call");
  if (call == nullptr) return refused(Error{Code::kInvalid, "no call"});
  const Result<Json> result = op == "authorize"  ? authorize(*call)
                              : op == "validate" ? validate(*call)
                              : op == "schema"   ? schema(*call)
                                                 : policy(*call);
  return result ? *result : refused(result.error());
}

}  // namespace keyturn::cedar
