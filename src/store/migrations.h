// Brings a room's tables up to date over any engine. Each step runs as a unit of its own, with its
// text recorded: a step whose text has changed since, or a database that has more steps than the
// program, is refused.
#pragma once

#include <span>
#include <string_view>

#include "store/store.h"

namespace keyturn::store {

// Creates the table that records steps; `sql` is the engine's statement for it.
Result<void> prepare_migrations(Store& store, std::string_view sql);
Result<void> run_migrations(Store& store, const Clock& clock, std::string_view room,
                            std::span<const Migration> migrations);

}  // namespace keyturn::store
