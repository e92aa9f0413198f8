// Two roles over one PostgreSQL schema: the owner makes and migrates the tables, the server's role
// works on them and can neither alter a table nor give itself more.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "store/store.h"

namespace keyturn::store {

// What the server's role may do with one table, as GRANT says it: `SELECT, INSERT`.
struct TableRights {
  std::string_view table;
  std::string_view rights;
};

// Takes from `role` whatever it had on the schema's tables and gives it what a server needs: the
// store's own tables as they are used, those of `special` as that says, every other table SELECT,
// INSERT, UPDATE and DELETE. In one transaction; `options.url` is the owner's. kNotFound when there
// is no such role, kInvalid when it owns the tables or stands above all rights.
Result<void> grant_server_role(const PostgresOptions& options, const std::string& role,
                               std::span<const TableRights> special);

}  // namespace keyturn::store
