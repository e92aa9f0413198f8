// Evaluates compiled expressions. No heap is used but what an arena overflows to; an Evaluator
// belongs to one thread and one request.
#pragma once

#include <cstdint>
#include <string>

#include "cedar/ast.h"
#include "cedar/entity_store.h"
#include "cedar/value.h"

namespace keyturn::cedar {

// A request with its parts as values. The uids may be the store's or the request's own.
struct RequestValues {
  const Uid* principal = nullptr;
  const Uid* action = nullptr;
  const Uid* resource = nullptr;
  const RecordValue* context = nullptr;
};

enum class FailureKind : std::uint8_t {
  kNone,
  kType,
  kNoAttribute,
  kNoTag,
  kNoEntity,
  kOverflow,
  kExtension,
  kArity,
  kUnknown,  // the value is not known (partial evaluation)
};

// Why an expression has no value. The message is made only when asked for.
struct Failure {
  FailureKind kind = FailureKind::kNone;
  NodeId node = 0;
  std::string_view expected;  // kType
  Value a;
  Value b;
};

class Evaluator {
 public:
  Evaluator(const RequestValues& request, const EntityStore& store, Arena& scratch)
      : request_(request), store_(store), scratch_(scratch) {}

  // False when it fails; then failure() says why.
  bool evaluate(const Nodes& nodes, NodeId id, Value& out);
  // A condition evaluated to something that is no bool.
  void fail_condition(NodeId id, const Value& got) { fail_type(id, "bool", got); }
  const Failure& failure() const { return failure_; }
  std::string message(const Nodes& nodes) const;

 private:
  Value variable(Variable variable) const;
  bool unary(const Nodes& nodes, const Node& node, NodeId id, Value& out);
  bool logical(const Nodes& nodes, const Node& node, Value& out);
  bool binary(const Nodes& nodes, const Node& node, NodeId id, Value& out);
  bool compare(const Node& node, NodeId id, const Value& a, const Value& b, Value& out);
  bool arithmetic(const Node& node, NodeId id, const Value& a, const Value& b, Value& out);
  bool in(NodeId id, const Value& a, const Value& b, Value& out);
  bool sets(const Node& node, NodeId id, const Value& a, const Value& b, Value& out);
  bool tag(const Node& node, NodeId id, const Value& a, const Value& b, Value& out);
  bool get(const Node& node, NodeId id, const Value& target, Value& out);
  bool has(const Nodes& nodes, const Node& node, NodeId id, Value target, Value& out);
  bool is(const Nodes& nodes, const Node& node, NodeId id, Value& out);
  bool build_set(const Nodes& nodes, const Node& node, Value& out);
  bool build_record(const Nodes& nodes, const Node& node, Value& out);
  bool call(const Nodes& nodes, const Node& node, NodeId id, Value& out);
  bool check(const Value& value, Kind kind, NodeId id);
  bool fail_type(NodeId id, std::string_view expected, const Value& got);
  bool fail_with(FailureKind kind, NodeId id, const Value& a, const Value& b = {});

  const RequestValues& request_;
  const EntityStore& store_;
  Arena& scratch_;
  Failure failure_;
};

}  // namespace keyturn::cedar
