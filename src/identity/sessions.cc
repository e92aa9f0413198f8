// Sessions: starting and ending them, and the snapshot by which requests find them.
#include <algorithm>

#include "identity/inside.h"
#include "identity/rows.h"

namespace keyturn::identity {
namespace {

constexpr std::string_view kKeyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // as AWS draws ids
constexpr std::size_t kKeyLength = 16;
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kSecretLength = 40;  // 240 bits
// So that people and secret scanners recognise one.
constexpr std::string_view kTokenPrefix = "ktst";
constexpr std::size_t kTokenBytes = 48;  // a multiple of three: no padding in headers and URLs

SessionKeys draw_keys(Random& random) {
  SessionKeys keys;
  keys.access_key_id = "ASIA" + random.token(kKeyLength, kKeyAlphabet);
  std::string secret = random.token(kSecretLength, kSecretAlphabet);
  keys.secret_access_key = crypto::Secret(secret);
  crypto::wipe(secret);
  std::string raw = random.bytes(kTokenBytes);
  std::string token = base64_encode(raw);
  token.insert(0, kTokenPrefix);
  keys.session_token = crypto::Secret(token);
  crypto::wipe(raw);
  crypto::wipe(token);
  return keys;
}

Result<void> check_lifetime(Duration lifetime) {
  if (lifetime <= Duration::zero() || lifetime > kSessionLifetimeMax) {
    return fail(Code::kInvalid, "a session lives more than 0 and at most {}, not {} seconds",
                format_duration(kSessionLifetimeMax),
                std::chrono::duration_cast<std::chrono::seconds>(lifetime).count());
  }
  return {};
}

Result<void> check_active(const Person& person, std::string_view as) {
  if (person.state == State::kActive) return {};
  return fail(Code::kDenied, "the {} `{}` is suspended; no session can start", as,
              person.id.text());
}

Result<void> check_room(store::Transaction& transaction, Time now) {
  TRY(const store::Rows rows,
      transaction.query("SELECT COUNT(*) FROM identity_sessions WHERE ended IS NULL AND "
                        "expiry > ?1",
                        {to_micros(now)}));
  if (rows.front().integer(0) < static_cast<std::int64_t>(kSessionsMax)) return {};
  return fail(Code::kExhausted, "{} sessions are running, as many as may; end some first",
              kSessionsMax);
}

Result<void> insert(store::Transaction& transaction, const Session& session,
                    const store::Blob& secret, const store::Blob& token) {
  TRY_VOID(transaction.execute(
      "INSERT INTO identity_sessions (id, agent, owner, starter, purpose, started, expiry, "
      "access_key_id, sealed_secret, sealed_token) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      {session.id.text(), session.agent.text(), session.owner.text(), session.starter.text(),
       session.purpose, to_micros(session.start), to_micros(session.expiry), session.access_key_id,
       secret, token}));
  if (!session.parent) return {};
  TRY_VOID(transaction.execute(
      "INSERT INTO identity_children (session, parent, root, acts_as) VALUES (?1, ?2, ?3, ?4)",
      {session.id.text(), session.parent->text(), session.root.text(), session.acts_as}));
  return {};
}

// Who may not act any more starts nothing.
Result<Agent> check_actors(const Identity& identity, store::Transaction& transaction,
                           const AgentId& agent_id, const PersonId& starter_id) {
  TRY(Agent agent, identity.get_agent(transaction, agent_id));
  if (agent.state != State::kActive) {
    return fail(Code::kDenied, "the agent `{}` is suspended; no session can start",
                agent.id.text());
  }
  TRY(const Person owner, identity.get_person(transaction, agent.owner));
  TRY_VOID(check_active(owner, "agent's owner"));
  TRY_VOID(check_duties(owner));
  TRY(const Person starter, identity.get_person(transaction, starter_id));
  TRY_VOID(check_active(starter, "starter"));
  TRY_VOID(check_duties(starter));
  return agent;
}

Result<void> check_line(const Identity& identity, store::Transaction& transaction,
                        const Session& parent, Time now) {
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT COUNT(*) FROM {} WHERE root = ?1 AND ended IS NULL "
                                    "AND expiry > ?2",
                                    kSessionTables),
                        {parent.root.text(), to_micros(now)}));
  if (rows.front().integer(0) >= static_cast<std::int64_t>(kChildrenMax)) {
    return fail(Code::kExhausted,
                "{} sessions that came from session `{}` are running, as many as may; use those "
                "credentials until they expire",
                kChildrenMax, parent.root.text());
  }
  std::size_t generations = 1;
  std::optional<SessionId> ancestor = parent.parent;
  while (ancestor && generations < kGenerationsMax) {
    TRY(const Session session, identity.get_session(transaction, *ancestor));
    ancestor = session.parent;
    ++generations;
  }
  if (!ancestor) return {};
  return fail(Code::kExhausted, "credentials that came from credentials {} times over make no more",
              kGenerationsMax);
}

}  // namespace

