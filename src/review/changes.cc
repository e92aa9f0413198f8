// Opening, finding and ending changes.
#include "review/inside.h"
#include "review/rows.h"

namespace keyturn::review {
namespace {

// A sweep's share of one transaction; the rest waits for the next.
constexpr std::int64_t kSweepMax = 1'000;

Result<ChangeId> next_id(store::Transaction& transaction) {
  // A row of its own, so that two gateways over one database draw one after the other.
  TRY_VOID(transaction.execute("UPDATE review_numbers SET last = last + 1 WHERE name = 'change'"));
  TRY(const store::Rows rows,
      transaction.query("SELECT last FROM review_numbers WHERE name = 'change'"));
  if (rows.empty()) return fail(Code::kCorrupt, "the numbering of changes is missing");
  return ChangeId{rows.front().integer(0)};
}

Result<void> check_room(store::Transaction& transaction, const SessionId& session, Time now) {
  TRY(const store::Rows rows,
      transaction.query("SELECT COUNT(*) FROM review_changes WHERE session = ?1 "
                        "AND state = 'open' AND expires > ?2",
                        {session.text(), to_micros(now)}));
  if (rows.front().integer(0) < static_cast<std::int64_t>(kOpenChangesPerSessionMax)) return {};
  return fail(Code::kExhausted,
              "session `{}` has {} open changes, as many as it may; wait until some are reviewed",
              session.text(), kOpenChangesPerSessionMax);
}

Result<void> insert(store::Transaction& transaction, const Change& change) {
  TRY_VOID(transaction.execute(
      "INSERT INTO review_changes (id, state, session, agent, owner, starter, reason, summary, "
      "effect, tier, action, action_digest, policy_digest, digest, approvals_needed, created, "
      "expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
      "?17)",
      {change.id.number, std::string(to_string(change.state)), change.session.text(),
       change.agent.text(), change.owner.text(), change.starter.text(), change.reason,
       change.summary, std::string(to_string(change.effect)), std::string(to_string(change.tier)),
       to_text(change.action), change.action_digest.hex(), change.policy_digest.hex(),
       change.digest.hex(), std::int64_t{change.approvals_needed}, to_micros(change.created),
       to_micros(change.expires)}));
  return {};
}

}  // namespace

Result<Change> Reviews::open_change(store::Transaction& transaction, const NewChange& wanted) {
  CHECK(wanted.action != nullptr);
  if (wanted.approvals_needed < 1) {
    return fail(Code::kInternal, "a change needs at least one approval, not {}",
                wanted.approvals_needed);
  }
  const Action& action = *wanted.action;
  Change change;
  change.created = inside_->clock.now();
  TRY_VOID(check_room(transaction, wanted.session, change.created));
  TRY(change.id, next_id(transaction));
  change.session = wanted.session;
  change.agent = wanted.agent;
  change.owner = wanted.owner;
  change.starter = wanted.starter;
  change.reason = printable(wanted.reason, kReasonBytesMax);
  change.summary = summary(action);
  // What is not understood is judged as destroy, so reviewers are told that.
  change.effect = action.understood ? action.effect : stricter(action.effect, Effect::kDestroy);
  change.tier = strictest_tier(action);
  // As it will be read back, so that the digest is of what is stored.
  TRY(change.action, context(parse_strict(to_text(to_json(action))), "action as JSON"));
  change.action_digest = action.digest;
  change.policy_digest = wanted.policy_digest;
  change.approvals_needed = wanted.approvals_needed;
  change.expires = change.created + inside_->options.change_lifetime;
  change.digest = digest_of(change);
  TRY_VOID(insert(transaction, change));
  return change;
}

Result<std::optional<Change>> Reviews::find_change(store::Transaction& transaction,
                                                   const SessionId& session,
                                                   const Digest& action_digest) const {
  TRY(auto found, load_changes(transaction, inside_->clock.now(),
                               "WHERE session = ?1 AND action_digest = ?2 ORDER BY id DESC LIMIT 1",
                               {session.text(), action_digest.hex()}));
  if (found.empty()) return std::nullopt;
  return std::optional<Change>(std::move(found.front()));
}

Result<Change> Reviews::get_change(store::Transaction& transaction, ChangeId id) const {
  TRY(auto found, load_changes(transaction, inside_->clock.now(), "WHERE id = ?1", {id.number}));
  if (found.empty()) return fail(Code::kNotFound, "there is no change {}", id.text());
  return std::move(found.front());
}

Result<std::vector<Change>> Reviews::changes(store::Transaction& transaction,
                                             std::optional<ChangeState> state,
                                             std::size_t limit) const {
  const Time now = inside_->clock.now();
  const auto most = static_cast<std::int64_t>(std::min(limit, store::Transaction::kQueryRowsMax));
  if (!state) {
    return load_changes(transaction, now, "ORDER BY id DESC LIMIT ?1", {most});
  }
  std::string_view condition = "WHERE state = ?1 AND expires > ?2 ORDER BY id DESC LIMIT ?3";
  if (*state == ChangeState::kExpired) {
    condition =
        "WHERE state = ?1 OR (state IN ('open', 'approved') AND expires <= ?2) "
        "ORDER BY id DESC LIMIT ?3";
  } else if (*state != ChangeState::kOpen && *state != ChangeState::kApproved) {
    // Final states stay what they are; ?2 is named so that all three texts take the same values.
    condition = "WHERE state = ?1 AND created <= ?2 ORDER BY id DESC LIMIT ?3";
  }
  return load_changes(transaction, now, condition,
                      {std::string(to_string(*state)), to_micros(now), most});
}

Result<void> Reviews::make_void(store::Transaction& transaction, ChangeId id) {
  for (const ChangeState from : {ChangeState::kOpen, ChangeState::kApproved}) {
    TRY(const bool moved, move(transaction, id, {from, ChangeState::kVoid}));
    if (moved) return {};
  }
  return fail(Code::kConflict, "{} is final already", id.text());
}

Result<void> Reviews::forget_action(store::Transaction& transaction, ChangeId id, Json instead) {
  TRY(const Change change, get_change(transaction, id));
  if (change.state == ChangeState::kOpen || change.state == ChangeState::kApproved) {
    return fail(
        Code::kConflict,
        "{} still waits, and whoever reviews it must see what it asks for; reject it or let "
        "it expire first",
        id.text());
  }
  // One that nobody has swept yet would be checked against its digest as long as it reads as open.
  TRY_VOID(move(transaction, id, {ChangeState::kOpen, ChangeState::kExpired}));
  TRY_VOID(move(transaction, id, {ChangeState::kApproved, ChangeState::kExpired}));
  instead.set("erased", true);
  TRY_VOID(transaction.execute("UPDATE review_changes SET action = ?2 WHERE id = ?1",
                               {id.number, to_canonical(instead)}));
  return {};
}

Result<std::vector<ChangeId>> Reviews::expire(store::Transaction& transaction) {
  TRY(const store::Rows rows,
      transaction.query("SELECT id FROM review_changes WHERE state IN ('open', 'approved') "
                        "AND expires <= ?1 ORDER BY id LIMIT ?2",
                        {to_micros(inside_->clock.now()), kSweepMax}));
  std::vector<ChangeId> expired;
  for (const store::Row& row : rows) {
    TRY_VOID(
        transaction.execute("UPDATE review_changes SET state = 'expired' WHERE id = ?1 "
                            "AND state IN ('open', 'approved')",
                            {row.integer(0)}));
    expired.push_back(ChangeId{row.integer(0)});
  }
  return expired;
}

}  // namespace keyturn::review
