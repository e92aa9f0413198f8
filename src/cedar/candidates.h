// The policies whose scope matches a request, found through the index.
#pragma once

#include <algorithm>

#include "cedar/matching.h"

namespace keyturn::cedar {

template <class Visit>
class Candidates {
 public:
  Candidates(const ScopeIndex& index, const Target& target, const Visit& visit)
      : index_(index), target_(target), visit_(visit) {}

  void run() const {
    if (index_.is_linear()) {
      for (const Matcher& matcher : index_.matchers()) {
        if (matches_scope(matcher, target_)) visit_(matcher);
      }
      return;
    }
    for (const std::uint32_t at : index_.unkeyed()) {
      const Matcher& matcher = index_.matchers()[at];
      if (matches_scope(matcher, target_)) visit_(matcher);
    }
    look_up_principal();
    look_up_resource();
    look_up_actions();
  }

 private:
  using Dimension = ScopeIndex::Dimension;

  // `found(matcher)` for those placed under `key` by `dimension` that the request's action and
  // other side may match.
  template <class Found>
  void each_under(std::uint64_t key, Dimension dimension, const Uid& other,
                  const Found& found) const {
    const std::uint32_t action_tag = ScopeIndex::tag(*target_.values.action);
    const std::uint32_t other_tag = ScopeIndex::tag(other);
    for (const ScopeIndex::Entry& entry : index_.find(key)) {
      if (entry.dimension != dimension) continue;
      if (entry.action != 0 && entry.action != action_tag) continue;
      if (entry.other != 0 && entry.other != other_tag) continue;
      found(index_.matchers()[entry.matcher]);
    }
  }

  // What is found under an ancestor needs no search for that ancestor.
  void look_up_principal() const {
    const Uid& uid = *target_.values.principal;
    const auto under = [&](std::uint64_t hash, const auto& is_it) {
      each_under(ScopeIndex::principal_key(hash), Dimension::kPrincipal, *target_.values.resource,
                 [&](const Matcher& matcher) {
                   if (matches_action(matcher, target_) && matches_resource(matcher, target_) &&
                       is_it(principal_side(matcher))) {
                     visit_(matcher);
                   }
                 });
    };
    under(uid.hash, [&](const Side& side) { return matches_itself(side, uid); });
    under(uid.type->hash, [&](const Side& side) { return matches_type(side, uid); });
    if (target_.principal == nullptr) return;
    for (const Uid* ancestor : target_.principal->ancestors) {
      under(ancestor->hash,
            [&](const Side& side) { return matches_ancestor(side, uid, *ancestor); });
    }
  }

  void look_up_resource() const {
    const Uid& uid = *target_.values.resource;
    const auto under = [&](std::uint64_t hash, const auto& is_it) {
      each_under(ScopeIndex::resource_key(hash), Dimension::kResource, *target_.values.principal,
                 [&](const Matcher& matcher) {
                   if (matches_action(matcher, target_) && matches_principal(matcher, target_) &&
                       is_it(resource_side(matcher))) {
                     visit_(matcher);
                   }
                 });
    };
    under(uid.hash, [&](const Side& side) { return matches_itself(side, uid); });
    under(uid.type->hash, [&](const Side& side) { return matches_type(side, uid); });
    if (target_.resource == nullptr) return;
    for (const Uid* ancestor : target_.resource->ancestors) {
      under(ancestor->hash,
            [&](const Side& side) { return matches_ancestor(side, uid, *ancestor); });
    }
  }

  void look_up_actions() const {
    look_up_action(*target_.values.action);
    if (target_.action == nullptr) return;
    for (const Uid* ancestor : target_.action->ancestors) look_up_action(*ancestor);
  }

  // A list of actions stands under each of them; the first that accepts the request speaks for it.
  void look_up_action(const Uid& action) const {
    const std::uint64_t key = ScopeIndex::action_key(action.hash);
    for (const ScopeIndex::Entry& entry : index_.find(key)) {
      if (entry.dimension != Dimension::kAction) continue;
      const Matcher& matcher = index_.matchers()[entry.matcher];
      if (!matches_scope(matcher, target_)) continue;
      const auto first =
          std::find_if(matcher.actions.begin(), matcher.actions.end(),
                       [&](const Uid* listed) { return accepts(matcher, *listed, target_); });
      if (same(**first, action)) visit_(matcher);
    }
  }

  const ScopeIndex& index_;
  const Target& target_;
  const Visit& visit_;
};

// `visit(matcher)` for each policy whose scope matches, once, in no order.
template <class Visit>
void visit_candidates(const ScopeIndex& index, const Target& target, const Visit& visit) {
  Candidates<Visit>(index, target, visit).run();
}

}  // namespace keyturn::cedar
