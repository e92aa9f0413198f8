#include "cedar/environments.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace keyturn::cedar {
namespace {

// A variable's type with the type of its slot. Choices with one class are alike to a policy whose
// conditions do not look at the variable.
struct Choice {
  std::string_view type;
  std::string_view slot;
  int class_of = 0;
};

// Of scopes that could not be typed; above every tag.
constexpr int kFailed = 100;

// What a scope came to, as far as it matters to what follows.
int class_of(const Answer& answer) {
  const int tag = answer.type == nullptr ? -1 : static_cast<int>(answer.type->tag);
  return answer.is_success ? tag : kFailed + 1 + tag;
}

// The choices for the principal or the resource.
class Side {
 public:
  Side(Variable variable, const Scope& scope, const SchemaContent& schema, Walk walk)
      : variable_(variable), scope_(scope), walk_(walk) {
    if (walk == Walk::kAll) return;
    const bool has_type = scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kIsIn;
    if (has_type) only_.emplace(scope.type->view());
    // An unknown type is typed as if it could be any, so that nothing is ruled out.
    const EntityType* type =
        scope.uid == nullptr ? nullptr : schema.find_entity(scope.uid->type->view());
    if (!has_type && type != nullptr) {
      only_.emplace(type->name);
      if (scope.kind == ScopeKind::kIn)
        only_.insert(type->descendants.begin(), type->descendants.end());
    }
    is_restricted_ = has_type || type != nullptr;
  }

  std::vector<Choice> choices(const EntityNames& names, Environment& environment,
                              Typechecker& checker, TypeTable& types, SchemaFacts& facts) {
    const bool is_mentioned = checker.mentions(variable_);
    const bool is_free = scope_.kind == ScopeKind::kAny && scope_.slot == Slot::kNone;
    std::vector<Choice> found;
    std::set<int> classes;
    const auto add = [&](const std::string& name) {
      types.charge(1);
      for (const Choice& choice : of(name, environment, checker, facts)) {
        if (is_mentioned || classes.insert(choice.class_of).second) found.push_back(choice);
      }
    };
    // Without constraint all are alike.
    if (is_free && !is_mentioned) {
      if (!names.empty()) add(*names.begin());
    } else if (is_restricted_ && only_.size() < names.size()) {
      for (const std::string& name : only_) {
        if (names.contains(name)) add(*names.find(name));
      }
    } else {
      for (const std::string& name : names) {
        if (!is_restricted_ || only_.contains(name)) add(name);
      }
    }
    return found;
  }

 private:
  // One choice for each class of slot types.
  const std::vector<Choice>& of(const std::string& name, Environment& environment,
                                Typechecker& checker, SchemaFacts& facts) {
    const auto [at, is_new] = known_.try_emplace(name);
    if (!is_new) return at->second;
    std::set<int> classes;
    const bool is_principal = variable_ == Variable::kPrincipal;
    (is_principal ? environment.principal : environment.resource) = name;
    for (const std::string& slot : facts.slot_types(scope_, name)) {
      (is_principal ? environment.principal_slot : environment.resource_slot) = slot;
      const Answer answer = checker.check_scope(variable_, environment);
      const bool is_out = answer.type != nullptr && answer.type->tag == Tag::kFalse;
      if (is_out && walk_ != Walk::kAll) continue;
      if (classes.insert(class_of(answer)).second) {
        at->second.push_back({at->first, slot, class_of(answer)});
      }
    }
    return at->second;
  }

  const Variable variable_;
  const Scope& scope_;
  const Walk walk_;
  bool is_restricted_ = false;
  EntityNames only_;
  std::map<std::string, std::vector<Choice>, std::less<>> known_;
};

// The actions that the scope does not rule out, or all when it cannot be typed.
std::vector<const ActionType*> actions_to_type(const Body& body, const TypeTable& types,
                                               Walk walk) {
  const SchemaContent& schema = types.schema();
  std::vector<const ActionType*> actions;
  if (walk != Walk::kAll) actions = actions_in_scope(schema, body.action);
  const bool is_list = body.action.kind == ScopeKind::kIn;
  const bool is_typed = std::all_of(
      body.action.uids.begin(), body.action.uids.end(),
      [&](const Uid* uid) { return uid->type->view() == body.action.uids.front()->type->view(); });
  // Actions of several types have no common one, which is an error wherever it is looked at.
  if (!actions.empty() && (!is_list || is_typed)) return actions;
  actions.clear();
  for (const auto& [uid, action] : schema.actions) actions.push_back(&action);
  return actions;
}

class Walker {
 public:
  Walker(const Body& body, Typechecker& checker, TypeTable& types, SchemaFacts& facts, Walk walk,
         const std::function<void(const Environment&)>& visit)
      : checker_(checker),
        types_(types),
        facts_(facts),
        walk_(walk),
        visit_(visit),
        principal_(Variable::kPrincipal, body.principal, types.schema(), walk),
        resource_(Variable::kResource, body.resource, types.schema(), walk) {}

