// Policies in their one compiled form: each body is a flat array of nodes that name their children
// by index. The parser, the JSON reader and the partial evaluator build it through Builder;
// evaluator, validator and printers walk it. Immutable once built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/escape.h"
#include "cedar/extension.h"
#include "cedar/source.h"
#include "cedar/value.h"

namespace keyturn::cedar {

enum class Op : std::uint8_t {
  kLiteral,
  kVariable,
  kUnknown,  // a value that partial evaluation does not know: its type in `name`
  kIf,
  kAnd,  // two or more children; `a && b && c` is one node
  kOr,
  kNot,
  kNegate,
  kIsEmpty,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kIn,
  kContains,
  kContainsAll,
  kContainsAny,
  kGetTag,
  kHasTag,
  kGet,
  kHas,  // one or more names
  kLike,
  kIs,
  kIsIn,
  kSet,
  kRecord,
  kCall,
};

enum class Variable : std::uint8_t { kPrincipal, kAction, kResource, kContext };
std::string_view to_string(Variable variable);

// The literal runs of a `like` pattern between its wildcards; one run when there is no wildcard.
struct PatternValue {
  std::span<const std::string_view> runs;
  std::u32string_view codes;
};
bool matches(const PatternValue& pattern, std::string_view text);

using NodeId = std::uint32_t;

struct Node {
  Op op = Op::kLiteral;
  Variable variable = Variable::kPrincipal;
  Function function = Function::kDecimal;
  // `value` is what this node evaluates to, always: literals, and what was folded from literals.
  bool constant = false;
  std::uint16_t depth = 1;
  // Children of kAnd, kOr, kSet, kRecord, kCall; names of kRecord and kHas.
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  // Operands of the others, in order.
  NodeId a = 0;
  NodeId b = 0;
  // Of kIsIn and of kHas with several names: the conjunction it stands for.
  NodeId c = 0;
  Range range;
  Value value;
  const Text* name = nullptr;  // attribute of kGet, type of kIs and kIsIn
  const PatternValue* pattern = nullptr;
};

struct Nodes {
  std::vector<Node> nodes;
  std::vector<NodeId> children;
  std::vector<const Text*> names;

  const Node& at(NodeId id) const { return nodes[id]; }
  std::span<const NodeId> children_of(const Node& node) const {
    return std::span(children).subspan(node.first, node.count);
  }
  std::span<const Text* const> names_of(const Node& node) const {
    // Records keep their names beside their children, kHas has only names.
    return std::span(names).subspan(node.op == Op::kRecord ? node.a : node.first, node.count);
  }
};

enum class Effect : std::uint8_t { kPermit, kForbid };

enum class ScopeKind : std::uint8_t { kAny, kEqual, kIn, kIs, kIsIn };
enum class Slot : std::uint8_t { kNone, kPrincipal, kResource };

// `principal in Team::"a"`. For the action, kEqual and kIn with `uids`.
struct Scope {
  ScopeKind kind = ScopeKind::kAny;
  Slot slot = Slot::kNone;
  // The action was given as a list, which matters to printing only.
  bool is_list = false;
  const Text* type = nullptr;
  const Uid* uid = nullptr;
  std::vector<const Uid*> uids;
  Range range;
};

struct Clause {
  bool is_when = true;
  NodeId root = 0;
  Range range;
};

struct Note {
  std::string key;
  std::string value;
  bool has_value = true;
};

struct Body {
  std::shared_ptr<Pool> pool;  // shared: one per parsed text, immutable after parsing
  std::shared_ptr<const std::string> source;
  // The text of a policy that was read from JSON, which all ranges are then of; source is empty.
  std::shared_ptr<const std::string> json;
  Range range;
  Effect effect = Effect::kPermit;
  std::vector<Note> notes;
  Scope principal;
  Scope action;
  Scope resource;
  std::vector<Clause> clauses;
  Nodes nodes;

  bool is_template() const { return principal.slot != Slot::kNone || resource.slot != Slot::kNone; }
};

// Appends nodes, folds what is built of literals, and holds the depth limit. A failed call leaves
// nothing to clean up; the whole body is thrown away.
class Builder {
 public:
  Builder(Nodes& nodes, Pool& pool, std::string_view source)
      : nodes_(nodes), pool_(pool), source_(source) {}

  Pool& pool() { return pool_; }
  std::string_view source() const { return source_; }

  NodeId literal(Value value, Range range);
  NodeId text(std::string_view text, Range range);
  NodeId variable(Variable variable, Range range);
  Result<NodeId> unary(Op op, NodeId a, Range range);
  Result<NodeId> binary(Op op, NodeId a, NodeId b, Range range);
  // kAnd and kOr of two or more operands: a first operand of the same kind is joined.
  Result<NodeId> logical(Op op, std::span<const NodeId> operands, Range range);
  Result<NodeId> conditional(NodeId test, NodeId yes, NodeId no, Range range);
  Result<NodeId> get(NodeId target, std::string_view name, Range range);
  Result<NodeId> has(NodeId target, std::span<const std::string> names, Range range);
  Result<NodeId> like(NodeId target, const Pattern& pattern, Range range);
  Result<NodeId> is(NodeId target, std::string_view type, std::optional<NodeId> in, Range range);
  Result<NodeId> set(std::span<const NodeId> items, Range range);
  // Names must be distinct.
  Result<NodeId> record(std::span<const std::string> names, std::span<const NodeId> items,
                        Range range);
  Result<NodeId> call(Function function, std::span<const NodeId> arguments, Range range);

  const Node& at(NodeId id) const { return nodes_.nodes[id]; }
  std::span<const NodeId> children_of(const Node& node) const { return nodes_.children_of(node); }

 private:
  Result<NodeId> add(Node node, std::span<const NodeId> operands);

  Nodes& nodes_;
  Pool& pool_;
  std::string_view source_;
};

}  // namespace keyturn::cedar
