// Evaluates one expression as far as it does not depend on unknown context attributes.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/evaluate.h"

namespace keyturn::cedar {

struct Unknowns {
  std::set<std::string, std::less<>> names;
  // Those that the schema says are always there.
  std::set<std::string, std::less<>> present;
};

// A value, an expression that is left, or a failure.
struct Part {
  enum class Kind : std::uint8_t { kValue, kResidual, kFailed };
  Kind kind = Kind::kFailed;
  Value value;
  NodeId node = 0;  // in the residual's nodes

  bool is_bool(bool truth) const {
    return kind == Kind::kValue && value.kind == cedar::Kind::kBool && value.boolean == truth;
  }
};

class ResidualBuilder {
 public:
  // `from` is read, `to` is appended to; both evaluators' stores must outlive this.
  ResidualBuilder(const Nodes& from, Evaluator& evaluator, const Unknowns& unknowns, Builder& to);

  Result<Part> part(NodeId id);
  // The expression `part` stands for.
  Result<NodeId> expression(const Part& part, NodeId original);

 private:
  Result<Part> settled(NodeId id);
  Result<Part> logical(const Node& node);
  Result<Part> conditional(const Node& node);
  Result<Part> has(const Node& node, NodeId id);
  Result<Part> left_over(const Node& node);
  // The original expression, its settled parts included.
  Result<NodeId> copy(NodeId id);
  Result<NodeId> copy_parts(const Node& node, std::span<const NodeId> operands);
  std::vector<NodeId> operands_of(const Node& node) const;
  bool is_open_context(NodeId id) const;
  // Whether a residual could fail for some values of what is unknown.
  bool can_fail(NodeId residual) const;
  static Part residual(NodeId node) { return {Part::Kind::kResidual, {}, node}; }

  const Nodes& from_;
  Evaluator& evaluator_;
  const Unknowns& unknowns_;
  Builder& to_;
  std::vector<bool> depends_;  // by node of `from`: on an unknown attribute
};

}  // namespace keyturn::cedar
