// Grants: born of a quorum, bound to content (invariant 6), used once (invariant 7).
#include "review/inside.h"
#include "review/rows.h"

namespace keyturn::review {

Result<Grant> Reviews::issue_grant(store::Transaction& transaction, Change& change) {
  Grant grant;
  grant.id = make_id("grt", inside_->random);
  grant.change = change.id;
  grant.session = change.session;
  grant.action_digest = change.action_digest;
  grant.policy_digest = change.policy_digest;
  grant.issued = inside_->clock.now();
  grant.expires = grant.issued + inside_->options.grant_lifetime;
  TRY(const std::int64_t moved,
      transaction.execute(
          "UPDATE review_changes SET state = 'approved', expires = ?2 WHERE id = ?1 "
          "AND state = 'open'",
          {change.id.number, to_micros(grant.expires)}));
  if (moved != 1) return fail(Code::kConflict, "{} was decided meanwhile", change.id.text());
  TRY_VOID(transaction.execute(
      "INSERT INTO review_grants (id, change_id, session, action_digest, policy_digest, issued, "
      "expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      {grant.id, change.id.number, grant.session.text(), grant.action_digest.hex(),
       grant.policy_digest.hex(), to_micros(grant.issued), to_micros(grant.expires)}));
  change.state = ChangeState::kApproved;
  change.expires = grant.expires;
  return grant;
}

Result<Grant> Reviews::use_grant(store::Transaction& transaction, const Change& change,
                                 const Digest& action_digest, const Digest& policy_digest) {
  TRY(const std::optional<StoredGrant> stored, find_grant(transaction, change.id));
  if (!stored) return fail(Code::kConflict, "{} has no grant", change.id.text());
  const Grant& grant = stored->grant;
  if (stored->used) {
    return fail(Code::kConflict, "the grant of {} has been used already", change.id.text());
  }
  // A grant for something else says nothing about this request, and stays good for its own.
  if (grant.action_digest != action_digest || grant.session != change.session) {
    return fail(Code::kConflict, "the grant of {} is for another request", change.id.text());
  }
  const Time now = inside_->clock.now();
  if (grant.expires <= now) {
    TRY_VOID(move(transaction, change.id, {ChangeState::kApproved, ChangeState::kExpired}));
    return fail(Code::kConflict, "the grant of {} expired at {}", change.id.text(),
                format_time(grant.expires));
  }
  if (grant.policy_digest != policy_digest) {
    TRY_VOID(move(transaction, change.id, {ChangeState::kApproved, ChangeState::kVoid}));
    return fail(Code::kConflict, "the grant of {} is void: the policies have changed since review",
                change.id.text());
  }
  // The counts decide, not what was read above: of many callers one changes the rows.
  TRY(const bool moved,
      move(transaction, change.id, {ChangeState::kApproved, ChangeState::kExecuted}));
  if (!moved) return fail(Code::kConflict, "{} is not approved", change.id.text());
  TRY(const std::int64_t used,
      transaction.execute("UPDATE review_grants SET used = ?2 WHERE id = ?1 AND used IS NULL "
                          "AND expires > ?2",
                          {grant.id, to_micros(now)}));
  if (used != 1) {
    return fail(Code::kInternal, "the grant of {} and its state contradict", change.id.text());
  }
  return grant;
}

}  // namespace keyturn::review
