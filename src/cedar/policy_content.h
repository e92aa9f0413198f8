// What a PolicySet holds: policies in order, templates apart, and the index over their scopes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cedar/ast.h"
#include "cedar/cedar.h"

namespace keyturn::cedar {

// The values of a template's slots.
struct Link {
  std::shared_ptr<Pool> pool;  // owns the uids
  std::string template_id;
  const Uid* principal = nullptr;
  const Uid* resource = nullptr;
};

struct Policy {
  std::string id;
  std::shared_ptr<const Body> body;
  std::shared_ptr<const Link> link;  // null for a static policy
};

// A policy's scope with slots filled in, laid out for matching.
struct Matcher {
  ScopeKind principal = ScopeKind::kAny;
  ScopeKind action = ScopeKind::kAny;
  ScopeKind resource = ScopeKind::kAny;
  Effect effect = Effect::kPermit;
  std::uint32_t policy = 0;
  const Uid* principal_uid = nullptr;
  const Text* principal_type = nullptr;
  const Uid* resource_uid = nullptr;
  const Text* resource_type = nullptr;
  std::span<const Uid* const> actions;
  const Body* body = nullptr;
};

// Candidates by scope constraint. Only the scope is used as a key: it cannot fail, and when it is
// false the conditions are not looked at, so a policy left out could neither have matched nor have
// failed.
class ScopeIndex {
 public:
  void build(std::vector<Matcher> matchers);

  std::span<const Matcher> matchers() const { return matchers_; }
  // Few policies are cheaper to scan than to look up.
  bool is_linear() const { return matchers_.size() <= kLinearMax; }
  // Those that no key was better than none for.
  std::span<const std::uint32_t> unkeyed() const { return unkeyed_; }
  // A policy under a key, with what tells most of those for other actions or for another entity on
  // the other side of the scope without looking at the policy.
  enum class Dimension : std::uint8_t { kPrincipal, kAction, kResource };
  struct Entry {
    std::uint32_t matcher = 0;
    std::uint32_t action = 0;  // tag() of the one action, 0 when it is none or several
    std::uint32_t other = 0;   // tag() of what the other side must equal, 0 when it need not
    Dimension dimension = Dimension::kPrincipal;  // by which it was placed
  };
  std::span<const Entry> find(std::uint64_t key) const;
  static std::uint32_t tag(const Uid& uid) { return static_cast<std::uint32_t>(uid.hash) | 1U; }

  static std::uint64_t principal_key(std::uint64_t hash) { return hash ^ 0x9e3779b97f4a7c15ULL; }
  static std::uint64_t resource_key(std::uint64_t hash) { return hash ^ 0xc2b2ae3d27d4eb4fULL; }
  static std::uint64_t action_key(std::uint64_t hash) { return hash ^ 0x165667b19e3779f9ULL; }

 private:
  static constexpr std::size_t kLinearMax = 12;
  struct Bucket {
    std::uint64_t key = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  std::vector<Matcher> matchers_;
  std::vector<Bucket> buckets_;  // open addressing, a power of two
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> unkeyed_;
};

struct PolicySetContent {
  std::vector<Policy> policies;
  std::vector<Policy> templates;
  std::unordered_map<std::string_view, std::size_t> positions;  // of policies, by id
  std::unordered_map<std::string_view, std::size_t> template_positions;
  ScopeIndex index;

  const Policy* find(std::string_view id) const;
  const Policy* find_template(std::string_view id) const;
  // Lets templates be found; those added later are not.
  void index_templates();
  // Fills positions and index. kConflict when two policies or templates have one id.
  Result<std::monostate> finish();
};

// The template with its slots filled, as a policy. kNotFound; kInvalid when a slot's value is
// missing or has no slot. That `id` is free is checked by finish().
Result<Policy> link_template(const PolicySetContent& set, std::string_view template_id,
                             std::string id, const SlotValues& values);

// The scope of a policy with its slots filled in.
Scope linked_scope(const Scope& scope, const Policy& policy);

}  // namespace keyturn::cedar
