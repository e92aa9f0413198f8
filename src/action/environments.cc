#include <algorithm>

#include "action/action.h"

namespace keyturn {
namespace {

// Whether a selector takes a resource in. `kMaybe`: what is known of the resource does not say.
enum class Match { kNo, kMaybe, kYes };

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Stands for more than one thing, so that its name and tags say nothing about each of them.
bool is_open(const Resource& resource) {
  return resource.name.empty() || resource.name.find_first_of("*?") != std::string::npos;
}

Match match_listed(const std::vector<std::string>& list, std::string_view value) {
  if (list.empty()) return Match::kYes;
  if (value.empty()) return Match::kMaybe;
  return contains(list, value) ? Match::kYes : Match::kNo;
}

Match match_arns(const std::vector<std::string>& globs, const Resource& resource) {
  if (globs.empty() || contains(globs, "*")) return Match::kYes;
  if (is_open(resource)) return Match::kMaybe;
  const auto matches = [&](const std::string& glob) { return glob_match(glob, resource.name); };
  return std::any_of(globs.begin(), globs.end(), matches) ? Match::kYes : Match::kNo;
}

Match match_tags(const Tags& wanted, const Resource& resource) {
  if (wanted.empty()) return Match::kYes;
  if (is_open(resource)) return Match::kMaybe;
  const auto has = [&](const auto& tag) {
    const auto found = resource.tags.find(tag.first);
    return found != resource.tags.end() && found->second == tag.second;
  };
  return std::all_of(wanted.begin(), wanted.end(), has) ? Match::kYes : Match::kNo;
}

Match match_selector(const EnvironmentSelector& selector, const Resource& resource) {
  const Match match =
      std::min({match_listed(selector.accounts, resource.account),
                match_listed(selector.regions, resource.region),
                match_arns(selector.arns, resource), match_tags(selector.tags, resource)});
  // A selector that names no account would take in an open resource of any account whatever.
  if (is_open(resource) && selector.accounts.empty()) return std::min(match, Match::kMaybe);
  return match;
}

Match match_environment(const Environment& environment, const Resource& resource) {
  Match best = Match::kNo;
  for (const EnvironmentSelector& selector : environment.selectors) {
    best = std::max(best, match_selector(selector, resource));
  }
  return best;
}

}  // namespace

void Environments::assign(Resource& resource) const {
  const Environment* chosen = nullptr;
  Tier doubted = Tier::kDevelopment;
  for (const Environment& environment : environments_) {
    const Match match = match_environment(environment, resource);
    if (match == Match::kMaybe) doubted = std::min(doubted, environment.tier);
    if (match != Match::kYes) continue;
    if (chosen == nullptr || environment.tier < chosen->tier) chosen = &environment;
  }
  resource.environment.clear();
  resource.tier = Tier::kProduction;
  if (chosen == nullptr) return;
  resource.tier = std::min(chosen->tier, doubted);
  // Named only when certain: doubt raises the tier, it puts nothing into an environment.
  if (resource.tier == chosen->tier) resource.environment = chosen->name;
}

}  // namespace keyturn
