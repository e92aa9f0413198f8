// The vocabulary as values: what a request is, once understood. Pure data, safe to copy and share.
// The words are defined in ARCHITECTURE.md; use no synonyms.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/result.h"

namespace keyturn {

using PersonId = Id<struct PersonTag>;    // a handle: `alice`
using AgentId = Id<struct AgentTag>;      // a handle: `kiro`
using SessionId = Id<struct SessionTag>;  // `ses_…`

// Shown as CHG-7.
struct ChangeId {
  std::int64_t number = 0;
  std::string text() const { return fmt::format("CHG-{}", number); }
  static Result<ChangeId> parse(std::string_view text);
  friend auto operator<=>(const ChangeId&, const ChangeId&) = default;
};

// Ordered from harmless to severe, except that grant stands apart: see stricter().
enum class Effect { kObserve, kReveal, kChange, kDestroy, kGrant };
std::string_view to_string(Effect effect);
Result<Effect> parse_effect(std::string_view text);
// The effect that asks for more care: observe < reveal < change < destroy < grant.
Effect stricter(Effect a, Effect b);

enum class Tier { kProduction, kStaging, kDevelopment };
std::string_view to_string(Tier tier);
Result<Tier> parse_tier(std::string_view text);

enum class VerdictKind { kAllow, kHold, kDeny };
std::string_view to_string(VerdictKind kind);
Result<VerdictKind> parse_verdict(std::string_view text);

using Tags = std::map<std::string, std::string, std::less<>>;

// One thing that an action touches.
struct Resource {
  std::string name = {};          // ARN or URI; `*` when it could not be bound: it may be anything
  std::string type = {};          // `dynamodb:table`; empty when unknown
  std::string account = {};       // empty when unknown
  std::string region = {};        // empty when global or unknown
  Tags tags = {};                 // as last observed upstream
  std::string environment = {};   // the matching environment's name; empty when none matched
  Tier tier = Tier::kProduction;  // what matches nothing is production
  friend bool operator==(const Resource&, const Resource&) = default;
};

// One request, understood.
struct Action {
  std::string door;                      // `aws`, `mcp`, `hook`
  std::string service;                   // `dynamodb`
  std::string operation;                 // `DeleteTable`; empty when not understood
  std::vector<std::string> iam_actions;  // `dynamodb:DeleteTable`
  std::string access_level;              // as the service authorization reference has it, or empty
  Effect effect = Effect::kDestroy;      // what is not understood destroys
  bool understood = false;
  std::string account;
  std::string region;
  std::vector<Resource> resources;  // never empty once environments are assigned
  Json parameters;               // what reviewers see: complete, from the request that will be sent
  Json attributes;               // door-specific facts for policies, e.g. {"dry_run": true}
  std::vector<std::string> why;  // how effect and resources were derived, one sentence each
  Digest digest;                 // of canonical_request
  std::string canonical_request;  // what is bound by a grant; see docs/format/digest.md
};

// What an earlier request of a session destroyed.
struct Destroyed {
  std::string service;
  std::string operation;  // `DeleteTable`
  std::string resource;   // ARN
};

// The action as JSON for the ledger, the API and reviewers. No secrets: the canonical request is
// left out.
Json to_json(const Action& action);
Json to_json(const Resource& resource);
// A text as it is recorded, and judged: unchanged when it is UTF-8, else escaped.
std::string recorded_text(const std::string& text);
// What to_json wrote, so that to_json gives it again; without the canonical request. kCorrupt names
// the member that is missing or of the wrong kind.
Result<Action> read_action(const Json& recorded);

// The tier of the action as a whole: production if any resource is, if there is none, or if the
// action is not understood.
Tier strictest_tier(const Action& action);
// `cloudformation:DeleteStack on cost-explorer-prod (production)`, at most 200 bytes.
std::string summary(const Action& action);

// One way to belong to an environment. Empty members match anything; every given member must match.
struct EnvironmentSelector {
  std::vector<std::string> accounts = {};
  std::vector<std::string> regions = {};
  std::vector<std::string> arns = {};  // globs
  Tags tags = {};
};

struct Environment {
  std::string name;
  Tier tier = Tier::kProduction;
  std::vector<EnvironmentSelector> selectors = {};  // any of them
};

// Assigns environments in their configured order. When several match with different tiers, the
// strictest wins: production before staging before development. Doubt falls towards production:
//  - an environment that may match, because the account or region is unknown, raises the tier as if
//    it did, lends no name, and never lowers it;
//  - a resource that stands for many (`*`, or a name with a wildcard) is of a lower tier only where
//    a selector names its account (and region, if any) and asks for neither ARNs nor tags, and only
//    if no stricter environment may hold a part of it.
class Environments {
 public:
  Environments() = default;
  explicit Environments(std::vector<Environment> environments)
      : environments_(std::move(environments)) {}
  void assign(Resource& resource) const;
  const std::vector<Environment>& all() const { return environments_; }

 private:
  std::vector<Environment> environments_;
};

}  // namespace keyturn
