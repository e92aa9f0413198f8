// Matching a policy's scope against a request whose entities have been looked up.
#pragma once

#include <algorithm>

#include "cedar/entity_store.h"
#include "cedar/evaluate.h"
#include "cedar/policy_content.h"
#include "cedar/request.h"

namespace keyturn::cedar {

// A request resolved against an entity store; both must outlive it.
struct Target {
  RequestValues values;
  const Entity* principal = nullptr;
  const Entity* action = nullptr;
  const Entity* resource = nullptr;

  Target(const RequestContent& request, const EntityStore& store) {
    principal = store.find(*request.principal);
    action = store.find(*request.action);
    resource = store.find(*request.resource);
    // The store's own uids are found again without a lookup.
    values = {principal == nullptr ? request.principal : principal->uid,
              action == nullptr ? request.action : action->uid,
              resource == nullptr ? request.resource : resource->uid, request.context};
  }
};

inline bool is_in(const Uid& uid, const Entity* entity, const Uid& group) {
  return same(uid, group) || (entity != nullptr && has_ancestor(*entity, group));
}

inline bool matches_one(ScopeKind kind, const Uid& uid, const Entity* entity, const Uid* wanted,
                        const Text* type) {
  switch (kind) {
    case ScopeKind::kAny:
      return true;
    case ScopeKind::kEqual:
      return same(uid, *wanted);
    case ScopeKind::kIn:
      return is_in(uid, entity, *wanted);
    case ScopeKind::kIs:
      return same(*uid.type, *type);
    case ScopeKind::kIsIn:
      return same(*uid.type, *type) && is_in(uid, entity, *wanted);
  }
  return false;
}

inline bool matches_principal(const Matcher& matcher, const Target& target) {
  return matches_one(matcher.principal, *target.values.principal, target.principal,
                     matcher.principal_uid, matcher.principal_type);
}

inline bool matches_resource(const Matcher& matcher, const Target& target) {
  return matches_one(matcher.resource, *target.values.resource, target.resource,
                     matcher.resource_uid, matcher.resource_type);
}

// Whether the one listed action takes in the request's.
inline bool accepts(const Matcher& matcher, const Uid& listed, const Target& target) {
  return matcher.action == ScopeKind::kEqual ? same(*target.values.action, listed)
                                             : is_in(*target.values.action, target.action, listed);
}

inline bool matches_action(const Matcher& matcher, const Target& target) {
  return matcher.action == ScopeKind::kAny ||
         std::any_of(matcher.actions.begin(), matcher.actions.end(),
                     [&](const Uid* listed) { return accepts(matcher, *listed, target); });
}

// No part can fail, so the one that mostly tells by a hash alone comes first.
inline bool matches_scope(const Matcher& matcher, const Target& target) {
  return matches_action(matcher, target) && matches_resource(matcher, target) &&
         matches_principal(matcher, target);
}

// One side of a scope, and what a request has there.
struct Side {
  ScopeKind kind;
  const Uid* wanted;
  const Text* wanted_type;
};
inline Side principal_side(const Matcher& matcher) {
  return {matcher.principal, matcher.principal_uid, matcher.principal_type};
}
inline Side resource_side(const Matcher& matcher) {
  return {matcher.resource, matcher.resource_uid, matcher.resource_type};
}

// What the index finds a side under: exactly one of these holds for a side that matches and is
// keyed, and for one uid only, whatever hashes coincide.
inline bool matches_itself(const Side& side, const Uid& uid) {
  if (side.kind != ScopeKind::kEqual && side.kind != ScopeKind::kIn &&
      side.kind != ScopeKind::kIsIn) {
    return false;
  }
  return same(uid, *side.wanted) &&
         (side.kind != ScopeKind::kIsIn || same(*uid.type, *side.wanted_type));
}
inline bool matches_type(const Side& side, const Uid& uid) {
  return side.kind == ScopeKind::kIs && same(*uid.type, *side.wanted_type);
}
// An entity may be named among its own ancestors only by mistake, never by the closure.
inline bool matches_ancestor(const Side& side, const Uid& uid, const Uid& ancestor) {
  if (side.kind != ScopeKind::kIn && side.kind != ScopeKind::kIsIn) return false;
  return same(ancestor, *side.wanted) &&
         (side.kind == ScopeKind::kIn || same(*uid.type, *side.wanted_type));
}

}  // namespace keyturn::cedar