  void run(const std::vector<const ActionType*>& actions) {
    for (const ActionType* action : actions) {
      if (types_.is_spent()) return;
      types_.charge(1);
      environment_ = {};
      environment_.action = action;
      const Answer answer = checker_.check_scope(Variable::kAction, environment_);
      const bool is_out = answer.type != nullptr && answer.type->tag == Tag::kFalse;
      if (is_out && walk_ != Walk::kAll) continue;
      visit_pairs(class_of(answer));
    }
  }

 private:
  void visit_pairs(int action_class) {
    const ActionType& action = *environment_.action;
    // The context is the action's, and messages about it name the action.
    const bool by_action = checker_.mentions(Variable::kAction) ||
                           checker_.mentions(Variable::kContext) || walk_ != Walk::kUnlessRuledOut;
    if (!by_action && !shapes_.insert({action_class, facts_.shape_of(action)}).second) return;
    const std::vector<Choice> principals =
        principal_.choices(action.principals, environment_, checker_, types_, facts_);
    if (principals.empty()) return;
    const std::vector<Choice> resources =
        resource_.choices(action.resources, environment_, checker_, types_, facts_);
    // Actions that have no common type are an error wherever they are looked at, and the scope of
    // the resource is looked at after them.
    if (resources.empty() && action_class >= kFailed && !action.resources.empty()) {
      environment_.principal = principals.front().type;
      environment_.principal_slot = principals.front().slot;
      environment_.resource = *action.resources.begin();
      visit_(environment_);
    }
    for (const Choice& principal : principals) {
      for (const Choice& resource : resources) {
        if (types_.is_spent()) return;
        types_.charge(1);
        if (!by_action && !seen_.insert(key(action_class, principal, resource)).second) continue;
        environment_.principal = principal.type;
        environment_.principal_slot = principal.slot;
        environment_.resource = resource.type;
        environment_.resource_slot = resource.slot;
        visit_(environment_);
      }
    }
  }

  using Key = std::tuple<int, std::string_view, int, std::string_view, int>;
  Key key(int action_class, const Choice& principal, const Choice& resource) const {
    const bool by_principal = checker_.mentions(Variable::kPrincipal);
    const bool by_resource = checker_.mentions(Variable::kResource);
    return {action_class, by_principal ? principal.type : std::string_view(), principal.class_of,
            by_resource ? resource.type : std::string_view(), resource.class_of};
  }

  Typechecker& checker_;
  TypeTable& types_;
  SchemaFacts& facts_;
  const Walk walk_;
  const std::function<void(const Environment&)>& visit_;
  Side principal_;
  Side resource_;
  Environment environment_;
  std::set<Key> seen_;
  std::set<std::pair<int, std::size_t>> shapes_;
};

}  // namespace

SchemaFacts::SchemaFacts(const SchemaContent& schema, TypeTable& types)
    : schema_(schema), types_(types) {
  std::map<std::pair<EntityNames, EntityNames>, std::size_t> known;
  for (const auto& [uid, action] : schema.actions) {
    shapes_.emplace(
        &action,
        known.try_emplace({action.principals, action.resources}, known.size()).first->second);
  }
}

const std::vector<std::string>& SchemaFacts::slot_types(const Scope& scope,
                                                        const std::string& variable) {
  if (scope.slot == Slot::kNone) return none_;
  const bool is_equal = scope.kind == ScopeKind::kEqual;
  const auto [at, is_new] = (is_equal ? equal_ : in_).try_emplace(variable);
  if (!is_new) return at->second;
  if (!is_equal) {
    types_.charge(schema_.entities.size());
    for (const auto& [name, type] : schema_.entities) {
      if (type.descendants.contains(variable)) at->second.push_back(name);
    }
  }
  at->second.push_back(variable);
  return at->second;
}

void walk_environments(const Body& body, Typechecker& checker, TypeTable& types, SchemaFacts& facts,
                       Walk walk, const std::function<void(const Environment&)>& visit) {
  Walker(body, checker, types, facts, walk, visit).run(actions_to_type(body, types, walk));
}

std::vector<const ActionType*> actions_in_scope(const SchemaContent& schema, const Scope& scope) {
  std::vector<const ActionType*> actions;
  if (scope.kind == ScopeKind::kAny) {
    for (const auto& [uid, action] : schema.actions) actions.push_back(&action);
    return actions;
  }
  std::set<const ActionType*> known;
  const auto add = [&](const ActionType* action) {
    if (known.insert(action).second) actions.push_back(action);
  };
  std::set<const ActionType*> groups;  // the descendants of one are looked at once
  for (const Uid* listed : scope.uids) {
    const ActionType* action =
        schema.find_action({std::string(listed->type->view()), std::string(listed->id->view())});
    if (action == nullptr) return {};
    add(action);
    if (scope.kind == ScopeKind::kEqual || !groups.insert(action).second) continue;
    for (const EntityUid& below : action->descendants) add(schema.find_action(below));
  }
  return actions;
}

}  // namespace keyturn::cedar
