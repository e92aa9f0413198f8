// Types one policy in one request environment (principal type, action, resource type), as Cedar's
// validator does: capabilities from `has` and `hasTag`, singleton booleans, short circuits that
// leave dead branches unchecked. A Typechecker belongs to one thread; it may be used for many
// environments.
#pragma once

#include <array>
#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cedar/ast.h"
#include "cedar/cedar.h"
#include "cedar/checked_type.h"

namespace keyturn::cedar {

struct Environment {
  std::string principal;
  const ActionType* action = nullptr;
  std::string resource;
  // The types of a template's slots; empty when it has none.
  std::string principal_slot;
  std::string resource_slot;
};

// An attribute (or tag) known to be there: of which expression, which name. Expressions are
// compared by shape.
struct Capability {
  NodeId on = 0;               // the first node of that shape
  const Text* name = nullptr;  // an attribute; null for a tag
  NodeId tag = 0;
  friend auto operator<=>(const Capability&, const Capability&) = default;
};
using Capabilities = std::set<Capability>;

struct Answer {
  bool is_success = true;
  TypeRef type = nullptr;  // null: no type could be given
  Capabilities capabilities;
};

inline Answer success(TypeRef type, Capabilities capabilities = {}) {
  return {true, type, std::move(capabilities)};
}
inline Answer failure(TypeRef type) { return {false, type, {}}; }
// The answer of an expression whose operand answered `operand`.
inline Answer after(const Answer& operand, Answer answer) {
  if (operand.is_success) return answer;
  answer.is_success = false;
  answer.capabilities.clear();
  return answer;
}

struct TypeError {
  Range range;
  std::string message;
  friend auto operator<=>(const TypeError& a, const TypeError& b) {
    return std::tie(a.range.begin, a.range.end, a.message) <=>
           std::tie(b.range.begin, b.range.end, b.message);
  }
  friend bool operator==(const TypeError& a, const TypeError& b) { return (a <=> b) == 0; }
};

class Typechecker {
 public:
  Typechecker(const Body& body, TypeTable& types, ValidationMode mode);

  // The policy's whole condition, scope included. Errors are added.
  Answer check(const Environment& environment, std::set<TypeError>& errors);
  // What the scope constraint of a variable comes to; the conditions play no part.
  Answer check_scope(Variable variable, const Environment& environment);
  // Whether a condition looks at the variable.
  bool mentions(Variable variable) const { return mentions_[static_cast<std::size_t>(variable)]; }
  // The type that the last check() gave a node; null when it was not looked at.
  TypeRef type_of(NodeId id) const { return node_types_[id]; }
  // Whether the last check() got to the scope constraint of `variable`.
  bool reached(Variable variable) const { return reached_[static_cast<std::size_t>(variable)]; }

 private:
  using Part = std::function<Answer(const Capabilities& prior)>;

  Answer scope(Variable variable, const Scope& scope);
  Answer scope_in(Variable variable, const Scope& scope);
  Answer action_scope();
  Answer action_list(TypeRef& type);
  Answer clauses(const Capabilities& prior);
  Answer both(Answer left, Answer right);
  void begin(const Environment& environment, std::set<TypeError>& errors);
  // Folds from the left, as `(a && b) && c` nests.
  Answer conjunction(const std::vector<Part>& parts, const Capabilities& prior);
  Answer conjunction(const Node& node, const Capabilities& prior);
  Answer disjunction(const Node& node, const Capabilities& prior);

  Answer node(NodeId id, const Capabilities& prior);
  Answer visit(NodeId id, const Capabilities& prior);
  Answer literal(const Node& node);
  Answer variable(const Node& node);
  Answer conditional(const Node& node, const Capabilities& prior);
  Answer negated(Answer inner);
  Answer get(const Node& node, NodeId id, const Capabilities& prior);
  Answer has(const Node& node, const Capabilities& prior);
  Answer is(const Node& node, const Capabilities& prior);
  Answer set(const Node& node, const Capabilities& prior);
  Answer record(const Node& node, const Capabilities& prior);
  Answer call(const Node& node, const Capabilities& prior);
  Answer equality(const Node& node, const Capabilities& prior);
  Answer order(const Node& node, const Capabilities& prior);
  Answer arithmetic(const Node& node, const Capabilities& prior);
  Answer contains(const Node& node, const Capabilities& prior);
  Answer tag(const Node& node, const Capabilities& prior);
  Answer tag_value(const Node& node, TypeRef entity, const Answer& key, bool is_known);
  Answer in(const Node& node, const Capabilities& prior);
  Answer in_types(TypeRef left, TypeRef right) const;
  Answer action_in(const EntityUid& left, const std::vector<EntityUid>& right) const;

  Answer expect(NodeId id, const Capabilities& prior, const std::vector<TypeRef>& expected);
  Answer expect_answer(Answer answer, Range range, const std::vector<TypeRef>& expected);
  Answer strict_bound(Answer answer, TypeRef a, TypeRef b, Range range);
  TypeRef equality_type(NodeId a, TypeRef left, NodeId b, TypeRef right) const;
  TypeRef uid_type(const Uid& uid) const;
  TypeRef variable_type(Variable variable) const;
  TypeRef slot_type(Slot slot) const;
  // The literal value of a node, `action` counting as the environment's action.
  std::optional<Value> literal_value(NodeId id) const;
  std::optional<std::vector<EntityUid>> literal_uids(NodeId id) const;
  bool is_descendant(const EntityNames& left, const EntityNames& right) const;
  Capabilities joined(const Capabilities& a, const Capabilities& b);
  Capabilities common(const Capabilities& a, const Capabilities& b);
  void index_shapes();
  std::string access_text(const Node& node) const;
  std::string text_of(NodeId id) const;  // as written, or as it would be
  void error(Range range, std::string message);
  void incompatible(Range range, const std::vector<TypeRef>& types);

  const Body& body_;
  const Nodes& nodes_;
  TypeTable& types_;
  const ValidationMode mode_;
  std::vector<NodeId> shapes_;
  std::vector<TypeRef> node_types_;
  std::array<bool, 4> reached_{};
  std::array<bool, 4> mentions_{};
  const Environment* environment_ = nullptr;
  const Uid* action_uid_ = nullptr;
  Pool pool_;
  std::set<TypeError>* errors_ = nullptr;
};

}  // namespace keyturn::cedar
