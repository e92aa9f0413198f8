// What the record knows of the time, so that a machine's clock that is behind it makes nothing
// valid again: no session, change or grant that had expired, and no request that was executed.
#pragma once

#include <optional>

#include "base/clock.h"
#include "ledger/ledger.h"

namespace keyturn::gate {

struct KnownTime {
  std::optional<Time> decided;  // the latest decision, as far as the ledger tells
  Time latest = Time::min();    // at least this late it has been
};
// After Gate::prepare().
Result<KnownTime> read_known_time(store::Store& store, const ledger::Ledger& ledger);

// It is this late; never less than was written before.
Result<void> write_known_time(store::Transaction& transaction, Time now);

// An operator says that the clock is right, and what the record says later is not: forgets it, and
// records clock.accepted. Blocks.
Result<void> accept_clock(store::Store& store, ledger::Ledger& ledger, const KnownTime& known,
                          Time now);

}  // namespace keyturn::gate
