#include <algorithm>
#include <array>

#include "cedar/policy_content.h"

namespace keyturn::cedar {
namespace {

using Counts = std::unordered_map<std::uint64_t, std::uint32_t>;

std::uint64_t entity_key(ScopeKind kind, const Uid* uid, const Text* type) {
  return kind == ScopeKind::kIs ? type->hash : uid->hash;
}

// The keys of each dimension that `matcher` constrains; an empty list is no constraint.
struct Keys {
  std::vector<std::uint64_t> principal;
  std::vector<std::uint64_t> action;
  std::vector<std::uint64_t> resource;
};

Keys keys_of(const Matcher& matcher) {
  Keys keys;
  if (matcher.principal != ScopeKind::kAny) {
    keys.principal = {ScopeIndex::principal_key(
        entity_key(matcher.principal, matcher.principal_uid, matcher.principal_type))};
  }
  for (const Uid* action : matcher.actions) {
    keys.action.push_back(ScopeIndex::action_key(action->hash));
  }
  if (matcher.resource != ScopeKind::kAny) {
    keys.resource = {ScopeIndex::resource_key(
        entity_key(matcher.resource, matcher.resource_uid, matcher.resource_type))};
  }
  return keys;
}

// How many policies share the most common of `keys`.
std::uint32_t crowd(const std::vector<std::uint64_t>& keys, const Counts& counts) {
  std::uint32_t most = 0;
  for (const std::uint64_t key : keys) most = std::max(most, counts.at(key));
  return most;
}

// A policy under a key, and the dimension that the key is of.
struct Placed {
  std::uint64_t key = 0;
  std::uint32_t matcher = 0;
  ScopeIndex::Dimension dimension = ScopeIndex::Dimension::kPrincipal;
  friend auto operator<=>(const Placed&, const Placed&) = default;
};

ScopeIndex::Entry entry_of(const Matcher& matcher, const Placed& placed) {
  ScopeIndex::Entry entry{placed.matcher, 0, 0, placed.dimension};
  if (matcher.action == ScopeKind::kEqual) entry.action = ScopeIndex::tag(*matcher.actions.front());
  const bool is_by_principal = placed.dimension == ScopeIndex::Dimension::kPrincipal;
  const ScopeKind other = is_by_principal ? matcher.resource : matcher.principal;
  if (other == ScopeKind::kEqual) {
    entry.other = ScopeIndex::tag(is_by_principal ? *matcher.resource_uid : *matcher.principal_uid);
  }
  return entry;
}

}  // namespace

void ScopeIndex::build(std::vector<Matcher> matchers) {
  matchers_ = std::move(matchers);
  if (is_linear()) return;
  Counts counts;
  for (const Matcher& matcher : matchers_) {
    const Keys keys = keys_of(matcher);
    for (const auto* dimension : {&keys.principal, &keys.action, &keys.resource}) {
      for (const std::uint64_t key : *dimension) ++counts[key];
    }
  }
  std::vector<Placed> placed;
  for (std::uint32_t i = 0; i < matchers_.size(); ++i) {
    const Matcher& matcher = matchers_[i];
    // `action in []` matches nothing and needs no place.
    if (matcher.action != ScopeKind::kAny && matcher.actions.empty()) continue;
    const Keys keys = keys_of(matcher);
    const std::vector<std::uint64_t>* best = nullptr;
    Dimension chosen = Dimension::kResource;
    for (const auto& [dimension, candidates] : {std::pair{Dimension::kResource, &keys.resource},
                                                {Dimension::kPrincipal, &keys.principal},
                                                {Dimension::kAction, &keys.action}}) {
      if (candidates->empty()) continue;
      if (best != nullptr && crowd(*candidates, counts) >= crowd(*best, counts)) continue;
      best = candidates;
      chosen = dimension;
    }
    if (best == nullptr) {
      unkeyed_.push_back(i);
    } else {
      for (const std::uint64_t key : *best) placed.push_back({key, i, chosen});
    }
  }
  std::sort(placed.begin(), placed.end());
  placed.erase(std::unique(placed.begin(), placed.end()), placed.end());

  std::size_t size = 16;
  while (size < placed.size() * 2) size *= 2;
  buckets_.assign(size, Bucket{});
  entries_.reserve(placed.size());
  for (std::size_t i = 0; i < placed.size();) {
    const std::uint64_t key = placed[i].key;
    Bucket bucket{key, static_cast<std::uint32_t>(entries_.size()), 0};
    for (; i < placed.size() && placed[i].key == key; ++i) {
      entries_.push_back(entry_of(matchers_[placed[i].matcher], placed[i]));
    }
    bucket.count = static_cast<std::uint32_t>(entries_.size()) - bucket.first;
    std::size_t at = key & (size - 1);
    while (buckets_[at].count != 0) at = (at + 1) & (size - 1);
    buckets_[at] = bucket;
  }
}

std::span<const ScopeIndex::Entry> ScopeIndex::find(std::uint64_t key) const {
  if (buckets_.empty()) return {};
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t at = key & mask; buckets_[at].count != 0; at = (at + 1) & mask) {
    if (buckets_[at].key == key) {
      return std::span(entries_).subspan(buckets_[at].first, buckets_[at].count);
    }
  }
  return {};
}

}  // namespace keyturn::cedar
