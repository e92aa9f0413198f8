#include "ledger/server_rights.h"

namespace keyturn::ledger {

Result<bool> may_change_entries(store::Store& store) {
  if (store.engine() == store::Engine::kSqlite) return true;
  bool may = true;
  TRY_VOID(store.read([&may](store::Transaction& transaction) -> Result<void> {
    TRY(const store::Rows rows,
        transaction.query("SELECT (has_any_column_privilege('ledger_entries', 'UPDATE') OR "
                          "has_table_privilege('ledger_entries', 'DELETE, TRUNCATE') OR "
                          "pg_has_role(relowner, 'MEMBER'))::int FROM pg_class "
                          "WHERE oid = to_regclass('ledger_entries')"));
    may = rows.empty() || rows[0].integer(0) != 0;
    return {};
  }));
  return may;
}

}  // namespace keyturn::ledger
