// The request environments that a policy has to be typed in. There is one for each action and pair
// of types it applies to, and types again for the slots of a template: far too many to look at for
// every policy. Left out are those that the scope rules out, where typing ends at once and finds
// nothing, and all but one of those that differ only in what the policy does not look at. Belongs
// to one validation.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "cedar/typecheck.h"

namespace keyturn::cedar {

// What of a schema is worked out once for all policies of a validation.
class SchemaFacts {
 public:
  SchemaFacts(const SchemaContent& schema, TypeTable& types);

  // The types that a slot may be linked to, by the type of its variable. One empty name when the
  // scope has no slot.
  const std::vector<std::string>& slot_types(const Scope& scope, const std::string& variable);
  // Equal for actions that apply to the same types.
  std::size_t shape_of(const ActionType& action) const { return shapes_.at(&action); }

 private:
  const SchemaContent& schema_;
  TypeTable& types_;
  const std::vector<std::string> none_ = {std::string()};
  std::map<std::string, std::vector<std::string>, std::less<>> equal_;
  std::map<std::string, std::vector<std::string>, std::less<>> in_;
  std::unordered_map<const ActionType*, std::size_t> shapes_;
};

enum class Walk {
  kUnlessRuledOut,
  kEachAction,  // for levels: dereferencing a literal is judged by whether it is the action
  kAll,  // for a level of zero: where the scope rules the rest out, looking at it is an error
};

// Calls `visit` until all are done or the work is spent.
void walk_environments(const Body& body, Typechecker& checker, TypeTable& types, SchemaFacts& facts,
                       Walk walk, const std::function<void(const Environment&)>& visit);

// The actions that a scope may match. Empty when it names one that the schema does not have.
std::vector<const ActionType*> actions_in_scope(const SchemaContent& schema, const Scope& scope);

}  // namespace keyturn::cedar
