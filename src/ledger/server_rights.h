// What the server's role may do with the ledger's tables in PostgreSQL, where another role owns
// them: entries are only ever added, and the head only moves forward.
#pragma once

#include <array>

#include "store/postgres_roles.h"

namespace keyturn::ledger {

// The head is derived from the entries and moves with each batch; a trigger holds it from going
// back. What is kept beside the log may be erased.
inline constexpr std::array<store::TableRights, 3> kServerRights = {
    {{"ledger_entries", "SELECT, INSERT"},
     {"ledger_head", "SELECT, UPDATE (size, edge)"},
     {"ledger_contents", "SELECT, INSERT, DELETE"}}};

// Whether the role of this store could change or remove entries, were it not for the triggers, or
// could drop those. Always so with SQLite, which has no roles.
Result<bool> may_change_entries(store::Store& store);

}  // namespace keyturn::ledger
