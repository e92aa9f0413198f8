// Typing what is lazy: `&&`, `||`, `if` and a policy's clauses, which pass on what is known.
#include <algorithm>
#include <iterator>

#include "cedar/typecheck.h"

namespace keyturn::cedar {
namespace {

bool is_tag(TypeRef type, Tag tag) { return type != nullptr && type->tag == tag; }

}  // namespace

Capabilities Typechecker::joined(const Capabilities& a, const Capabilities& b) {
  types_.charge(a.size() + b.size());
  Capabilities both = a;
  both.insert(b.begin(), b.end());
  return both;
}

Capabilities Typechecker::common(const Capabilities& a, const Capabilities& b) {
  types_.charge(a.size() + b.size());
  Capabilities both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// `a && (b && (c && …))`: down the clauses with what is known by then, and back up. There may be
// as many as the text has room for.
Answer Typechecker::clauses(const Capabilities& prior) {
  std::vector<Answer> answers;
  Capabilities active = prior;
  for (const Clause& clause : body_.clauses) {
    Answer answer = expect(clause.root, active, {types_.plain(Tag::kBool)});
    if (!clause.is_when) answer = negated(std::move(answer));
    types_.charge(answer.capabilities.size());
    active.insert(answer.capabilities.begin(), answer.capabilities.end());
    answers.push_back(std::move(answer));
    if (is_tag(answers.back().type, Tag::kFalse)) break;
  }
  if (answers.empty()) return success(types_.boolean(true));
  Answer result = std::move(answers.back());
  const bool is_last = answers.size() == body_.clauses.size();
  if (!is_last) result.capabilities.clear();
  for (std::size_t i = answers.size() - 1; i > 0; --i) {
    result = both(std::move(answers[i - 1]), std::move(result));
  }
  return result;
}

// Of `left && right`, left not being false.
Answer Typechecker::both(Answer left, Answer right) {
  Answer both;
  both.is_success = left.is_success && right.is_success;
  if (left.type == nullptr || right.type == nullptr) {
    both.is_success = false;
    both.type = types_.plain(Tag::kBool);
  } else if (right.type->tag == Tag::kFalse) {
    both.type = right.type;
  } else if (right.type->tag != Tag::kTrue && left.type->tag == Tag::kTrue) {
    // Cedar keeps the right side's alone here.
    both.type = right.type;
    both.capabilities = std::move(right.capabilities);
  } else {
    both.type = right.type->tag == Tag::kTrue ? left.type : types_.plain(Tag::kBool);
    both.capabilities = std::move(left.capabilities);
    types_.charge(right.capabilities.size());
    both.capabilities.merge(right.capabilities);
  }
  if (!both.is_success) both.capabilities.clear();
  return both;
}

Answer Typechecker::conjunction(const std::vector<Part>& parts, const Capabilities& prior) {
  Answer left = parts.front()(prior);
  Capabilities active = joined(prior, left.capabilities);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (is_tag(left.type, Tag::kFalse)) {
      left.capabilities.clear();
      return left;
    }
    Answer right = parts[i](active);
    const std::size_t before = left.capabilities.size();
    Capabilities more = right.capabilities;
    types_.charge(more.size());
    left = both(std::move(left), std::move(right));
    // Long chains only add to what is known; everything else is worked out anew.
    if (left.capabilities.size() >= before + more.size()) {
      active.merge(more);
    } else {
      active = joined(prior, left.capabilities);
    }
  }
  return left;
}

Answer Typechecker::conjunction(const Node& node, const Capabilities& prior) {
  std::vector<Part> parts;
  for (const NodeId child : nodes_.children_of(node)) {
    parts.push_back([this, child](const Capabilities& known) {
      return expect(child, known, {types_.plain(Tag::kBool)});
    });
  }
  return conjunction(parts, prior);
}

Answer Typechecker::disjunction(const Node& node, const Capabilities& prior) {
  const std::vector<TypeRef> boolean = {types_.plain(Tag::kBool)};
  const auto children = nodes_.children_of(node);
  Answer left = expect(children.front(), prior, boolean);
  for (const NodeId child : children.subspan(1)) {
    if (is_tag(left.type, Tag::kTrue)) return left;
    const Answer right = expect(child, prior, boolean);
    Answer both;
    both.is_success = left.is_success && right.is_success;
    if (left.type == nullptr || right.type == nullptr) {
      both.is_success = false;
      both.type = types_.plain(Tag::kBool);
    } else if (right.type->tag == Tag::kTrue) {
      both.type = right.type;
      both.capabilities = right.capabilities;
    } else if (right.type->tag == Tag::kFalse) {
      both.type = left.type;
      both.capabilities = left.capabilities;
    } else if (left.type->tag == Tag::kFalse) {
      both.type = right.type;
      both.capabilities = right.capabilities;
    } else {
      both.type = types_.plain(Tag::kBool);
      both.capabilities = common(left.capabilities, right.capabilities);
    }
    if (!both.is_success) both.capabilities.clear();
    left = std::move(both);
  }
  return left;
}

Answer Typechecker::conditional(const Node& node, const Capabilities& prior) {
  const Answer test = expect(node.a, prior, {types_.plain(Tag::kBool)});
  if (is_tag(test.type, Tag::kTrue)) {
    Answer yes = this->node(node.b, joined(prior, test.capabilities));
    if (yes.is_success) yes.capabilities = joined(yes.capabilities, test.capabilities);
    return after(test, std::move(yes));
  }
  if (is_tag(test.type, Tag::kFalse)) return after(test, this->node(node.c, prior));
  Answer yes = this->node(node.b, joined(prior, test.capabilities));
  if (yes.is_success) yes.capabilities = joined(yes.capabilities, test.capabilities);
  const Answer no = this->node(node.c, prior);
  TypeRef bound = nullptr;
  if (yes.type != nullptr && no.type != nullptr) {
    bound = types_.least_upper_bound(yes.type, no.type, mode_);
    if (bound == nullptr) incompatible(node.range, {yes.type, no.type});
  }
  if (bound == nullptr) return failure(nullptr);
  const Answer both = success(bound, common(yes.capabilities, no.capabilities));
  return after(test, after(yes, after(no, both)));
}

}  // namespace keyturn::cedar
