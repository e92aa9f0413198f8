// The bodies of ledger entries, as docs/format/decisions.md pins them, and the room's tables.
// Private to the room.
#pragma once

#include <vector>

#include "gate/gate.h"

namespace keyturn::gate {

std::vector<store::Migration> migrations(store::Engine engine);

// Why a verdict is what it is: which question to ask when it is recomputed.
enum class Cause { kPolicy, kReview, kSession, kLimit };
std::string_view to_string(Cause cause);
Result<Cause> parse_cause(std::string_view text);
// How texts that name policies are recorded.
std::string recorded_policy(std::string_view name);

// An action as its entry has it: its parameters are kept beside the log, since they may be secret.
struct RecordedAction {
  std::string text;                       // canonical JSON, with the parameters' digest in place
  std::optional<std::string> parameters;  // canonical JSON; nothing when there are none
};
RecordedAction recorded_action(const Action& action);
// `value` by digest and size: {"bytes":…,"sha256":…}, with "items" for a list.
Json by_digest(const Json& value);

struct Decided {
  const Question& question;
  const RecordedAction& action;  // the question's
  const Decision& decision;
  const Facts& facts;
  Cause cause = Cause::kPolicy;
  int reviewers = 0;         // independent ones, when they were counted
  int approvals_needed = 0;  // for a hold
  std::vector<std::string> errors;
  Digest policy_digest;
};
struct DecidedBody {
  std::string text;                   // canonical JSON
  std::vector<std::string> contents;  // to be kept beside the log, where the entry names them
};
// kExhausted when not even the shortened action fits an entry.
Result<DecidedBody> decided_body(const Decided& decided);

Json opened_body(const review::Change& change);
Json moved_body(const review::Change& change, std::string_view why);
Json review_body(const review::Change& change, const review::Review& review);
Json grant_body(const review::Grant& grant);
Json policies_body(const Policies& policies);
Json refused_body(const Gate::Refusal& refusal);
Json child_body(const Child& child, const identity::Session& session);
Json outcome_body(std::uint64_t decided_index, const std::string& request_id,
                  const Outcome& outcome);

}  // namespace keyturn::gate
