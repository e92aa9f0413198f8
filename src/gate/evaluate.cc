// Deciding, purely: policies, action and facts in, verdict out (invariant 9).
#include <algorithm>
#include <set>

#include "gate/gate.h"

namespace keyturn::gate {
namespace {

// Door-specific facts that the schema knows; others are for reviewers only.
constexpr std::array<std::string_view, 4> kAttributes = {"credential_exit", "dry_run", "reversible",
                                                         "sets_role"};

Json uid(std::string_view type, std::string_view id) {
  return Json::object({{"type", type}, {"id", id}});
}

Json entity(Json uid, Json attributes, Json parents) {
  return Json::object(
      {{"uid", std::move(uid)}, {"attrs", std::move(attributes)}, {"parents", std::move(parents)}});
}

// Judged as it is recorded, so that the record gives the verdict again.
Json text(const std::string& value) { return recorded_text(value); }

Json none() { return Json(Json::Object()); }

// Invariant 3: what is not understood destroys, and is in production.
Effect effect_of(const Action& action) {
  return action.understood ? action.effect : stricter(action.effect, Effect::kDestroy);
}

Tier tier_of(const Action& action, const Resource& resource) {
  return action.understood ? resource.tier : Tier::kProduction;
}

// One resource, its environment and its tier, with both principals. The environment stands in the
// tier that the resource was given, which may be stricter than its own: a resource is in one tier.
Json entities_of(const Action& action, const Resource& resource, const Facts& facts) {
  const Json tier = uid("Tier", to_string(tier_of(action, resource)));
  Json tags = none();
  for (const auto& [key, value] : resource.tags) tags.set(recorded_text(key), text(value));
  Json thing = entity(uid("Resource", recorded_text(resource.name)),
                      Json::object({{"name", text(resource.name)},
                                    {"type", text(resource.type)},
                                    {"account", text(resource.account)},
                                    {"region", text(resource.region)}}),
                      Json::array({tier}));
  thing.set("tags", std::move(tags));
  Json all(Json::Array{});
  if (!resource.environment.empty()) {
    const Json environment = uid("Environment", recorded_text(resource.environment));
    thing.set("parents", Json::array({environment}));
    all.push_back(entity(environment, none(), Json::array({tier})));
  }
  all.push_back(std::move(thing));
  all.push_back(entity(tier, none(), Json(Json::Array())));
  all.push_back(entity(
      uid("Agent", facts.agent.text()),
      Json::object({{"owner", Json::object({{"__entity", uid("Person", facts.owner.text())}})}}),
      Json(Json::Array())));
  all.push_back(entity(uid("Person", facts.owner.text()), none(), Json(Json::Array())));
  return all;
}

Json context_of(const Action& action, const Facts& facts) {
  Json iam_actions(Json::Array{});
  for (const std::string& name : action.iam_actions) iam_actions.push_back(text(name));
  Json context = Json::object({
      {"approvals", facts.approvals},
      {"door", text(action.door)},
      {"service", text(action.service)},
      {"operation", text(action.operation)},
      {"iam_actions", std::move(iam_actions)},
      {"access_level", text(action.access_level)},
      {"understood", action.understood},
      {"purpose", facts.purpose},
      {"account", text(action.account)},
      {"region", text(action.region)},
      {"resources", static_cast<std::int64_t>(action.resources.size())},
  });
  for (const std::string_view name : kAttributes) {
    const Json* value = action.attributes.find(name);
    if (value != nullptr && value->if_bool() != nullptr) context.set(name, *value);
  }
  return context;
}

// Collects over principals and resources. What forbids or fails is named before what permits.
struct Collected {
  bool permitted = true;
  std::set<std::string> permits;
  std::set<std::string> forbids;
  std::set<std::string> errors;

  void add(const Policies& policies, const cedar::Response& response) {
    const bool allowed = response.decision == cedar::Decision::kAllow;
    for (const std::string& id : response.reasons) {
      (allowed ? permits : forbids).insert(policies.name(id));
    }
    for (const cedar::Diagnostic& error : response.errors) {
      errors.insert(fmt::format("{}: {}", policies.name(error.policy), error.message));
    }
    permitted = permitted && allowed && response.errors.empty();
  }
};

}  // namespace

Result<Evaluation> evaluate(const Policies& policies, const Action& action, const Facts& facts) {
  std::vector<Resource> resources = action.resources;
  if (resources.empty()) {
    Resource anything;
    anything.name = "*";
    resources.push_back(std::move(anything));
  }
  if (resources.size() > kResourcesMax) {
    return fail(Code::kExhausted, "the action names {} resources but may name {}; split it",
                resources.size(), kResourcesMax);
  }
  const std::array principals = {cedar::EntityUid{"Agent", facts.agent.text()},
                                 cedar::EntityUid{"Person", facts.owner.text()}};
  cedar::Request request;
  request.action = {"Action", std::string(to_string(effect_of(action)))};
  request.context = context_of(action, facts);
  Collected collected;
  for (const Resource& resource : resources) {
    TRY(const cedar::Entities entities,
        cedar::Entities::from_json(entities_of(action, resource, facts), &policies.schema()));
    request.resource = {"Resource", recorded_text(resource.name)};
    for (const cedar::EntityUid& principal : principals) {
      request.principal = principal;
      TRY(const cedar::Response response,
          cedar::authorize(policies.set(), entities, request, &policies.schema()));
      collected.add(policies, response);
    }
  }
  const auto& reasons = collected.permitted ? collected.permits : collected.forbids;
  return Evaluation{collected.permitted,
                    {reasons.begin(), reasons.end()},
                    {collected.errors.begin(), collected.errors.end()}};
}

Result<Judgement> judge(const Policies& policies, const Action& action, Facts facts,
                        int reviewers_max) {
  TRY(Evaluation now, evaluate(policies, action, facts));
  Judgement judgement{VerdictKind::kAllow, 0, std::move(now.reasons), std::move(now.errors)};
  if (now.permitted) return judgement;
  judgement.kind = VerdictKind::kDeny;
  for (int approvals = facts.approvals + 1; approvals <= kApprovalsMax; ++approvals) {
    Facts then = facts;
    then.approvals = approvals;
    TRY(Evaluation later, evaluate(policies, action, then));
    if (!later.permitted) continue;
    judgement.approvals_needed = approvals;
    judgement.reasons = std::move(later.reasons);
    judgement.errors = std::move(later.errors);
    if (approvals <= reviewers_max) judgement.kind = VerdictKind::kHold;
    break;
  }
  return judgement;
}

}  // namespace keyturn::gate
