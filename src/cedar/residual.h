// Evaluates one expression as far as it does not depend on unknown context attributes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/evaluate.h"

namespace keyturn::cedar {

struct Unknowns {
  std::set<std::string, std::less<>> names;
  // Those that the schema says are always there, and of what kind.
  std::map<std::string, Kind, std::less<>> present;
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
  // `from` is read, `to` is appended to and owns all that it points to.
  ResidualBuilder(const Nodes& from, Evaluator& evaluator, const Unknowns& unknowns, Builder& to);

  Result<Part> part(NodeId id);
  // The expression `part` stands for.
  Result<NodeId> expression(const Part& part, NodeId original);
  // Whether the residual is a bool whatever is unknown.
  bool is_surely_bool(NodeId residual) { return sure_kind(residual) == Kind::kBool; }

 private:
  Result<Part> settled(NodeId id);
  Result<Part> logical(const Node& node);
  Result<Part> conditional(const Node& node);
  Result<Part> is_in(const Node& node);
  Result<Part> has(const Node& node, NodeId id);
  Result<Part> left_over(const Node& node);
  // The original expression, its settled parts included.
  Result<NodeId> copy(NodeId id);
  Result<NodeId> copy_parts(const Node& node, std::span<const NodeId> operands);
  // A literal that does not outlive what it points to.
  NodeId owned(const Value& value);
  std::vector<NodeId> operands_of(const Node& node) const;
  bool is_open_context(NodeId id) const;
  // The kind of value that a residual has whatever is unknown; empty when it could fail or differ.
  std::optional<Kind> sure_kind(NodeId residual);
  std::optional<Kind> find_kind(const Node& node) const;
  static Part residual(NodeId node) { return {Part::Kind::kResidual, {}, node}; }

  const Nodes& from_;
  Evaluator& evaluator_;
  const Unknowns& unknowns_;
  Builder& to_;
  std::vector<bool> depends_;                    // by node of `from`: on an unknown attribute
  std::vector<std::optional<Kind>> sure_kinds_;  // by node of `to`, as far as asked for
};

}  // namespace keyturn::cedar
