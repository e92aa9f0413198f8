// The validator's passes over a policy set: names that the schema does not have, scopes that no
// action allows, and types in every request environment.
#include <algorithm>

#include "base/json_place.h"
#include "cedar/access.h"
#include "cedar/environments.h"
#include "cedar/escape.h"
#include "cedar/levels.h"
#include "cedar/lookalike.h"
#include "cedar/policy_content.h"
#include "cedar/typecheck.h"
#include "cedar/validation_help.h"
#include "cedar/validation_work.h"

namespace keyturn::cedar {
namespace {

constexpr std::string_view kNoAction =
    "unable to find an applicable action given the policy scope constraints";
constexpr std::string_view kImpossible =
    "policy is impossible: the policy expression evaluates to false for all valid requests";

std::string too_much_work(std::size_t work_max) {
  return fmt::format(
      "typing up to this policy takes more than {} steps: too many policies look at too many of "
      "the "
      "schema's pairs of types and actions; narrow scopes with `is` and `==`, or validate in parts",
      work_max);
}

// A diagnostic before its place is looked up.
struct Found {
  const Policy* policy;
  Range range;
  std::string message;
  std::string help;
};

struct Report {
  std::vector<Found> errors;
  std::vector<Found> warnings;
};

class PolicyValidator {
 public:
  PolicyValidator(const SchemaContent& schema, TypeTable& types, const ValidationOptions& options,
                  const ValidationWork& work, Report& report)
      : schema_(schema),
        types_(types),
        facts_(schema, types),
        options_(options),
        work_(work),
        report_(report) {}

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
    if (!types_.is_spent()) check_application();
    if (types_.is_spent()) add(policy.body->range, too_much_work(work_.max));
    for (const TypeError& error : errors_) report(error);
  }

 private:
  void check_names(const Body& body);
  void check_lookalikes(const Body& body);
  void check_uid(const Uid& uid, Range range);
  void check_type_name(std::string_view name, Range range);
  void check_slots(const Link& link);
  void check_application();
  bool may_match(const EntityNames& names, const Scope& scope);
  void check_types(const Body& body);
  void add(Range range, std::string message) { errors_.insert({range, std::move(message)}); }
  void report(const TypeError& error);

