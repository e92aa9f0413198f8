#include "gate/cases.h"

#include <algorithm>

#include "base/json_place.h"

namespace keyturn::gate {
namespace {

constexpr int kPeopleMax = 1'000'000;  // of reviewers and approvals; bounds arithmetic only

// Reads a file's cases; what is wrong is told by its place.
class CaseReader {
 public:
  explicit CaseReader(const Json& json) : json_(json) {}
  const JsonFault& fault() const { return fault_; }

  Result<std::vector<Case>> run(const std::string& file);

 private:
  Result<void> check_members(const Json& json, std::initializer_list<std::string_view> known,
                             std::string_view what);
  Result<std::string> text(const Json& json, std::string_view key) {
    return fault_.at_member(json, key, json.get_string(key));
  }
  Result<std::string> text_or(const Json& json, std::string_view key, std::string_view otherwise) {
    if (json.find(key) == nullptr) return std::string(otherwise);
    return text(json, key);
  }
  Result<int> number(const Json& json, std::string_view key);
  Result<std::vector<std::string>> texts(const Json& json, std::string_view key);
  Result<Resource> resource(const Json& json, std::size_t position);
  Result<void> add_resources(const Json& json, Action& action);
  Result<Action> action(const Json& json);
  Result<Facts> facts(const Json& json);
  Result<Case> one(const Json& json);

  const Json& json_;
  JsonFault fault_;
};

// Misspelt, a member would be left out in silence and the case would test something else.
Result<void> CaseReader::check_members(const Json& json,
                                       std::initializer_list<std::string_view> known,
                                       std::string_view what) {
  const Json::Object* object = json.if_object();
  if (object == nullptr) {
    fault_.note(json);
    return fail(Code::kInvalid, "{} must be an object", what);
  }
  for (const auto& [key, value] : *object) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    fault_.note(value);
    return fail(Code::kInvalid, "{} has an unknown member `{}`; known are {}", what,
                printable(key, 64), fmt::join(known, ", "));
  }
  return {};
}

Result<int> CaseReader::number(const Json& json, std::string_view key) {
  TRY(const std::int64_t number, fault_.at_member(json, key, json.get_integer(key)));
  if (number < 0 || number > kPeopleMax) {
    fault_.note(*json.find(key));
    return fail(Code::kInvalid, "`{}` must be between 0 and {}", key, kPeopleMax);
  }
  return static_cast<int>(number);
}

Result<std::vector<std::string>> CaseReader::texts(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  const Json* list = json.find(key);
  if (list == nullptr) return texts;
  const auto refused = [&](const Json& at) {
    fault_.note(at);
    return fail(Code::kInvalid, "`{}` must be an array of strings", key);
  };
  if (!list->is_array()) return refused(*list);
  for (const Json& item : *list->if_array()) {
    const std::string* text = item.if_string();
    if (text == nullptr) return refused(item);
    texts.push_back(*text);
  }
  return texts;
}

std::string default_name(std::size_t position) { return fmt::format("arn:aws:thing/{}", position); }

Result<Resource> CaseReader::resource(const Json& json, std::size_t position) {
  TRY_VOID(check_members(json, {"name", "type", "account", "region", "environment", "tier", "tags"},
                         "a resource"));
  Resource resource;
  TRY(resource.name, text_or(json, "name", default_name(position)));
  TRY(resource.type, text_or(json, "type", ""));
  TRY(resource.account, text_or(json, "account", ""));
  TRY(resource.region, text_or(json, "region", ""));
  TRY(resource.environment, text_or(json, "environment", ""));
  TRY(const std::string tier, text(json, "tier"));
  TRY(resource.tier, fault_.at_member(json, "tier", parse_tier(tier)));
  const Json* tags = json.find("tags");
  if (tags == nullptr) return resource;
  const auto refused = [&](const Json& at) {
    fault_.note(at);
    return fail(Code::kInvalid, "`tags` must be an object of strings");
  };
  if (!tags->is_object()) return refused(*tags);
  for (const auto& [key, value] : *tags->if_object()) {
    const std::string* text = value.if_string();
    if (text == nullptr) return refused(value);
    resource.tags.emplace(key, *text);
  }
  return resource;
}

Result<void> CaseReader::add_resources(const Json& json, Action& action) {
  TRY(const std::vector<std::string> tiers, texts(json, "tiers"));
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    Resource resource;
    resource.name = default_name(i);
    TRY(resource.tier, fault_.at((*json.find("tiers")->if_array())[i], parse_tier(tiers[i])));
    action.resources.push_back(std::move(resource));
  }
  const Json* resources = json.find("resources");
  if (resources == nullptr) return {};
  if (!resources->is_array()) {
    fault_.note(*resources);
    return fail(Code::kInvalid, "`resources` must be an array");
  }
  for (const Json& item : *resources->if_array()) {
    TRY(Resource one, resource(item, action.resources.size()));
    action.resources.push_back(std::move(one));
  }
  return {};
}

