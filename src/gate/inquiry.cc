#include "gate/inquiry.h"

#include "gate/destroyed.h"

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
      {std::string(kApprovalsAttribute), facts.approvals},
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
  // What it makes again stands there in words.
  const Json* again = action.attributes.find(kRecreateAttribute);
  if (again != nullptr) context.set(kRecreateAttribute, true);
  return context;
}

}  // namespace

Inquiry::Inquiry(const Action& action, const Facts& facts)
    : action_(action),
      facts_(facts),
      resources_(action.resources),
      principals_{cedar::EntityUid{"Agent", facts.agent.text()},
                  cedar::EntityUid{"Person", facts.owner.text()}} {
  if (!resources_.empty()) return;
  Resource anything;
  anything.name = "*";
  resources_.push_back(std::move(anything));
}

Result<Inquiry> Inquiry::make(const Action& action, const Facts& facts) {
  if (action.resources.size() <= kResourcesMax) return Inquiry(action, facts);
  return fail(Code::kExhausted, "the action names {} resources but may name {}; split it",
              action.resources.size(), kResourcesMax);
}

Result<cedar::Entities> Inquiry::entities(const Policies& policies,
                                          const Resource& resource) const {
  return cedar::Entities::from_json(entities_of(action_, resource, facts_), &policies.schema());
}

cedar::Request Inquiry::request() const {
  cedar::Request request;
  request.action = {"Action", std::string(to_string(effect_of(action_)))};
  request.context = context_of(action_, facts_);
  return request;
}

cedar::EntityUid Inquiry::uid_of(const Resource& resource) {
  return {"Resource", recorded_text(resource.name)};
}

cedar::PartialRequest without_approvals(cedar::Request request) {
  std::erase_if(*request.context.if_object(),
                [](const Json::Member& member) { return member.first == kApprovalsAttribute; });
  return {std::move(request), {std::string(kApprovalsAttribute)}};
}

}  // namespace keyturn::gate
