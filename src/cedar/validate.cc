// The validator's passes over a policy set: names that the schema does not have, scopes that no
// action allows, and types in every request environment.
#include <algorithm>

#include "base/json_place.h"
#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/levels.h"
#include "cedar/lookalike.h"
#include "cedar/policy_content.h"
#include "cedar/typecheck.h"
#include "cedar/validation_help.h"

namespace keyturn::cedar {
namespace {

constexpr std::string_view kNoAction =
    "unable to find an applicable action given the policy scope constraints";
constexpr std::string_view kImpossible =
    "policy is impossible: the policy expression evaluates to false for all valid requests";

class PolicyValidator {
 public:
  PolicyValidator(const SchemaContent& schema, TypeTable& types, const ValidationOptions& options,
                  ValidationResult& result)
      : schema_(schema), types_(types), options_(options), result_(result) {}

  void validate(const Policy& policy) {
    policy_ = &policy;
    errors_.clear();
    // A link shares its template's body; only what its slots add is looked at again.
    if (policy.link == nullptr) {
      check_names(*policy.body);
      check_lookalikes(*policy.body);
      check_types(*policy.body);
    } else {
      check_slots(*policy.link);
    }
    check_application();
    for (const TypeError& error : errors_) report(error);
  }

 private:
  void check_names(const Body& body);
  void check_lookalikes(const Body& body);
  void check_uid(const Uid& uid, Range range);
  void check_type_name(std::string_view name, Range range);
  void check_slots(const Link& link);
  void check_application();
  bool may_match(const Scope& scope, const std::string& name) const;
  std::vector<const ActionType*> actions_in_scope() const;
  void check_types(const Body& body);
  std::vector<std::string> slot_types(const Scope& scope, const std::string& variable) const;
  void add(Range range, std::string message) { errors_.insert({range, std::move(message)}); }
  std::string placed(Range range, std::string_view message) const;
  void report(const TypeError& error);

  std::size_t help_names_left_ = kHelpNamesMax;
  const SchemaContent& schema_;
  TypeTable& types_;
  const ValidationOptions& options_;
  ValidationResult& result_;
  const Policy* policy_ = nullptr;
  std::set<TypeError> errors_;
};

std::string PolicyValidator::placed(Range range, std::string_view message) const {
  const Body& body = *policy_->body;
  if (range.end == 0) return std::string(message);
  if (!body.source->empty()) return error_at(*body.source, range, message).message;
  if (body.json == nullptr) return std::string(message);
  return fmt::format("{} at {}", message, place_at(*body.json, range.begin));
}

void PolicyValidator::report(const TypeError& error) {
  const bool is_lenient = error.message == kNoAction && options_.behaviour == Behaviour::kCedar413;
  (is_lenient ? result_.warnings : result_.errors)
      .push_back({policy_->id, placed(error.range, error.message),
                  validation_help(schema_, error.message, help_names_left_)});
}

void PolicyValidator::check_type_name(std::string_view name, Range range) {
  if (!schema_.knows_type(name)) add(range, fmt::format("unrecognized entity type `{}`", name));
}

void PolicyValidator::check_uid(const Uid& uid, Range range) {
  const std::string_view type = uid.type->view();
  check_type_name(type, range);
  if (is_action_type(type)) {
    if (schema_.find_action({std::string(type), std::string(uid.id->view())}) == nullptr) {
      add(range, fmt::format("unrecognized action `{}`", to_text(uid)));
    }
    return;
  }
  if (auto wrong = wrong_uid(schema_, uid)) add(range, std::move(*wrong));
}

void PolicyValidator::check_names(const Body& body) {
  for (const Scope* scope : {&body.principal, &body.resource}) {
    if (scope->type != nullptr) check_type_name(scope->type->view(), scope->range);
    if (scope->uid != nullptr) check_uid(*scope->uid, scope->range);
  }
  for (const Uid* uid : body.action.uids) check_uid(*uid, body.action.range);
  for (const Node& node : body.nodes.nodes) {
    if (node.op == Op::kLiteral && node.value.kind == Kind::kEntity) {
      check_uid(*node.value.uid, node.range);
    }
    if (node.op == Op::kIs || node.op == Op::kIsIn) check_type_name(node.name->view(), node.range);
  }
}

void PolicyValidator::check_lookalikes(const Body& body) {
  std::set<TypeError> found;  // once for each place
  find_lookalikes(
      body, [&](Range range, std::string message) { found.insert({range, std::move(message)}); });
  for (const TypeError& one : found) {
    result_.warnings.push_back({policy_->id, placed(one.range, one.message),
                                validation_help(schema_, one.message, help_names_left_)});
  }
}

void PolicyValidator::check_slots(const Link& link) {
  for (const Uid* uid : {link.principal, link.resource}) {
    if (uid != nullptr) check_type_name(uid->type->view(), {});
  }
}

// Whether an entity of the declared type `name` may match. Without a list of all that may: there
// may be many types, and policies.
bool PolicyValidator::may_match(const Scope& scope, const std::string& name) const {
  const auto is_below = [&](const Uid& uid, std::string_view type) {
    if (type == uid.type->view()) return true;
    const EntityType* above = schema_.find_entity(uid.type->view());
    return above != nullptr && above->descendants.contains(std::string(type));
  };
  switch (scope.kind) {
    case ScopeKind::kEqual:
      return scope.uid == nullptr || name == scope.uid->type->view();
    case ScopeKind::kIn:
      return scope.uid == nullptr || is_below(*scope.uid, name);
    case ScopeKind::kIs:
      return name == scope.type->view();
    case ScopeKind::kIsIn:
      return name == scope.type->view() && (scope.uid == nullptr || is_below(*scope.uid, name));
    case ScopeKind::kAny:
      break;
  }
  return true;
}

std::vector<const ActionType*> PolicyValidator::actions_in_scope() const {
  const Scope& scope = policy_->body->action;
  std::vector<const ActionType*> actions;
  if (scope.kind == ScopeKind::kAny) {
    for (const auto& [uid, action] : schema_.actions) actions.push_back(&action);
    return actions;
  }
  for (const Uid* listed : scope.uids) {
    const ActionType* action =
        schema_.find_action({std::string(listed->type->view()), std::string(listed->id->view())});
    if (action == nullptr) return {};
    actions.push_back(action);
    if (scope.kind == ScopeKind::kEqual) continue;
    for (const EntityUid& below : action->descendants)
      actions.push_back(schema_.find_action(below));
  }
  return actions;
}

void PolicyValidator::check_application() {
  const Scope principal = linked_scope(policy_->body->principal, *policy_);
  const Scope resource = linked_scope(policy_->body->resource, *policy_);
  const auto meets = [&](const auto& names, const Scope& scope) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return may_match(scope, name); });
  };
  for (const ActionType* action : actions_in_scope()) {
    if (meets(action->principals, principal) && meets(action->resources, resource)) return;
  }
  add(policy_->body->range, std::string(kNoAction));
}

