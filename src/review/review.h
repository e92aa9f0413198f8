// Changes, reviews, quorum and grants. A change puts one held action before reviewers; enough
// approving reviews from independent persons bear a grant: the single-use right to execute exactly
// one digest. All writing happens inside the caller's transaction. The rules of independence are
// invariant 5, once-only execution is invariant 7.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/identity.h"
#include "store/store.h"

namespace keyturn::review {

enum class ChangeState {
  kOpen,      // waiting for reviews
  kApproved,  // a grant exists and has not been used
  kRejected,  // a reviewer said no; final
  kExecuted,  // its grant was used; final
  kExpired,   // nobody decided, or nobody used the grant, in time; final
  kVoid,      // policies or world differ from what was reviewed; final
};
std::string_view to_string(ChangeState state);

enum class Answer { kApprove, kReject };
std::string_view to_string(Answer answer);
Result<Answer> parse_answer(std::string_view text);

struct Review {
  PersonId person;
  Answer answer = Answer::kReject;
  std::string words;
  Digest digest;  // of the change as the reviewer saw it
  Time time;
};

struct Change {
  ChangeId id;
  ChangeState state = ChangeState::kOpen;
  SessionId session;
  AgentId agent;
  PersonId owner;      // the agent's owner
  PersonId starter;    // of the session
  std::string reason;  // the agent's words; hostile text
  std::string summary;
  Effect effect = Effect::kDestroy;
  Tier tier = Tier::kProduction;
  Json action;           // as to_json(Action), complete; or with a member `erased`, see is_erased
  Digest action_digest;  // of the canonical request
  Digest policy_digest;  // of the policy set that held it
  Digest digest;         // of everything above that reviewers decide on: what a review names
  int approvals_needed = 0;
  Time created;
  Time expires;  // once approved, when its grant expires
  std::vector<Review> reviews;
};

// Whether parts of its action were erased.
inline bool is_erased(const Change& change) { return change.action.find("erased") != nullptr; }

struct NewChange {
  SessionId session;
  AgentId agent;
  PersonId owner;
  PersonId starter;
  std::string reason;
  const Action* action = nullptr;
  Digest policy_digest;
  int approvals_needed = 0;
};

struct Grant {
  std::string id;  // `grt_…`
  ChangeId change;
  SessionId session;
  Digest action_digest;
  Digest policy_digest;
  Time issued;
  Time expires;
};

struct ReviewOptions {
  Duration change_lifetime = std::chrono::hours(24);
  Duration grant_lifetime = std::chrono::hours(1);  // counted from approval
};
inline constexpr std::size_t kWordsBytesMax = 4'000;
inline constexpr std::size_t kReasonBytesMax = 4'000;  // of the agent's words; the rest is cut
inline constexpr std::size_t kOpenChangesPerSessionMax = 100;

class Reviews {
 public:
  // Its tables alone; open() does this too.
  static Result<void> prepare(store::Store& store);
  static Result<std::unique_ptr<Reviews>> open(store::Store& store,
                                               const identity::Identity& identity,
                                               const Clock& clock, Random& random,
                                               ReviewOptions options);
  struct Inside;
  explicit Reviews(std::unique_ptr<Inside> inside);
  ~Reviews();

  // kExhausted when the session has too many open changes.
  Result<Change> open_change(store::Transaction& transaction, const NewChange& change);
  // The newest change of a session for this action digest, whatever its state. Here and below, a
  // change past its time reads as kExpired, swept or not.
  Result<std::optional<Change>> find_change(store::Transaction& transaction,
                                            const SessionId& session,
                                            const Digest& action_digest) const;
  Result<Change> get_change(store::Transaction& transaction, ChangeId id) const;
  // Newest first; a state to filter by is optional.
  Result<std::vector<Change>> changes(store::Transaction& transaction,
                                      std::optional<ChangeState> state, std::size_t limit) const;

  struct Given {
    Change change;               // after the review
    std::optional<Grant> grant;  // when this review completed the quorum
  };
  // kDenied when the person is not independent (owner, starter, suspended, added after
  // the change was opened), naming why; kConflict
  // when the change is not open, the digest is not the change's, or the person has reviewed before;
  // kInvalid when a rejection has no words. Words are kept as given: show them escaped.
  Result<Given> give_review(store::Transaction& transaction, ChangeId id, const PersonId& person,
                            Answer answer, const Digest& digest, std::string_view words);

  // How many active persons could review for this session: not its agent's owner, not its starter.
  Result<int> independent_reviewers(store::Transaction& transaction, const PersonId& owner,
                                    const PersonId& starter) const;
  // Approvals so far that still count: given by persons who are active now.
  Result<int> approvals(store::Transaction& transaction, const Change& change) const;

  // Uses the grant of an approved change: exactly one caller ever succeeds. kConflict says why not
  // (used, expired, policies changed) and moves the change to its final state where that follows,
  // so commit nevertheless.
  Result<Grant> use_grant(store::Transaction& transaction, const Change& change,
                          const Digest& action_digest, const Digest& policy_digest);

  // Ends an open or approved change for which the policies no longer are what was reviewed, or
  // whose approvals no longer suffice. kConflict when it is final already.
  Result<void> make_void(store::Transaction& transaction, ChangeId id);

  // Puts `instead` in the place of a final change's action, so that what it held is erased. Its
  // digest stays, and cannot be computed again. kConflict while it waits for its end.
  Result<void> forget_action(store::Transaction& transaction, ChangeId id, Json instead);

  // Moves what is past its time to kExpired; returns those changes. Called by a sweep, and by
  // find_change's users implicitly: a change past its time never counts, swept or not.
  Result<std::vector<ChangeId>> expire(store::Transaction& transaction);

 private:
  Result<Grant> issue_grant(store::Transaction& transaction, Change& change);
  std::unique_ptr<Inside> inside_;
};

}  // namespace keyturn::review
