// What was sent, by its signature, where several gateways write to one database and a copy may
// reach another one. Private to the room.
#pragma once

#include "gate/gate.h"

namespace keyturn::gate {

// Whether it is, or may be, a copy of what was allowed before.
Result<bool> was_sent(store::Transaction& transaction, const Sending& sending, Time now);
Result<void> remember_sent(store::Transaction& transaction, const Sending& sending,
                           std::uint64_t decided_index, Time now);
// It was not executed after all.
Result<void> forget_sent(store::Transaction& transaction, std::uint64_t decided_index);
// What is not valid any more, also by a clock that is somewhat behind.
Result<void> sweep_sent(store::Transaction& transaction, Time now);

}  // namespace keyturn::gate