// The types a slot may be linked to when the variable has the type `variable`; one empty name for
// no slot.
std::vector<std::string> PolicyValidator::slot_types(const Scope& scope,
                                                     const std::string& variable) const {
  if (scope.slot == Slot::kNone) return {std::string()};
  std::vector<std::string> types;
  if (scope.kind != ScopeKind::kEqual) {
    for (const auto& [name, type] : schema_.entities) {
      if (type.descendants.contains(variable)) types.push_back(name);
    }
  }
  types.push_back(variable);
  return types;
}

void PolicyValidator::check_types(const Body& body) {
  Typechecker checker(body, types_, options_.mode);
  bool is_impossible = true;
  const auto check = [&](const Environment& environment) {
    std::set<TypeError> found;
    const Answer answer = checker.check(environment, found);
    if (options_.level_max && answer.is_success) {
      check_levels(body, checker, environment, *options_.level_max, found);
    }
    errors_.merge(found);
    if (answer.type == nullptr || answer.type->tag != Tag::kFalse) is_impossible = false;
  };
  Environment environment;
  for (const auto& [uid, action] : schema_.actions) {
    environment.action = &action;
    for (const std::string& principal : action.principals) {
      for (const std::string& resource : action.resources) {
        environment.principal = principal;
        environment.resource = resource;
        for (const std::string& slot : slot_types(body.principal, principal)) {
          environment.principal_slot = slot;
          for (const std::string& other : slot_types(body.resource, resource)) {
            environment.resource_slot = other;
            check(environment);
          }
        }
      }
    }
  }
  if (is_impossible) result_.warnings.push_back({policy_->id, placed(body.range, kImpossible)});
}

}  // namespace

ValidationResult validate(const PolicySet& policies, const Schema& schema,
                          const ValidationOptions& options) {
  ValidationResult result;
  const SchemaContent& content = Access::content(schema);
  TypeTable types(content);
  PolicyValidator validator(content, types, options, result);
  for (const Policy& policy : Access::content(policies).templates) validator.validate(policy);
  for (const Policy& policy : Access::content(policies).policies) validator.validate(policy);
  return result;
}

ValidationResult validate(const PolicySet& policies, const Schema& schema, ValidationMode mode) {
  ValidationOptions options;
  options.mode = mode;
  return validate(policies, schema, options);
}

}  // namespace keyturn::cedar
