// The room's tables, and their rows as values. Private to the room.
#pragma once

#include <span>
#include <vector>

#include "identity/identity.h"

namespace keyturn::identity {

std::vector<store::Migration> migrations(store::Engine engine);

inline constexpr std::string_view kPersonColumns = "id, name, role, state, created";
inline constexpr std::string_view kAgentColumns = "id, owner, state, created";
inline constexpr std::string_view kSessionColumns =
    "id, agent, owner, starter, purpose, started, expiry, ended, access_key_id, parent, root, "
    "acts_as";
inline constexpr std::size_t kSessionColumnCount = 12;
inline constexpr std::string_view kSessionTables =
    "identity_sessions LEFT JOIN identity_children ON session = id";

// kCorrupt when a stored word is none of ours.
Result<Person> read_person(const store::Row& row);
Result<Agent> read_agent(const store::Row& row);
Result<Session> read_session(const store::Row& row);

// What a session's sealed secrets are for: one session's box cannot be passed for another's.
std::string secret_label(const SessionId& id);
std::string token_label(const SessionId& id);

// kDenied for administrators, who neither own agents nor start sessions.
Result<void> check_duties(const Person& person);

// kInvalid unless `text` is UTF-8 without control characters, not blank, and at most `bytes_max`.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max);

}  // namespace keyturn::identity
