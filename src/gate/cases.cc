#include "gate/cases.h"

#include <algorithm>

namespace keyturn::gate {
namespace {

constexpr int kPeopleMax = 1'000'000;  // of reviewers and approvals; bounds arithmetic only

// Misspelt, a member would be left out in silence and the case would test something else.
Result<void> check_members(const Json& json, std::initializer_list<std::string_view> known,
                           std::string_view what) {
  const Json::Object* object = json.if_object();
  if (object == nullptr) return fail(Code::kInvalid, "{} must be an object", what);
  for (const auto& [key, value] : *object) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return fail(Code::kInvalid, "{} has an unknown member `{}`; known are {}", what,
                printable(key, 64), fmt::join(known, ", "));
  }
  return {};
}

Result<std::string> text_or(const Json& json, std::string_view key, std::string_view otherwise) {
  if (json.find(key) == nullptr) return std::string(otherwise);
  return json.get_string(key);
}

Result<int> number_of(const Json& json, std::string_view key) {
  TRY(const std::int64_t number, json.get_integer(key));
  if (number < 0 || number > kPeopleMax) {
    return fail(Code::kInvalid, "`{}` must be between 0 and {}", key, kPeopleMax);
  }
  return static_cast<int>(number);
}

Result<std::vector<std::string>> texts_of(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  const Json* list = json.find(key);
  if (list == nullptr) return texts;
  if (!list->is_array()) return fail(Code::kInvalid, "`{}` must be an array of strings", key);
  for (const Json& item : *list->if_array()) {
    const std::string* text = item.if_string();
    if (text == nullptr) return fail(Code::kInvalid, "`{}` must be an array of strings", key);
    texts.push_back(*text);
  }
  return texts;
}

Result<Resource> resource_of(const Json& json, std::size_t position) {
  TRY_VOID(check_members(json, {"name", "type", "account", "region", "environment", "tier", "tags"},
                         "a resource"));
  Resource resource;
  TRY(resource.name, text_or(json, "name", fmt::format("arn:aws:thing/{}", position)));
  TRY(resource.type, text_or(json, "type", ""));
  TRY(resource.account, text_or(json, "account", ""));
  TRY(resource.region, text_or(json, "region", ""));
  TRY(resource.environment, text_or(json, "environment", ""));
  TRY(const std::string tier, json.get_string("tier"));
  TRY(resource.tier, parse_tier(tier));
  const Json* tags = json.find("tags");
  if (tags == nullptr) return resource;
  if (!tags->is_object()) return fail(Code::kInvalid, "`tags` must be an object of strings");
  for (const auto& [key, value] : *tags->if_object()) {
    const std::string* text = value.if_string();
    if (text == nullptr) return fail(Code::kInvalid, "`tags` must be an object of strings");
    resource.tags.emplace(key, *text);
  }
  return resource;
}

Result<void> read_resources(const Json& json, Action& action) {
  TRY(const std::vector<std::string> tiers, texts_of(json, "tiers"));
  for (const std::string& tier : tiers) {
    TRY(Resource resource, resource_of(Json::object({{"tier", tier}}), action.resources.size()));
    action.resources.push_back(std::move(resource));
  }
  const Json* resources = json.find("resources");
  if (resources == nullptr) return {};
  if (!resources->is_array()) return fail(Code::kInvalid, "`resources` must be an array");
  for (const Json& item : *resources->if_array()) {
    TRY(Resource resource, resource_of(item, action.resources.size()));
    action.resources.push_back(std::move(resource));
  }
  return {};
}

Result<Action> action_of(const Json& json) {
  TRY_VOID(check_members(json,
                         {"effect", "door", "service", "operation", "iam_actions", "access_level",
                          "understood", "account", "region", "tiers", "resources", "attributes"},
                         "`action`"));
  Action action;
  TRY(action.door, text_or(json, "door", "aws"));
  TRY(action.service, text_or(json, "service", ""));
  TRY(action.operation, text_or(json, "operation", ""));
  TRY(action.iam_actions, texts_of(json, "iam_actions"));
  TRY(action.access_level, text_or(json, "access_level", ""));
  TRY(action.account, text_or(json, "account", ""));
  TRY(action.region, text_or(json, "region", ""));
  TRY(const std::string effect, json.get_string("effect"));
  TRY(action.effect, parse_effect(effect));
  TRY(action.understood, json.get_bool("understood"));
  if (const Json* attributes = json.find("attributes")) action.attributes = *attributes;
  TRY_VOID(read_resources(json, action));
  return action;
}

Result<VerdictKind> verdict_of(std::string_view text) {
  for (const VerdictKind kind : {VerdictKind::kAllow, VerdictKind::kHold, VerdictKind::kDeny}) {
    if (to_string(kind) == text) return kind;
  }
  return fail(Code::kInvalid, "`{}` is no verdict; write allow, hold or deny", printable(text, 64));
}

Result<Facts> facts_of(const Json& json) {
  TRY(const std::string agent_text, text_or(json, "agent", "kiro"));
  TRY(const std::string owner_text, text_or(json, "owner", "alice"));
  TRY(std::string agent, check_handle(agent_text));
  TRY(std::string owner, check_handle(owner_text));
  TRY(std::string purpose, text_or(json, "purpose", "test"));
  TRY(const int approvals, number_of(json, "approvals"));
  return Facts{AgentId(std::move(agent)), PersonId(std::move(owner)), std::move(purpose),
               approvals};
}

Result<Case> read_case(const Json& json) {
  TRY_VOID(check_members(json,
                         {"name", "action", "agent", "owner", "purpose", "reviewers", "approvals",
                          "verdict", "approvals_needed", "reasons"},
                         "the case"));
  const Json* action = json.find("action");
  if (action == nullptr) return fail(Code::kInvalid, "`action` is missing");
  TRY(Action parsed, action_of(*action));
  TRY(Facts facts, facts_of(json));
  Case item{{}, {}, std::move(parsed), std::move(facts), 0, VerdictKind::kDeny, 0, {}};
  TRY(item.reviewers, number_of(json, "reviewers"));
  TRY(const std::string verdict, json.get_string("verdict"));
  TRY(item.verdict, verdict_of(verdict));
  TRY(item.approvals_needed, number_of(json, "approvals_needed"));
  TRY(item.reasons, texts_of(json, "reasons"));
  std::sort(item.reasons.begin(), item.reasons.end());
  return item;
}

}  // namespace

