// What tables a database has, asked of itself.
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace keyturn::store {

struct Table {
  std::string name;
  std::vector<std::string> columns;  // in the order of their making
  std::vector<bool> is_text;         // of each column
  std::vector<std::size_t> key;      // which columns are the primary key, in its order
  std::vector<std::string> needs;    // tables whose rows its own refer to
};

// The rooms' tables, by name, but each after those it needs. kInternal for a table without a
// primary key: its rows have no order.
Result<std::vector<Table>> read_catalogue(Transaction& transaction);
// Whether there is a table of this name, the store's own included.
Result<bool> has_table(Transaction& transaction, std::string_view name);

}  // namespace keyturn::store
