// Persons, agents and sessions: who is asking. An agent has an identity of its own and one owner; a
// session is one run of an agent, with keys that look like AWS keys, are shown once, are stored
// sealed and die with the session. Writing happens inside the caller's transaction; the request
// path reads an immutable snapshot that is swapped whole by refresh(). Tables: identity_*.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "store/store.h"

namespace keyturn::identity {

enum class State { kActive, kSuspended };
std::string_view to_string(State state);

// Administrators manage accounts, and therefore own no agents and start no sessions: whoever makes
// persons could make the reviewers of their own agent. Reviews treat both alike.
enum class Role { kMember, kAdministrator };
std::string_view to_string(Role role);

struct Person {
  PersonId id;
  std::string name;  // for people
  Role role = Role::kMember;
  State state = State::kActive;
  Time created;
};

struct Agent {
  AgentId id;
  PersonId owner;
  State state = State::kActive;
  Time created;
};

struct Session {
  SessionId id;
  AgentId agent;
  PersonId owner;    // the agent's owner when the session started
  PersonId starter;  // the person who started it
  std::string purpose;
  Time start;
  Time expiry;
  std::optional<Time> ended;
  std::string access_key_id;  // ASIA and 16 of A-Z2-7
  // Of a session that another one asked for (STS): it ends with that one. Nothing for others.
  std::optional<SessionId> parent;
  SessionId root;       // itself, or the first of its line
  std::string acts_as;  // ARN of whom it is upstream; empty: whom the gate is
};

// What the client needs, shown once.
struct SessionKeys {
  std::string access_key_id;
  crypto::Secret secret_access_key;  // 40 characters
  crypto::Secret session_token;
};

struct NewSession {
  AgentId agent;
  PersonId starter;
  std::string purpose;
  Duration lifetime = std::chrono::hours(8);
};
inline constexpr Duration kSessionLifetimeMax = std::chrono::hours(24);
inline constexpr std::size_t kPurposeBytesMax = 1'000;
inline constexpr std::size_t kNameBytesMax = 200;
// Running at once in one line, and how long that may be: tools assume a role per command or module.
inline constexpr std::size_t kChildrenMax = 100;
inline constexpr std::size_t kGenerationsMax = 8;
inline constexpr std::size_t kActsAsBytesMax = 512;
// Running at once: each holds two pages of locked memory in every gateway.
inline constexpr std::size_t kSessionsMax = 5'000;
// Keys of ended sessions that was_key still knows, newest first; older ones are merely unknown.
inline constexpr std::size_t kPastKeysMax = 50'000;

// What a request's access key leads to. Shared and immutable.
struct KeyHolder {
  Session session;
  Agent agent;
  Person owner;
  std::shared_ptr<const SessionKeys> keys;
};

class Identity {
 public:
  // Its tables alone; open() does this too.
  static Result<void> prepare(store::Store& store);
  // Creates its tables and loads the first snapshot. `key` seals session secrets.
  static Result<std::unique_ptr<Identity>> open(store::Store& store, const Clock& clock,
                                                Random& random, const crypto::SealingKey& key);
  struct Inside;
  explicit Identity(std::unique_ptr<Inside> inside);
  ~Identity();

  struct NewPerson {
    PersonId id;
    std::string name;
    Role role = Role::kMember;
  };
  // Returns the API token (`ktp_…`), shown once; only its SHA-256 is stored. kConflict when the id
  // is taken.
  Result<crypto::Secret> create_person(store::Transaction& transaction, const NewPerson& person);
  Result<void> set_person_state(store::Transaction& transaction, const PersonId& id, State state);
  // kDenied when the owner is suspended or an administrator.
  Result<Agent> create_agent(store::Transaction& transaction, const AgentId& id,
                             const PersonId& owner);
  Result<void> set_agent_state(store::Transaction& transaction, const AgentId& id, State state);
  // kDenied when the agent, its owner or the starter is suspended, or one of these persons is an
  // administrator; kNotFound; kInvalid on a bad
  // purpose or lifetime; kExhausted when too many sessions run.
  struct StartedSession {
    Session session;
    SessionKeys keys;
  };
  Result<StartedSession> start_session(store::Transaction& transaction, const NewSession& session);
  // A session of the same agent, owner, starter and purpose, which ends with its parent at the
  // latest. kDenied when the parent has ended, or agent, owner or starter may not act; kExhausted
  // when its line has too many.
  struct NewChild {
    SessionId parent;
    Time expiry;          // at the latest
    std::string acts_as;  // ARN; empty: whom the parent is, which must be the gate
  };
  Result<StartedSession> start_child(store::Transaction& transaction, const NewChild& child);
  // With all that came from it. Returns who ended, itself first. kConflict when it has ended
  // already.
  Result<std::vector<SessionId>> end_session(store::Transaction& transaction, const SessionId& id);

  // Within a unit of work or a read.
  Result<Person> get_person(store::Transaction& transaction, const PersonId& id) const;
  Result<Agent> get_agent(store::Transaction& transaction, const AgentId& id) const;
  Result<Session> get_session(store::Transaction& transaction, const SessionId& id) const;
  Result<std::vector<Person>> persons(store::Transaction& transaction) const;
  Result<std::vector<Agent>> agents(store::Transaction& transaction) const;
  // Newest first, at most `limit`.
  Result<std::vector<Session>> sessions(store::Transaction& transaction, std::size_t limit) const;

  // Who holds an API token. kDenied, in constant time over the comparison, for anything else. Asks
  // the store, too, where others write to it.
  Result<Person> authenticate(std::string_view token);

  // Loads sessions, agents and persons anew after a commit that changed them. Any thread.
  Result<void> refresh();
  // The holder of a session's access key, or null: unknown, ended. Expiry, suspension and the
  // secret are the caller's to check (so that it can say which). Takes a lock for the length of a
  // pointer copy; any thread.
  std::shared_ptr<const KeyHolder> find_key(std::string_view access_key_id) const;
  // Where others write to the same database, whether a key that find_key() does not know is there
  // by now; then it is known. Reads the store.
  bool look_for_key(std::string_view access_key_id);
  // Whether the key belonged to a session that has ended or expired (then clients get
  // ExpiredToken).
  bool was_key(std::string_view access_key_id) const;

 private:
  std::unique_ptr<Inside> inside_;
};

}  // namespace keyturn::identity