  std::size_t help_names_left_ = kHelpNamesMax;
  const SchemaContent& schema_;
  TypeTable& types_;
  SchemaFacts facts_;
  const ValidationOptions& options_;
  const ValidationWork& work_;
  Report& report_;
  const Policy* policy_ = nullptr;
  std::set<TypeError> errors_;
};

void PolicyValidator::report(const TypeError& error) {
  const bool is_lenient = error.message == kNoAction && options_.behaviour == Behaviour::kCedar413;
  (is_lenient ? report_.warnings : report_.errors)
      .push_back({policy_, error.range, error.message,
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
    report_.warnings.push_back(
        {policy_, one.range, one.message, validation_help(schema_, one.message, help_names_left_)});
  }
}

void PolicyValidator::check_slots(const Link& link) {
  for (const Uid* uid : {link.principal, link.resource}) {
    if (uid != nullptr) check_type_name(uid->type->view(), {});
  }
}

// Whether an entity of one of the declared types may match.
bool PolicyValidator::may_match(const EntityNames& names, const Scope& scope) {
  types_.charge(1);
  if (names.empty()) return false;
  const bool has_type = scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kIsIn;
  if (has_type && !names.contains(scope.type->view())) return false;
  if (scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kAny || scope.uid == nullptr) {
    return true;
  }
  const std::string_view above = scope.uid->type->view();
  if (scope.kind == ScopeKind::kEqual) return names.contains(above);
  const EntityType* type = schema_.find_entity(above);
  if (has_type) {
    return scope.type->view() == above ||
           (type != nullptr && type->descendants.contains(scope.type->view()));
  }
  if (names.contains(above)) return true;
  if (type == nullptr) return false;
  const EntityNames& below = type->descendants;
  types_.charge(std::min(names.size(), below.size()));
  const EntityNames& fewer = names.size() < below.size() ? names : below;
  const EntityNames& others = names.size() < below.size() ? below : names;
  return std::any_of(fewer.begin(), fewer.end(),
                     [&](const std::string& name) { return others.contains(name); });
}

void PolicyValidator::check_application() {
  const Scope principal = linked_scope(policy_->body->principal, *policy_);
  const Scope resource = linked_scope(policy_->body->resource, *policy_);
  for (const ActionType* action : actions_in_scope(schema_, policy_->body->action)) {
    if (may_match(action->principals, principal) && may_match(action->resources, resource)) return;
  }
  add(policy_->body->range, std::string(kNoAction));
}

void PolicyValidator::check_types(const Body& body) {
  Typechecker checker(body, types_, options_.mode);
  bool is_impossible = true;
  Walk walk = options_.level_max ? Walk::kEachAction : Walk::kUnlessRuledOut;
  if (options_.level_max == 0U) walk = Walk::kAll;
  if (work_.walk) walk = *work_.walk;
  walk_environments(body, checker, types_, facts_, walk, [&](const Environment& environment) {
    std::set<TypeError> found;
    const Answer answer = checker.check(environment, found);
    if (options_.level_max && answer.is_success) {
      types_.charge(body.nodes.nodes.size());
      check_levels(body, checker, environment, *options_.level_max, found);
    }
    if (types_.is_spent()) return;
    errors_.merge(found);
    if (answer.type == nullptr || answer.type->tag != Tag::kFalse) is_impossible = false;
  });
  if (is_impossible && !types_.is_spent()) {
    report_.warnings.push_back({policy_, body.range, std::string(kImpossible), {}});
  }
}

using Texts = std::map<const std::string*, std::vector<std::pair<std::size_t, Diagnostic*>>>;

// Each text is gone through once, whatever the number of diagnostics.
void place(const std::vector<Found>& found, std::vector<Diagnostic>& diagnostics) {
  Texts cedar;
  Texts json;
  for (std::size_t i = 0; i < found.size(); ++i) {
    diagnostics.push_back({found[i].policy->id, found[i].message, found[i].help});
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Body& body = *found[i].policy->body;
    if (found[i].range.end == 0) continue;
    if (!body.source->empty()) cedar[body.source.get()].emplace_back(i, &diagnostics[i]);
    if (body.json != nullptr) json[body.json.get()].emplace_back(i, &diagnostics[i]);
  }
  const auto by_place = [&](auto& items) {
    std::sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
      return std::pair(found[a.first].range.begin, a.first) <
             std::pair(found[b.first].range.begin, b.first);
    });
  };
  for (auto& [text, items] : cedar) {
    by_place(items);
    PlaceFinder finder(*text);
    for (auto& [at, diagnostic] : items) {
      diagnostic->message = finder.error(found[at].range, diagnostic->message).message;
    }
  }
  for (auto& [text, items] : json) {
    by_place(items);
    std::vector<std::size_t> offsets;
    for (const auto& [at, diagnostic] : items) offsets.push_back(found[at].range.begin);
    const std::vector<std::string> places = places_at(*text, offsets);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].second->message += " at " + places[i];
  }
}

}  // namespace

CountedValidation validate_counted(const PolicySet& policies, const Schema& schema,
                                   const ValidationOptions& options, const ValidationWork& work) {
  const SchemaContent& content = Access::content(schema);
  TypeTable types(content, work.max);
  Report report;
  PolicyValidator validator(content, types, options, work, report);
  const PolicySetContent& set = Access::content(policies);
  for (const std::vector<Policy>* group : {&set.templates, &set.policies}) {
    for (const Policy& policy : *group) {
      if (!types.is_spent()) validator.validate(policy);
    }
  }
  CountedValidation counted;
  counted.work = work.max - types.work_left();
  place(report.errors, counted.result.errors);
  place(report.warnings, counted.result.warnings);
  return counted;
}

ValidationResult validate(const PolicySet& policies, const Schema& schema,
                          const ValidationOptions& options) {
  return validate_counted(policies, schema, options, {}).result;
}

ValidationResult validate(const PolicySet& policies, const Schema& schema, ValidationMode mode) {
  ValidationOptions options;
  options.mode = mode;
  return validate(policies, schema, options);
}

}  // namespace keyturn::cedar
