#include "store/catalogue.h"

#include <algorithm>

namespace keyturn::store {
namespace {

// The same questions to both engines. Only names of tables and columns come out.
struct Questions {
  std::string_view tables;
  std::string_view columns;  // name, type
  std::string_view key;
  std::string_view needs;
};

constexpr Questions kSqlite = {
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE "
    "'\\' ORDER BY name",
    "SELECT name, lower(type) FROM pragma_table_info(?1) ORDER BY cid",
    "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk",
    "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1) ORDER BY 1"};

constexpr Questions kPostgres = {
    "SELECT relname::text COLLATE \"C\" FROM pg_class WHERE relkind = 'r' AND relnamespace = "
    "current_schema()::regnamespace ORDER BY 1",
    "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = "
    "to_regclass(?1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND "
    "a.attnum = ANY (i.indkey) WHERE i.indisprimary AND i.indrelid = to_regclass(?1) "
    "ORDER BY array_position(i.indkey::smallint[], a.attnum)",
    "SELECT DISTINCT c.relname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid "
    "WHERE k.contype = 'f' AND k.conrelid = to_regclass(?1) ORDER BY 1"};

Result<Table> read_table(Transaction& transaction, const Questions& ask, const std::string& name) {
  Table table;
  table.name = name;
  TRY(const Rows columns, transaction.query(ask.columns, {name}));
  for (const Row& row : columns) {
    table.columns.push_back(row.text(0));
    table.is_text.push_back(row.text(1) == "text");
  }
  TRY(const Rows key, transaction.query(ask.key, {name}));
  for (const Row& row : key) {
    const auto at = std::find(table.columns.begin(), table.columns.end(), row.text(0));
    CHECK(at != table.columns.end());
    table.key.push_back(static_cast<std::size_t>(at - table.columns.begin()));
  }
  if (table.key.empty()) {
    return fail(Code::kInternal, "the table `{}` has no primary key, so its rows have no order",
                name);
  }
  TRY(const Rows needs, transaction.query(ask.needs, {name}));
  for (const Row& row : needs) table.needs.push_back(row.text(0));
  return table;
}

}  // namespace

Result<bool> has_table(Transaction& transaction, std::string_view name) {
  const Questions& ask = transaction.engine() == Engine::kSqlite ? kSqlite : kPostgres;
  TRY(const Rows rows, transaction.query(ask.tables));
  return std::any_of(rows.begin(), rows.end(),
                     [name](const Row& row) { return row.text(0) == name; });
}

Result<std::vector<Table>> read_catalogue(Transaction& transaction) {
  const Questions& ask = transaction.engine() == Engine::kSqlite ? kSqlite : kPostgres;
  TRY(const Rows rows, transaction.query(ask.tables));
  std::vector<Table> waiting;
  for (const Row& row : rows) {
    if (row.text(0).starts_with("store_")) continue;
    TRY(Table table, read_table(transaction, ask, row.text(0)));
    waiting.push_back(std::move(table));
  }
  std::vector<Table> ordered;
  const auto is_met = [&ordered](const Table& table) {
    return std::all_of(table.needs.begin(), table.needs.end(), [&](const std::string& need) {
      return need == table.name || std::any_of(ordered.begin(), ordered.end(),
                                               [&](const Table& t) { return t.name == need; });
    });
  };
  while (!waiting.empty()) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), is_met);
    if (next == waiting.end()) {
      return fail(Code::kInternal, "the tables `{}` and others refer to each other in a circle",
                  waiting.front().name);
    }
    ordered.push_back(std::move(*next));
    waiting.erase(next);
  }
  return ordered;
}

}  // namespace keyturn::store
