#include "identity/rows.h"

#include <algorithm>

namespace keyturn::identity {
namespace {

Result<State> parse_state(const std::string& text) {
  for (const State state : {State::kActive, State::kSuspended}) {
    if (to_string(state) == text) return state;
  }
  return fail(Code::kCorrupt, "stored account state `{}` is unknown", printable(text, 64));
}

Result<Role> parse_role(const std::string& text) {
  for (const Role role : {Role::kMember, Role::kAdministrator}) {
    if (to_string(role) == text) return role;
  }
  return fail(Code::kCorrupt, "stored role `{}` is unknown", printable(text, 64));
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kActive:
      return "active";
    case State::kSuspended:
      return "suspended";
  }
  return "suspended";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kMember:
      return "member";
    case Role::kAdministrator:
      return "administrator";
  }
  return "member";
}

std::vector<store::Migration> migrations(store::Engine engine) {
  const bool sqlite = engine == store::Engine::kSqlite;
  const std::string_view integer = sqlite ? "INTEGER" : "BIGINT";
  const std::string_view bytes = sqlite ? "BLOB" : "BYTEA";
  const std::string_view end = sqlite ? ") STRICT" : ")";
  store::Migration first;
  first.number = 1;
  first.statements = {
      fmt::format("CREATE TABLE identity_persons (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
                  "role TEXT NOT NULL, state TEXT NOT NULL, created {} NOT NULL, "
                  "token_sha256 TEXT NOT NULL UNIQUE{}",
                  integer, end),
      fmt::format("CREATE TABLE identity_agents (id TEXT PRIMARY KEY, "
                  "owner TEXT NOT NULL REFERENCES identity_persons (id), "
                  "state TEXT NOT NULL, created {} NOT NULL{}",
                  integer, end),
      fmt::format("CREATE TABLE identity_sessions (id TEXT PRIMARY KEY, "
                  "agent TEXT NOT NULL REFERENCES identity_agents (id), owner TEXT NOT NULL, "
                  "starter TEXT NOT NULL, purpose TEXT NOT NULL, started {0} NOT NULL, "
                  "expiry {0} NOT NULL, ended {0}, access_key_id TEXT NOT NULL UNIQUE, "
                  "sealed_secret {1} NOT NULL, sealed_token {1} NOT NULL{2}",
                  integer, bytes, end),
      "CREATE INDEX identity_sessions_started ON identity_sessions (started)",
      "CREATE INDEX identity_sessions_running ON identity_sessions (expiry) WHERE ended IS NULL",
  };
  store::Migration second;
  second.number = 2;
  second.statements = {
      fmt::format("CREATE TABLE identity_children (session TEXT PRIMARY KEY "
                  "REFERENCES identity_sessions (id), parent TEXT NOT NULL "
                  "REFERENCES identity_sessions (id), root TEXT NOT NULL, acts_as TEXT NOT NULL{}",
                  end),
      "CREATE INDEX identity_children_parent ON identity_children (parent)",
      "CREATE INDEX identity_children_root ON identity_children (root)",
  };
  return {std::move(first), std::move(second)};
}

Result<Person> read_person(const store::Row& row) {
  TRY(const Role role, parse_role(row.text(2)));
  TRY(const State state, parse_state(row.text(3)));
  return Person{PersonId(row.text(0)), row.text(1), role, state, from_micros(row.integer(4))};
}

Result<Agent> read_agent(const store::Row& row) {
  TRY(const State state, parse_state(row.text(2)));
  return Agent{AgentId(row.text(0)), PersonId(row.text(1)), state, from_micros(row.integer(3))};
}

Result<Session> read_session(const store::Row& row) {
  Session session;
  session.id = SessionId(row.text(0));
  session.agent = AgentId(row.text(1));
  session.owner = PersonId(row.text(2));
  session.starter = PersonId(row.text(3));
  session.purpose = row.text(4);
  session.start = from_micros(row.integer(5));
  session.expiry = from_micros(row.integer(6));
  if (!row.is_null(7)) session.ended = from_micros(row.integer(7));
  session.access_key_id = row.text(8);
  if (!row.is_null(9)) session.parent = SessionId(row.text(9));
  session.root = row.is_null(10) ? session.id : SessionId(row.text(10));
  if (!row.is_null(11)) session.acts_as = row.text(11);
  return session;
}

std::string secret_label(const SessionId& id) { return "identity session secret " + id.text(); }
std::string token_label(const SessionId& id) { return "identity session token " + id.text(); }

Result<void> check_duties(const Person& person) {
  if (person.role != Role::kAdministrator) return {};
  return fail(
      Code::kDenied,
      "`{}` is an administrator and can neither own an agent nor start its sessions: whoever "
      "makes persons could make its reviewers; add a person for this with `keyturn person "
      "add`",
      person.id.text());
}

Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (trim(text).empty()) return fail(Code::kInvalid, "the {} is empty; say it in words", what);
  if (text.size() > bytes_max) {
    return fail(Code::kInvalid, "the {} has {} bytes but may have {}", what, text.size(),
                bytes_max);
  }
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20U || byte == 0x7FU;
  };
  if (!is_valid_utf8(text) || std::any_of(text.begin(), text.end(), is_control)) {
    return fail(Code::kInvalid, "the {} `{}` must be one line of UTF-8 text", what,
                printable(text, 64));
  }
  return {};
}

}  // namespace keyturn::identity