Result<Action> CaseReader::action(const Json& json) {
  TRY_VOID(check_members(json,
                         {"effect", "door", "service", "operation", "iam_actions", "access_level",
                          "understood", "account", "region", "tiers", "resources", "attributes"},
                         "`action`"));
  Action action;
  TRY(action.door, text_or(json, "door", "aws"));
  TRY(action.service, text_or(json, "service", ""));
  TRY(action.operation, text_or(json, "operation", ""));
  TRY(action.iam_actions, texts(json, "iam_actions"));
  TRY(action.access_level, text_or(json, "access_level", ""));
  TRY(action.account, text_or(json, "account", ""));
  TRY(action.region, text_or(json, "region", ""));
  TRY(const std::string effect, text(json, "effect"));
  TRY(action.effect, fault_.at_member(json, "effect", parse_effect(effect)));
  TRY(action.understood, fault_.at_member(json, "understood", json.get_bool("understood")));
  if (const Json* attributes = json.find("attributes")) action.attributes = *attributes;
  TRY_VOID(add_resources(json, action));
  return action;
}

Result<VerdictKind> verdict_of(std::string_view text) {
  for (const VerdictKind kind : {VerdictKind::kAllow, VerdictKind::kHold, VerdictKind::kDeny}) {
    if (to_string(kind) == text) return kind;
  }
  return fail(Code::kInvalid, "`{}` is no verdict; write allow, hold or deny", printable(text, 64));
}

Result<Facts> CaseReader::facts(const Json& json) {
  TRY(const std::string agent_text, text_or(json, "agent", "kiro"));
  TRY(const std::string owner_text, text_or(json, "owner", "alice"));
  TRY(std::string agent, fault_.at_member(json, "agent", check_handle(agent_text)));
  TRY(std::string owner, fault_.at_member(json, "owner", check_handle(owner_text)));
  TRY(std::string purpose, text_or(json, "purpose", "test"));
  TRY(const int approvals, number(json, "approvals"));
  return Facts{AgentId(std::move(agent)), PersonId(std::move(owner)), std::move(purpose),
               approvals};
}

Result<Case> CaseReader::one(const Json& json) {
  TRY_VOID(check_members(json,
                         {"name", "action", "agent", "owner", "purpose", "reviewers", "approvals",
                          "verdict", "approvals_needed", "reasons"},
                         "the case"));
  const Json* given = json.find("action");
  if (given == nullptr) return fail(Code::kInvalid, "`action` is missing");
  TRY(Action parsed, action(*given));
  TRY(Facts facts, this->facts(json));
  Case item{{}, {}, std::move(parsed), std::move(facts), 0, VerdictKind::kDeny, 0, {}};
  TRY(item.reviewers, number(json, "reviewers"));
  TRY(const std::string verdict, text(json, "verdict"));
  TRY(item.verdict, fault_.at_member(json, "verdict", verdict_of(verdict)));
  TRY(item.approvals_needed, number(json, "approvals_needed"));
  TRY(item.reasons, texts(json, "reasons"));
  std::sort(item.reasons.begin(), item.reasons.end());
  return item;
}

Result<std::vector<Case>> CaseReader::run(const std::string& file) {
  TRY_VOID(check_members(json_, {"about", "cases"}, "the file"));
  const Json* list = json_.find("cases");
  if (list == nullptr || !list->is_array()) {
    fault_.note(list == nullptr ? json_ : *list);
    return fail(Code::kInvalid, "`cases` must be an array");
  }
  if (list->if_array()->size() > kCasesMax) {
    fault_.note((*list->if_array())[kCasesMax]);
    return fail(Code::kExhausted, "more than {} cases; split the file", kCasesMax);
  }
  const std::string about = json_.string_or("about", "");
  std::vector<Case> cases;
  for (const Json& item : *list->if_array()) {
    const std::string name =
        fmt::format("{}{}{}", about, about.empty() ? "" : " ",
                    item.string_or("name", fmt::format("case {}", cases.size())));
    TRY(Case read, fault_.at(item, context(one(item), fmt::format("`{}`", printable(name, 256)))));
    read.file = file;
    read.name = name;
    cases.push_back(std::move(read));
  }
  return cases;
}

}  // namespace

Result<std::vector<Case>> read_cases(std::string_view text, const std::string& file) {
  TRY(const Json json, context(parse_strict(text), file));
  CaseReader reader(json);
  Result<std::vector<Case>> cases = reader.run(file);
  if (cases) return cases;
  return context(
      Result<std::vector<Case>>(fail(reader.fault().placed(std::move(cases.error()), json, text))),
      file);
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