Result<std::vector<Case>> read_cases(std::string_view text, const std::string& file) {
  TRY(const Json json, context(parse_strict(text), file));
  TRY_VOID(context(check_members(json, {"about", "cases"}, "the file"), file));
  const Json* list = json.find("cases");
  if (list == nullptr || !list->is_array()) {
    return fail(Code::kInvalid, "{}: `cases` must be an array", file);
  }
  if (list->if_array()->size() > kCasesMax) {
    return fail(Code::kExhausted, "{}: more than {} cases; split the file", file, kCasesMax);
  }
  const std::string about = json.string_or("about", "");
  std::vector<Case> cases;
  for (const Json& item : *list->if_array()) {
    const std::string name =
        fmt::format("{}{}{}", about, about.empty() ? "" : " ",
                    item.string_or("name", fmt::format("case {}", cases.size())));
    TRY(Case read, context(read_case(item), fmt::format("{}: `{}`", file, printable(name, 256))));
    read.file = file;
    read.name = name;
    cases.push_back(std::move(read));
  }
  return cases;
}

CaseResult run_case(const Policies& policies, const Case& item) {
  CaseResult result;
  const Result<Judgement> judged = judge(policies, item.action, item.facts, item.reviewers);
  const auto describe = [](VerdictKind kind, int approvals, const std::vector<std::string>& by) {
    return fmt::format("{}, {} approvals needed{}{}", to_string(kind), approvals,
                       by.empty() ? "" : ", by ", fmt::join(by, " "));
  };
  if (!judged) {
    result.expected = describe(item.verdict, item.approvals_needed, item.reasons);
    result.actual = judged.error().message;
    return result;
  }
  result.reasons = judged->reasons;
  std::sort(result.reasons.begin(), result.reasons.end());
  const bool agrees = judged->kind == item.verdict &&
                      judged->approvals_needed == item.approvals_needed &&
                      (item.reasons.empty() || item.reasons == result.reasons);
  if (agrees && judged->errors.empty()) return result;
  result.expected = describe(item.verdict, item.approvals_needed, item.reasons);
  result.actual = describe(judged->kind, judged->approvals_needed, result.reasons);
  for (const std::string& error : judged->errors) result.actual += "; error in " + error;
  return result;
}

std::vector<std::string> find_unexercised(const Policies& policies,
                                          const std::set<std::string>& exercised) {
  std::vector<std::string> names;
  for (const std::string& id : policies.set().ids()) {
    if (!exercised.contains(policies.name(id))) names.push_back(policies.name(id));
  }
  return names;
}

}  // namespace keyturn::gate
