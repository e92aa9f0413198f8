#include "store/transfer.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "store/catalogue.h"

namespace keyturn::store {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kPageRows = 100;     // of at most some hundred KiB each
constexpr std::size_t kColumnsMax = 24;    // the widest table has 17
constexpr std::size_t kUnitRowsMax = 500;  // of an import, in one transaction
constexpr std::size_t kUnitBytesMax = 1U << 20U;
constexpr std::string_view kHalf = "store_import";  // a table that is there during an import

// Statements take their parameters as a braced list; a row has as many as its table has columns.
template <std::size_t Count, class Call>
auto with_list(const std::vector<Value>& values, const Call& call) {
  if constexpr (Count < kColumnsMax) {
    if (values.size() != Count) return with_list<Count + 1>(values, call);
  }
  CHECK(values.size() == Count);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return call(Transaction::Parameters{values[I]...});
  }(std::make_index_sequence<Count>());
}

Json to_json(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<Blob>(&value)) {
    return Json::object({{"b", base64_encode(blob->bytes)}});
  }
  return nullptr;
}

Result<Value> from_json(const Json& json) {
  if (json.is_null()) return Value();
  if (const auto* integer = json.if_integer()) return Value(*integer);
  if (const auto* text = json.if_string()) return Value(*text);
  TRY(const std::string encoded, json.get_string("b"));
  TRY(std::string bytes, base64_decode(encoded));
  return Value(Blob{std::move(bytes)});
}

