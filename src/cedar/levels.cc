#include "cedar/levels.h"

#include <algorithm>

namespace keyturn::cedar {
namespace {

class LevelChecker {
 public:
  LevelChecker(const Body& body, const Typechecker& checker, const Environment& environment,
               unsigned level_max, std::set<TypeError>& errors)
      : body_(body),
        nodes_(body.nodes),
        checker_(checker),
        environment_(environment),
        level_max_(level_max),
        errors_(errors) {}

  void run() {
    scope(Variable::kPrincipal, body_.principal);
    scope(Variable::kAction, body_.action);
    scope(Variable::kResource, body_.resource);
    for (const Clause& clause : body_.clauses) visit(clause.root);
  }

 private:
  using Path = std::vector<const Text*>;

  // `in` looks up the variable's ancestors.
  void scope(Variable variable, const Scope& scope) {
    const bool is_in = scope.kind == ScopeKind::kIn || scope.kind == ScopeKind::kIsIn;
    if (is_in && checker_.reached(variable)) exceed(0, scope.range);
  }

  void exceed(unsigned level, Range range) {
    if (level < level_max_) return;
    errors_.insert({range, fmt::format("this policy requires level {}, which exceeds the maximum "
                                       "allowed level ({})",
                                       level + 1, level_max_)});
  }

  bool is_dead(NodeId id) const { return checker_.type_of(id) == nullptr; }
  bool is_entity(NodeId id) const {
    return !is_dead(id) && checker_.type_of(id)->tag == Tag::kEntity;
  }

  void visit(NodeId id) {
    if (is_dead(id)) return;
    const Node& node = nodes_.at(id);
    switch (node.op) {
      case Op::kLiteral:
      case Op::kVariable:
      case Op::kUnknown:
        return;
      case Op::kIf:
        visit(node.a);
        visit(node.b);
        visit(node.c);
        return;
      case Op::kAnd:
      case Op::kOr:
      case Op::kSet:
      case Op::kRecord:
      case Op::kCall:
        for (const NodeId child : nodes_.children_of(node)) visit(child);
        return;
      case Op::kIsIn:
        visit(node.c);
        return;
      case Op::kHas:
        if (node.count > 1) {
          visit(node.c);
          return;
        }
        access(node);
        return;
      case Op::kGet:
        access(node);
        return;
      case Op::kIn:
      case Op::kGetTag:
      case Op::kHasTag:
        exceed(target_level(node.a, {}), node.range);
        visit(node.b);
        return;
      case Op::kNot:
      case Op::kNegate:
      case Op::kIsEmpty:
      case Op::kLike:
      case Op::kIs:
        visit(node.a);
        return;
      default:
        visit(node.a);
        visit(node.b);
        return;
    }
  }

  void access(const Node& node) {
    if (is_entity(node.a)) {
      exceed(target_level(node.a, {}), node.range);
    } else {
      visit(node.a);
    }
  }

  // The dereferences that finding the entity takes. `path` are the attributes taken of it from
  // records.
  unsigned target_level(NodeId id, Path path) {
    if (is_dead(id)) return 0;
    const Node& node = nodes_.at(id);
    switch (node.op) {
      case Op::kLiteral: {
        const bool is_action = node.value.kind == Kind::kEntity &&
                               node.value.uid->type->view() == environment_.action->uid.type &&
                               node.value.uid->id->view() == environment_.action->uid.id;
        if (!is_action) {
          errors_.insert({node.range, "entity literals cannot be dereferenced at any level"});
        }
        return 0;
      }
      case Op::kIf: {
        visit(node.a);
        const unsigned yes = target_level(node.b, path);
        return std::max(yes, target_level(node.c, std::move(path)));
      }
      case Op::kGet:
        if (is_entity(node.a)) return target_level(node.a, std::move(path)) + 1;
        path.push_back(node.name);
        return target_level(node.a, std::move(path));
      case Op::kGetTag: {
        const unsigned level = target_level(node.a, std::move(path)) + 1;
        visit(node.b);
        return level;
      }
      case Op::kRecord:
        return record_level(node, std::move(path));
      default:
        return 0;
    }
  }

  unsigned record_level(const Node& node, Path path) {
    if (path.empty()) return 0;
    const Text* wanted = path.back();
    path.pop_back();
    unsigned level = 0;
    const auto names = nodes_.names_of(node);
    const auto children = nodes_.children_of(node);
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (same(*names[i], *wanted)) {
        level = target_level(children[i], path);
      } else {
        visit(children[i]);
      }
    }
    return level;
  }

  const Body& body_;
  const Nodes& nodes_;
  const Typechecker& checker_;
  const Environment& environment_;
  const unsigned level_max_;
  std::set<TypeError>& errors_;
};

}  // namespace

void check_levels(const Body& body, const Typechecker& checker, const Environment& environment,
                  unsigned level_max, std::set<TypeError>& errors) {
  LevelChecker(body, checker, environment, level_max, errors).run();
}

}  // namespace keyturn::cedar
