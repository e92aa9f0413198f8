#include "review/rows.h"

namespace keyturn::review {
namespace {

constexpr std::string_view kColumns =
    "id, state, session, agent, owner, starter, reason, summary, effect, tier, action, "
    "action_digest, policy_digest, digest, approvals_needed, created, expires";

Result<ChangeState> parse_state(const std::string& text) {
  for (const auto state : {ChangeState::kOpen, ChangeState::kApproved, ChangeState::kRejected,
                           ChangeState::kExecuted, ChangeState::kExpired, ChangeState::kVoid}) {
    if (to_string(state) == text) return state;
  }
  return fail(Code::kCorrupt, "stored change state `{}` is unknown", printable(text, 64));
}

bool waits(ChangeState state) {
  return state == ChangeState::kOpen || state == ChangeState::kApproved;
}

Result<Change> read_change(const store::Row& row, Time now) {
  Change change;
  change.id = ChangeId{row.integer(0)};
  TRY(change.state, parse_state(row.text(1)));
  change.session = SessionId(row.text(2));
  change.agent = AgentId(row.text(3));
  change.owner = PersonId(row.text(4));
  change.starter = PersonId(row.text(5));
  change.reason = row.text(6);
  change.summary = row.text(7);
  TRY(change.effect, parse_effect(row.text(8)));
  TRY(change.tier, parse_tier(row.text(9)));
  TRY(change.action, parse_strict(row.text(10)));
  TRY(change.action_digest, Digest::from_hex(row.text(11)));
  TRY(change.policy_digest, Digest::from_hex(row.text(12)));
  TRY(change.digest, Digest::from_hex(row.text(13)));
  change.approvals_needed = static_cast<int>(row.integer(14));
  change.created = from_micros(row.integer(15));
  change.expires = from_micros(row.integer(16));
  if (waits(change.state) && change.expires <= now) change.state = ChangeState::kExpired;
  // What was erased cannot be checked any more; only what is over is erased.
  const bool erased = is_erased(change) && !waits(change.state);
  if (!erased && digest_of(change) != change.digest) {
    return fail(Code::kCorrupt, "stored change {} is not what its digest says", change.id.text());
  }
  return change;
}

Result<std::vector<Review>> load_reviews(store::Transaction& transaction, ChangeId id) {
  TRY(const store::Rows rows,
      transaction.query("SELECT person, answer, words, digest, time FROM review_reviews "
                        "WHERE change_id = ?1 ORDER BY time, person",
                        {id.number}));
  std::vector<Review> reviews;
  for (const store::Row& row : rows) {
    Review review;
    review.person = PersonId(row.text(0));
    TRY(review.answer, parse_answer(row.text(1)));
    review.words = row.text(2);
    TRY(review.digest, Digest::from_hex(row.text(3)));
    review.time = from_micros(row.integer(4));
    reviews.push_back(std::move(review));
  }
  return reviews;
}

}  // namespace

std::vector<store::Migration> migrations(store::Engine engine) {
  const bool sqlite = engine == store::Engine::kSqlite;
  const std::string_view integer = sqlite ? "INTEGER" : "BIGINT";
  const std::string_view end = sqlite ? ") STRICT" : ")";
  store::Migration first;
  first.number = 1;
  first.statements = {
      fmt::format("CREATE TABLE review_numbers (name TEXT PRIMARY KEY, last {} NOT NULL{}", integer,
                  end),
      "INSERT INTO review_numbers (name, last) VALUES ('change', 0)",
      fmt::format("CREATE TABLE review_changes (id {0} PRIMARY KEY, state TEXT NOT NULL, "
                  "session TEXT NOT NULL, agent TEXT NOT NULL, owner TEXT NOT NULL, "
                  "starter TEXT NOT NULL, reason TEXT NOT NULL, summary TEXT NOT NULL, "
                  "effect TEXT NOT NULL, tier TEXT NOT NULL, action TEXT NOT NULL, "
                  "action_digest TEXT NOT NULL, policy_digest TEXT NOT NULL, digest TEXT NOT NULL, "
                  "approvals_needed {0} NOT NULL, created {0} NOT NULL, expires {0} NOT NULL{1}",
                  integer, end),
      "CREATE INDEX review_changes_retry ON review_changes (session, action_digest)",
      "CREATE INDEX review_changes_waiting ON review_changes (expires) "
      "WHERE state IN ('open', 'approved')",
      fmt::format("CREATE TABLE review_reviews (change_id {0} NOT NULL REFERENCES review_changes "
                  "(id), person TEXT NOT NULL, answer TEXT NOT NULL, words TEXT NOT NULL, "
                  "digest TEXT NOT NULL, time {0} NOT NULL, PRIMARY KEY (change_id, person){1}",
                  integer, end),
      fmt::format("CREATE TABLE review_grants (id TEXT PRIMARY KEY, change_id {0} NOT NULL UNIQUE "
                  "REFERENCES review_changes (id), session TEXT NOT NULL, "
                  "action_digest TEXT NOT NULL, policy_digest TEXT NOT NULL, issued {0} NOT NULL, "
                  "expires {0} NOT NULL, used {0}{1}",
                  integer, end),
  };
  return {std::move(first)};
}

Digest digest_of(const Change& change) {
  return crypto::sha256(to_canonical(Json::object({
      {"action", change.action},
      {"action_digest", change.action_digest.hex()},
      {"agent", change.agent.text()},
      {"approvals_needed", change.approvals_needed},
      {"change", change.id.text()},
      {"created", format_time(change.created)},
      {"effect", to_string(change.effect)},
      {"owner", change.owner.text()},
      {"policy_digest", change.policy_digest.hex()},
      {"reason", change.reason},
      {"session", change.session.text()},
      {"starter", change.starter.text()},
      {"summary", change.summary},
      {"tier", to_string(change.tier)},
      {"v", 1},
  })));
}

Result<std::vector<Change>> load_changes(store::Transaction& transaction, Time now,
                                         std::string_view condition,
                                         store::Transaction::Parameters parameters) {
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT {} FROM review_changes {}", kColumns, condition),
                        parameters));
  std::vector<Change> changes;
  for (const store::Row& row : rows) {
    TRY(Change change, read_change(row, now));
    TRY(change.reviews, load_reviews(transaction, change.id));
    changes.push_back(std::move(change));
  }
  return changes;
}

Result<std::optional<StoredGrant>> find_grant(store::Transaction& transaction, ChangeId change) {
  TRY(const store::Rows rows,
      transaction.query("SELECT id, session, action_digest, policy_digest, issued, expires, used "
                        "FROM review_grants WHERE change_id = ?1",
                        {change.number}));
  if (rows.empty()) return std::nullopt;
  const store::Row& row = rows.front();
  StoredGrant stored;
  stored.grant.id = row.text(0);
  stored.grant.change = change;
  stored.grant.session = SessionId(row.text(1));
  TRY(stored.grant.action_digest, Digest::from_hex(row.text(2)));
  TRY(stored.grant.policy_digest, Digest::from_hex(row.text(3)));
  stored.grant.issued = from_micros(row.integer(4));
  stored.grant.expires = from_micros(row.integer(5));
  stored.used = !row.is_null(6);
  return stored;
}

Result<bool> move(store::Transaction& transaction, ChangeId id, Move move) {
  TRY(const std::int64_t changed,
      transaction.execute(
          "UPDATE review_changes SET state = ?3 WHERE id = ?1 AND state = ?2",
          {id.number, std::string(to_string(move.from)), std::string(to_string(move.to))}));
  return changed == 1;
}

}  // namespace keyturn::review