std::string list(const Table& table, std::string_view each, bool key_only) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < (key_only ? table.key.size() : table.columns.size()); ++i) {
    const std::size_t column = key_only ? table.key[i] : i;
    names.push_back(fmt::format(fmt::runtime(each), table.columns[column]));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string placeholders(std::size_t count) {
  std::string out;
  for (std::size_t i = 1; i <= count; ++i) out += fmt::format("{}?{}", i == 1 ? "" : ", ", i);
  return out;
}

// The next rows after `after`, in the order of the key's bytes, whatever the database's language.
std::string page_sql(const Table& table, Engine engine, bool first) {
  std::vector<std::string> keys;
  for (const std::size_t column : table.key) {
    const bool collated = engine == Engine::kPostgres && table.is_text[column];
    keys.push_back(
        fmt::format("\"{}\"{}", table.columns[column], collated ? " COLLATE \"C\"" : ""));
  }
  const std::string order = fmt::format("{}", fmt::join(keys, ", "));
  const std::string where =
      first ? "" : fmt::format(" WHERE ({}) > ({})", order, placeholders(keys.size()));
  return fmt::format("SELECT {} FROM \"{}\"{} ORDER BY {} LIMIT {}", list(table, "\"{}\"", false),
                     table.name, where, order, kPageRows);
}

Json names(const std::vector<std::string>& all) {
  Json::Array out;
  for (const std::string& name : all) out.emplace_back(name);
  return out;
}

Result<std::uint64_t> export_table(Transaction& transaction, const Table& table,
                                   const LineSink& sink) {
  TRY_VOID(sink(to_text(Json::object({{"table", table.name}, {"columns", names(table.columns)}}))));
  crypto::Sha256 digest;
  std::uint64_t count = 0;
  std::vector<Value> after;
  const std::string first_page = page_sql(table, transaction.engine(), true);
  const std::string next_page = page_sql(table, transaction.engine(), false);
  while (true) {
    TRY(const Rows rows, with_list<0>(after, [&](Transaction::Parameters parameters) {
          return transaction.query(after.empty() ? first_page : next_page, parameters);
        }));
    for (const Row& row : rows) {
      Json::Array values;
      for (const Value& value : row.values()) values.push_back(to_json(value));
      const std::string line = to_text(values);
      digest.update(line + "\n");
      TRY_VOID(sink(line));
    }
    count += rows.size();
    if (rows.size() < kPageRows) break;
    after.clear();
    for (const std::size_t column : table.key) after.push_back(rows.back().values()[column]);
  }
  TRY_VOID(sink(to_text(
      Json::object({{"end", table.name}, {"rows", count}, {"sha256", digest.finish().hex()}}))));
  return count;
}

Result<Json> read_rooms(Transaction& transaction) {
  TRY(const Rows rows,
      transaction.query("SELECT room, max(number) FROM store_migrations GROUP BY room"));
  Json::Object rooms;
  for (const Row& row : rows) rooms.emplace_back(row.text(0), row.integer(1));
  std::sort(rooms.begin(), rooms.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return Json(std::move(rooms));
}

Result<Json> next_line(const LineSource& source) {
  TRY(const std::optional<std::string> line, source());
  if (!line) return fail(Code::kCorrupt, "the export is cut off; make it again");
  auto json = parse_strict(*line);
  if (!json)
    return fail(Code::kCorrupt, "a line of the export is damaged: {}", json.error().message);
  return json;
}

// One table's rows into the database, some hundreds in each transaction.
class TableImport {
 public:
  TableImport(Store& store, const Table& table, bool seeded)
      : store_(store), table_(table), sql_(insert_sql(table, seeded)) {}

  Result<void> add(const Json::Array& row, std::string_view line) {
    if (row.size() != table_.columns.size()) {
      return fail(Code::kCorrupt, "a row of `{}` has {} columns, not {}", table_.name, row.size(),
                  table_.columns.size());
    }
    std::vector<Value> values;
    for (const Json& json : row) {
      auto value = from_json(json);
      if (!value) return fail(Code::kCorrupt, "a value of `{}` is damaged", table_.name);
      values.push_back(std::move(*value));
    }
    digest_.update(fmt::format("{}\n", line));
    bytes_ += line.size();
    waiting_.push_back(std::move(values));
    ++rows_;
    return waiting_.size() >= kUnitRowsMax || bytes_ >= kUnitBytesMax ? flush() : Result<void>();
  }

  Result<std::uint64_t> end(const Json& line) {
    TRY_VOID(flush());
    const Json* count = line.find("rows");
    if (count == nullptr || *count != Json(rows_) ||
        line.string_or("sha256", "") != digest_.finish().hex()) {
      return fail(Code::kCorrupt, "the rows of `{}` are not those that were exported", table_.name);
    }
    return rows_;
  }

 private:
  // What a migration put there (a first number, an empty head) is replaced.
  static std::string insert_sql(const Table& table, bool seeded) {
    std::string sql = fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table.name,
                                  list(table, "\"{}\"", false), placeholders(table.columns.size()));
    if (!seeded) return sql;
    return sql + fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}", list(table, "\"{}\"", true),
                             list(table, "\"{0}\" = excluded.\"{0}\"", false));
  }

  Result<void> flush() {
    if (waiting_.empty()) return {};
    TRY_VOID(context(store_.run([this](Transaction& transaction) -> Result<void> {
      for (const std::vector<Value>& row : waiting_) {
        TRY_VOID(with_list<0>(row, [&](Transaction::Parameters parameters) {
          return transaction.execute(sql_, parameters);
        }));
      }
      return {};
    }),
                     fmt::format("import `{}`", table_.name)));
    waiting_.clear();
    bytes_ = 0;
    return {};
  }

  Store& store_;
  const Table& table_;
  const std::string sql_;
  std::vector<std::vector<Value>> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t rows_ = 0;
  crypto::Sha256 digest_;
};

Result<std::uint64_t> import_table(Store& store, const Table& table, bool seeded, const Json& head,
                                   const LineSource& source) {
  const Json* columns = head.find("columns");
  if (columns == nullptr || *columns != names(table.columns)) {
    return fail(Code::kConflict, "the table `{}` of the export has other columns than here",
                table.name);
  }
  TableImport import(store, table, seeded);
  while (true) {
    TRY(const std::optional<std::string> line, source());
    if (!line)
      return fail(Code::kCorrupt, "the export is cut off in `{}`; make it again", table.name);
    auto json = parse_strict(*line);
    if (!json) return fail(Code::kCorrupt, "a row of `{}` is damaged", table.name);
    if (const auto* row = json->if_array()) {
      TRY_VOID(import.add(*row, *line));
    } else if (json->string_or("end", "") == table.name) {
      return import.end(*json);
    } else {
      return fail(Code::kCorrupt, "`{}` does not end where another table begins", table.name);
    }
  }
}