Result<Identity::StartedSession> Identity::start_session(store::Transaction& transaction,
                                                         const NewSession& wanted) {
  TRY_VOID(check_text("purpose", wanted.purpose, kPurposeBytesMax));
  TRY_VOID(check_lifetime(wanted.lifetime));
  TRY(const Agent agent, check_actors(*this, transaction, wanted.agent, wanted.starter));
  const Time now = inside_->clock.now();
  TRY_VOID(check_room(transaction, now));

  Session session;
  session.agent = agent.id;
  session.owner = agent.owner;
  session.starter = wanted.starter;
  session.purpose = wanted.purpose;
  session.start = now;
  session.expiry = now + wanted.lifetime;
  return inside_->start(transaction, std::move(session));
}

Result<Identity::StartedSession> Identity::start_child(store::Transaction& transaction,
                                                       const NewChild& child) {
  TRY(const Session parent, get_session(transaction, child.parent));
  const Time now = inside_->clock.now();
  if (parent.ended || parent.expiry <= now) {
    return fail(Code::kDenied, "the session `{}` has ended; nothing can come from it",
                parent.id.text());
  }
  if (child.acts_as.empty() && !parent.acts_as.empty()) {
    return fail(Code::kInvalid, "session `{}` acts as another than the gate", parent.id.text());
  }
  if (child.acts_as.size() > kActsAsBytesMax || !is_valid_utf8(child.acts_as)) {
    return fail(Code::kInvalid, "whom a session acts as must have at most {} bytes of UTF-8",
                kActsAsBytesMax);
  }
  if (child.expiry <= now) return fail(Code::kInvalid, "the session would expire at once");
  TRY(const Agent agent, check_actors(*this, transaction, parent.agent, parent.starter));
  if (agent.owner != parent.owner) {
    return fail(Code::kDenied, "the agent `{}` has another owner since; start a new session",
                agent.id.text());
  }
  TRY_VOID(check_room(transaction, now));
  TRY_VOID(check_line(*this, transaction, parent, now));

  Session session = parent;
  session.parent = parent.id;
  session.start = now;
  session.expiry = std::min(parent.expiry, child.expiry);
  session.acts_as = child.acts_as;
  return inside_->start(transaction, std::move(session));
}

Result<Identity::StartedSession> Identity::Inside::start(store::Transaction& transaction,
                                                         Session session) {
  StartedSession started;
  started.keys = draw_keys(random);
  session.id = SessionId(make_id("ses", random));
  if (!session.parent) session.root = session.id;
  session.access_key_id = started.keys.access_key_id;
  const auto seal = [&](const crypto::Secret& secret, const std::string& label) {
    return store::Blob{key.seal(secret.view(), label, random)};
  };
  TRY_VOID(insert(transaction, session,
                  seal(started.keys.secret_access_key, secret_label(session.id)),
                  seal(started.keys.session_token, token_label(session.id))));
  started.session = std::move(session);
  return started;
}

