#include <algorithm>
#include <set>

#include "cedar/access.h"
#include "cedar/parser.h"
#include "cedar/policy_content.h"
#include "cedar/print.h"

namespace keyturn::cedar {
namespace {

Matcher matcher_of(const Policy& policy, std::uint32_t position) {
  const Body& body = *policy.body;
  Matcher matcher;
  matcher.principal = body.principal.kind;
  matcher.action = body.action.kind;
  matcher.resource = body.resource.kind;
  matcher.effect = body.effect;
  matcher.policy = position;
  const bool is_linked = policy.link != nullptr;
  matcher.principal_uid =
      is_linked && body.principal.slot != Slot::kNone ? policy.link->principal : body.principal.uid;
  matcher.principal_type = body.principal.type;
  matcher.resource_uid =
      is_linked && body.resource.slot != Slot::kNone ? policy.link->resource : body.resource.uid;
  matcher.resource_type = body.resource.type;
  matcher.actions = body.action.uids;
  matcher.body = &body;
  return matcher;
}

std::string numbered(std::size_t position) { return fmt::format("policy{}", position); }

}  // namespace

Scope linked_scope(const Scope& scope, const Policy& policy) {
  Scope filled = scope;
  if (policy.link == nullptr) return filled;
  if (scope.slot == Slot::kPrincipal) filled.uid = policy.link->principal;
  if (scope.slot == Slot::kResource) filled.uid = policy.link->resource;
  filled.slot = Slot::kNone;
  return filled;
}

const Policy* PolicySetContent::find(std::string_view id) const {
  const auto at = positions.find(id);
  return at == positions.end() ? nullptr : &policies[at->second];
}

const Policy* PolicySetContent::find_template(std::string_view id) const {
  const auto at = template_positions.find(id);
  return at == template_positions.end() ? nullptr : &templates[at->second];
}

void PolicySetContent::index_templates() {
  template_positions.clear();
  template_positions.reserve(templates.size());
  for (std::size_t i = 0; i < templates.size(); ++i) template_positions.emplace(templates[i].id, i);
}

Result<std::monostate> PolicySetContent::finish() {
  positions.clear();
  positions.reserve(policies.size());
  std::vector<Matcher> matchers;
  matchers.reserve(policies.size());
  for (std::size_t i = 0; i < policies.size(); ++i) {
    if (!positions.emplace(policies[i].id, i).second) {
      return fail(Code::kConflict, "duplicate policy id `{}`", policies[i].id);
    }
    matchers.push_back(matcher_of(policies[i], static_cast<std::uint32_t>(i)));
  }
  index_templates();
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const Policy& policy = templates[i];
    if (template_positions.at(policy.id) != i || positions.contains(policy.id)) {
      return fail(Code::kConflict, "duplicate template or policy id `{}`", policy.id);
    }
  }
  index.build(std::move(matchers));
  return std::monostate();
}

PolicySet::PolicySet() : content_(std::make_shared<const Content>()) {}
PolicySet::~PolicySet() = default;

Result<PolicySet> PolicySet::parse(std::string_view text) {
  TRY(std::vector<std::shared_ptr<const Body>> bodies, parse_policies(text));
  auto content = std::make_shared<Content>();
  content->policies.reserve(bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    auto& group = bodies[i]->is_template() ? content->templates : content->policies;
    group.push_back(Policy{numbered(i), std::move(bodies[i]), nullptr});
  }
  TRY_VOID(content->finish());
  return PolicySet(std::shared_ptr<const Content>(std::move(content)));
}

Result<PolicySet> PolicySet::merged_with(const PolicySet& other, std::string_view prefix) const {
  auto content = std::make_shared<Content>();
  content->policies = content_->policies;
  content->templates = content_->templates;
  for (const auto group : {&Content::policies, &Content::templates}) {
    for (Policy policy : (*other.content_).*group) {
      policy.id.insert(0, prefix);
      if (policy.link != nullptr) {
        auto link = std::make_shared<Link>(*policy.link);
        link->template_id.insert(0, prefix);
        policy.link = std::move(link);
      }
      ((*content).*group).push_back(std::move(policy));
    }
  }
  TRY_VOID(content->finish());
  return PolicySet(std::shared_ptr<const Content>(std::move(content)));
}

Result<Policy> link_template(const PolicySetContent& set, std::string_view template_id,
                             std::string id, const SlotValues& values) {
  const Policy* source = set.find_template(template_id);
  if (source == nullptr) {
    return fail(Code::kNotFound, "unable to link template: there is no template with id `{}`",
                template_id);
  }
  auto link = std::make_shared<Link>();
  link->pool = std::make_shared<Pool>();
  link->template_id = template_id;
  const auto fill = [&](const Scope& scope, const std::optional<EntityUid>& value,
                        std::string_view slot, const Uid*& out) -> Result<std::monostate> {
    if ((scope.slot == Slot::kNone) == value.has_value()) {
      return fail(Code::kInvalid, "unable to link template: the slot {} {}", slot,
                  value ? "does not exist in the template" : "was not provided");
    }
    if (!value) return std::monostate();
    if (!is_name(value->type)) {
      return fail(Code::kInvalid, "unable to link template: `{}` is not a valid entity type name",
                  value->type);
    }
    out = link->pool->uid(value->type, value->id);
    return std::monostate();
  };
  TRY_VOID(fill(source->body->principal, values.principal, "?principal", link->principal));
  TRY_VOID(fill(source->body->resource, values.resource, "?resource", link->resource));
  return Policy{std::move(id), source->body, std::move(link)};
}

Result<PolicySet> PolicySet::linked(std::string_view template_id, std::string_view id,
                                    const SlotValues& values) const {
  auto content = std::make_shared<Content>();
  content->policies = content_->policies;
  content->templates = content_->templates;
  TRY(Policy policy, link_template(*content_, template_id, std::string(id), values));
  content->policies.push_back(std::move(policy));
  TRY_VOID(context(content->finish(), "unable to link template"));
  return PolicySet(std::shared_ptr<const Content>(std::move(content)));
}

std::vector<std::string> PolicySet::ids() const {
  std::vector<std::string> ids;
  ids.reserve(content_->policies.size());
  for (const Policy& policy : content_->policies) ids.push_back(policy.id);
  return ids;
}

std::vector<std::string> PolicySet::template_ids() const {
  std::vector<std::string> ids;
  for (const Policy& policy : content_->templates) ids.push_back(policy.id);
  return ids;
}

std::string_view PolicySet::id_at(std::size_t position) const {
  return content_->policies[position].id;
}

std::vector<Annotation> PolicySet::annotations(std::string_view id) const {
  std::vector<Annotation> annotations;
  const Policy* policy = content_->find(id);
  if (policy == nullptr) policy = content_->find_template(id);
  if (policy == nullptr) return annotations;
  for (const Note& note : policy->body->notes) annotations.push_back({note.key, note.value});
  return annotations;
}

std::optional<std::string> PolicySet::text(std::string_view id) const {
  const Policy* policy = content_->find(id);
  if (policy == nullptr) policy = content_->find_template(id);
  if (policy == nullptr) return std::nullopt;
  const Body& body = *policy->body;
  if (body.source->empty() || policy->link != nullptr) return print_policy(*policy);
  return body.source->substr(body.range.begin, body.range.end - body.range.begin);
}

}  // namespace keyturn::cedar