// The tables, and which of them have a row that a migration made. Takes the mark of an import.
Result<std::vector<bool>> begin_import(Store& store, std::vector<Table>& tables) {
  std::vector<bool> seeded;
  TRY_VOID(store.run([&](Transaction& transaction) -> Result<void> {
    TRY(tables, read_catalogue(transaction));
    for (const Table& table : tables) {
      TRY(const Rows rows,
          transaction.query(fmt::format("SELECT 1 FROM \"{}\" LIMIT 2", table.name)));
      if (rows.size() > 1) {
        return fail(Code::kConflict,
                    "the database is not empty (`{}` has rows); import into a new one", table.name);
      }
      seeded.push_back(!rows.empty());
    }
    TRY_VOID(transaction.execute(fmt::format("CREATE TABLE {} (id INTEGER PRIMARY KEY)", kHalf)));
    return {};
  }));
  return seeded;
}

}  // namespace

Result<Transferred> export_store(Store& store, const Json& about, const LineSink& sink) {
  Transferred done;
  TRY_VOID(store.read([&](Transaction& transaction) -> Result<void> {
    TRY(Json rooms, read_rooms(transaction));
    TRY_VOID(sink(to_text(Json::object(
        {{"keyturn_store", kFormat}, {"rooms", std::move(rooms)}, {"about", about}}))));
    TRY(const std::vector<Table> tables, read_catalogue(transaction));
    for (const Table& table : tables) {
      TRY(const std::uint64_t rows, export_table(transaction, table, sink));
      done.rows += rows;
      ++done.tables;
    }
    return sink(to_text(Json::object({{"tables", done.tables}, {"rows", done.rows}})));
  }));
  return done;
}

Result<Json> read_export_head(Store& store, const LineSource& source) {
  TRY(const Json head, next_line(source));
  const Json* format = head.find("keyturn_store");
  if (format == nullptr) return fail(Code::kInvalid, "this is no export of a store");
  Json here;
  TRY_VOID(store.read([&](Transaction& transaction) -> Result<void> {
    TRY(here, read_rooms(transaction));
    return {};
  }));
  const Json* rooms = head.find("rooms");
  if (*format != Json(kFormat) || rooms == nullptr || *rooms != here) {
    return fail(Code::kConflict,
                "another version of keyturn wrote this export (its tables are at {}, those here at "
                "{}); import it with that version, then let this one open the database",
                rooms == nullptr ? "?" : to_text(*rooms), to_text(here));
  }
  const Json* about = head.find("about");
  return about == nullptr ? Json() : *about;
}

Result<Transferred> import_store(Store& store, const LineSource& source) {
  std::vector<Table> tables;
  TRY(const std::vector<bool> seeded, begin_import(store, tables));
  Transferred done;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    TRY(const Json head, next_line(source));
    if (head.string_or("table", "") != tables[i].name) {
      return fail(Code::kCorrupt, "the table `{}` is missing from the export", tables[i].name);
    }
    TRY(const std::uint64_t rows, import_table(store, tables[i], seeded[i], head, source));
    done.rows += rows;
    ++done.tables;
  }
  TRY(const Json end, next_line(source));
  if (end != Json::object({{"tables", done.tables}, {"rows", done.rows}})) {
    return fail(Code::kCorrupt, "the export does not end as it should");
  }
  TRY(const std::optional<std::string> more, source());
  if (more) return fail(Code::kCorrupt, "the export goes on after its end");
  return done;
}

Result<void> finish_import(Store& store) {
  return store.run([](Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute(fmt::format("DROP TABLE {}", kHalf)));
    return {};
  });
}

Result<void> refuse_half_import(Store& store) {
  return store.read([](Transaction& transaction) -> Result<void> {
    TRY(const bool half, has_table(transaction, kHalf));
    if (!half) return {};
    return fail(Code::kConflict,
                "an import into this database did not end well, so it may hold a part only; remove "
                "it and import again into a new one");
  });
}

}  // namespace keyturn::store
