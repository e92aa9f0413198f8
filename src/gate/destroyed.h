// What each session destroyed, with those that came from it, for as long as a session can live: so
// that making it again is seen for what it is. Private to the room.
#pragma once

#include "gate/gate.h"

namespace keyturn::gate {

// The action's attribute that says in words what it makes again; policies see whether it is there.
inline constexpr std::string_view kRecreateAttribute = "recreate";

// The latest of a session, with their whole requests (1,000 resources each at most); older ones are
// forgotten, so that no session fills the store.
inline constexpr std::int64_t kDestroyedMax = 4'096;

// An allowed action that destroys, or takes rights away.
Result<void> remember_destroyed(store::Transaction& transaction, const SessionId& session,
                                std::uint64_t decided_index, const Action& action, Time now);
// It was not executed after all.
Result<void> forget_destroyed(store::Transaction& transaction, std::uint64_t decided_index);
// Of sessions that are over.
Result<void> sweep_destroyed(store::Transaction& transaction, Time now);
// Oldest first.
Result<std::vector<Destroyed>> load_destroyed(store::Transaction& transaction,
                                              const SessionId& session);

}  // namespace keyturn::gate