Result<std::vector<SessionId>> Identity::end_session(store::Transaction& transaction,
                                                     const SessionId& id) {
  TRY(const Session session, get_session(transaction, id));
  if (session.ended) {
    return fail(Code::kConflict, "the session `{}` ended at {}", id.text(),
                format_time(*session.ended));
  }
  const std::int64_t now = to_micros(inside_->clock.now());
  // At most kChildrenMax of a line run.
  std::vector<SessionId> ending = {id};
  for (std::size_t at = 0; at < ending.size(); ++at) {
    TRY(const store::Rows rows,
        transaction.query(fmt::format("SELECT id FROM {} WHERE parent = ?1 AND ended IS NULL "
                                      "AND expiry > ?2 ORDER BY id",
                                      kSessionTables),
                          {ending[at].text(), now}));
    for (const store::Row& row : rows) ending.emplace_back(row.text(0));
  }
  for (const SessionId& one : ending) {
    TRY_VOID(transaction.execute("UPDATE identity_sessions SET ended = ?2 WHERE id = ?1",
                                 {one.text(), now}));
  }
  return ending;
}

Result<Session> Identity::get_session(store::Transaction& transaction, const SessionId& id) const {
  TRY(const store::Rows rows, transaction.query(fmt::format("SELECT {} FROM {} WHERE id = ?1",
                                                            kSessionColumns, kSessionTables),
                                                {id.text()}));
  if (rows.empty()) {
    return fail(Code::kNotFound, "there is no session `{}`", printable(id.text(), 64));
  }
  return read_session(rows.front());
}

Result<std::vector<Session>> Identity::sessions(store::Transaction& transaction,
                                                std::size_t limit) const {
  const auto most = std::min(limit, store::Transaction::kQueryRowsMax);
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT {} FROM {} ORDER BY started DESC, id DESC LIMIT ?1",
                                    kSessionColumns, kSessionTables),
                        {static_cast<std::int64_t>(most)}));
  std::vector<Session> sessions;
  for (const store::Row& row : rows) {
    TRY(Session session, read_session(row));
    sessions.push_back(std::move(session));
  }
  return sessions;
}

Result<void> Identity::refresh() {
  const std::lock_guard one_at_a_time(inside_->refreshing);
  const auto before = inside_->current();
  std::shared_ptr<const Snapshot> next;
  TRY_VOID(inside_->store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(next, load_snapshot(transaction, inside_->clock.now(), inside_->key, before.get()));
    return {};
  }));
  const std::lock_guard lock(inside_->mutex);
  inside_->snapshot = std::move(next);
  return {};
}

std::shared_ptr<const KeyHolder> Identity::find_key(std::string_view access_key_id) const {
  const auto snapshot = inside_->current();
  const auto found = snapshot->running.find(std::string(access_key_id));
  return found == snapshot->running.end() ? nullptr : found->second;
}

bool Identity::look_for_key(std::string_view access_key_id) {
  if (!inside_->store.is_shared()) return false;
  if (was_key(access_key_id) || !is_valid_utf8(access_key_id)) return false;
  const bool there = inside_->has_row("SELECT 1 FROM identity_sessions WHERE access_key_id = ?1",
                                      std::string(access_key_id));
  return there && refresh().has_value();
}

bool Identity::Inside::has_row(std::string_view sql, std::string text) const {
  bool there = false;
  const auto looked = store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const store::Rows rows, transaction.query(sql, {std::move(text)}));
    there = !rows.empty();
    return {};
  });
  return looked && there;
}

bool Identity::was_key(std::string_view access_key_id) const {
  const auto snapshot = inside_->current();
  const std::string key(access_key_id);
  if (snapshot->past.contains(key)) return true;
  // Expired since the snapshot was taken.
  const auto found = snapshot->running.find(key);
  return found != snapshot->running.end() && found->second->session.expiry <= inside_->clock.now();
}

}  // namespace keyturn::identity
