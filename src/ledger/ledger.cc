#include "ledger/ledger.h"

#include <atomic>
#include <mutex>
#include <optional>

#include "ledger/contents.h"
#include "ledger/tree.h"
#include "store/news.h"

namespace keyturn::ledger {
namespace {

using store::Row;
using store::Rows;
using store::Transaction;

constexpr std::size_t kReadEntriesMax = 1'000;  // of at most 64 KiB each
constexpr std::size_t kKindBytesMax = 64;

// Entries are only ever added, at the end. The triggers hold that against a defect of ours; against
// who can write the file, published checkpoints do.
std::vector<store::Migration> sqlite_migrations() {
  return {
      {1,
       {"CREATE TABLE ledger_entries (entry_index INTEGER PRIMARY KEY, time INTEGER NOT NULL, "
        "kind TEXT NOT NULL, text TEXT NOT NULL, leaf BLOB NOT NULL) STRICT",
        "CREATE TABLE ledger_head (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, "
        "edge BLOB NOT NULL) STRICT",
        "INSERT INTO ledger_head (id, size, edge) VALUES (1, 0, x'')",
        "CREATE TRIGGER ledger_entries_insert BEFORE INSERT ON ledger_entries "
        "WHEN NEW.entry_index <> (SELECT coalesce(max(entry_index) + 1, 0) FROM ledger_entries) "
        "BEGIN SELECT RAISE(ABORT, 'ledger entries are only added at the end'); END",
        "CREATE TRIGGER ledger_entries_update BEFORE UPDATE ON ledger_entries "
        "BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END",
        "CREATE TRIGGER ledger_entries_delete BEFORE DELETE ON ledger_entries "
        "BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END",
        "CREATE TRIGGER ledger_head_update BEFORE UPDATE ON ledger_head "
        "WHEN NEW.id <> 1 OR NEW.size < OLD.size "
        "BEGIN SELECT RAISE(ABORT, 'the ledger never shrinks'); END",
        "CREATE TRIGGER ledger_head_delete BEFORE DELETE ON ledger_head "
        "BEGIN SELECT RAISE(ABORT, 'the ledger never shrinks'); END"}},
      {2, {contents_table(store::Engine::kSqlite)}}};
}

std::string refusing_trigger(std::string_view name, std::string_view when, std::string_view each,
                             std::string_view condition, std::string_view message) {
  return fmt::format(
      "CREATE TRIGGER {} BEFORE {} FOR EACH {} {}EXECUTE FUNCTION ledger_refuse('{}')", name, when,
      each, condition, message);
}

// The same, and against TRUNCATE, which SQLite does not have.
std::vector<store::Migration> postgres_migrations() {
  const std::string_view shrinks = "the ledger never shrinks";
  const std::string_view deleted = "ledger entries are never deleted";
  return {
      {1,
       {"CREATE TABLE ledger_entries (entry_index BIGINT PRIMARY KEY, time BIGINT NOT NULL, "
        "kind TEXT NOT NULL, text TEXT NOT NULL, leaf BYTEA NOT NULL)",
        "CREATE TABLE ledger_head (id BIGINT PRIMARY KEY CHECK (id = 1), size BIGINT NOT NULL, "
        "edge BYTEA NOT NULL)",
        "INSERT INTO ledger_head (id, size, edge) VALUES (1, 0, ''::bytea)",
        "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''%'', TG_ARGV[0]; END'",
        "CREATE FUNCTION ledger_check_next() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN IF NEW.entry_index <> (SELECT coalesce(max(entry_index) + 1, 0) FROM "
        "ledger_entries) THEN RAISE EXCEPTION ''ledger entries are only added at the end''; "
        "END IF; RETURN NEW; END'",
        "CREATE TRIGGER ledger_entries_insert BEFORE INSERT ON ledger_entries FOR EACH ROW "
        "EXECUTE FUNCTION ledger_check_next()",
        refusing_trigger("ledger_entries_update", "UPDATE ON ledger_entries", "ROW", "",
                         "ledger entries are never changed"),
        refusing_trigger("ledger_entries_delete", "DELETE ON ledger_entries", "ROW", "", deleted),
        refusing_trigger("ledger_entries_truncate", "TRUNCATE ON ledger_entries", "STATEMENT", "",
                         deleted),
        refusing_trigger("ledger_head_update", "UPDATE ON ledger_head", "ROW",
                         "WHEN (NEW.id <> 1 OR NEW.size < OLD.size) ", shrinks),
        refusing_trigger("ledger_head_delete", "DELETE ON ledger_head", "ROW", "", shrinks),
        refusing_trigger("ledger_head_truncate", "TRUNCATE ON ledger_head", "STATEMENT", "",
                         shrinks)}},
      {2, {contents_table(store::Engine::kPostgres)}}};
}

bool is_kind(std::string_view kind) {
  if (kind.empty() || kind.size() > kKindBytesMax) return false;
  return kind.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos;
}

// What follows the body in an entry's text.
std::string text_after_body(std::uint64_t index, std::string_view kind, Time time) {
  return fmt::format(R"(,"index":{},"kind":"{}","time":"{}","v":1}})", index, kind,
                     format_time(time));
}

Result<RightEdge> read_head(Transaction& transaction) {
  TRY(const Rows rows, transaction.query("SELECT size, edge FROM ledger_head"));
  if (rows.size() != 1 || rows[0].integer(0) < 0) {
    return fail(Code::kCorrupt, "the ledger's head is missing");
  }
  return RightEdge::from_bytes(static_cast<std::uint64_t>(rows[0].integer(0)), rows[0].blob(1));
}

// How many entries there are, by their last index.
Result<std::uint64_t> count_entries(Transaction& transaction) {
  TRY(const Rows rows, transaction.query("SELECT max(entry_index) FROM ledger_entries"));
  return rows[0].is_null(0) ? 0 : static_cast<std::uint64_t>(rows[0].integer(0)) + 1;
}

// Takes the leaves that were appended since the head was written into the tree.
Result<RightEdge> integrate(Transaction& transaction) {
  TRY(RightEdge edge, read_head(transaction));
  const std::uint64_t before = edge.size();
  TRY(const Rows rows,
      transaction.query("SELECT entry_index, leaf FROM ledger_entries WHERE entry_index >= ?1 "
                        "ORDER BY entry_index",
                        {static_cast<std::int64_t>(before)}));
  for (const Row& row : rows) {
    if (static_cast<std::uint64_t>(row.integer(0)) != edge.size()) {
      return fail(Code::kCorrupt, "the ledger lacks entry {}", edge.size());
    }
    TRY(const Digest leaf, Digest::from_bytes(row.blob(1)));
    edge.append(leaf);
  }
  if (edge.size() > before) {
    TRY_VOID(
        transaction.execute("UPDATE ledger_head SET size = ?1, edge = ?2",
                            {static_cast<std::int64_t>(edge.size()), store::Blob{edge.bytes()}}));
  }
  return edge;
}

Result<Entry> to_entry(const Row& row) {
  Entry entry;
  entry.index = static_cast<std::uint64_t>(row.integer(0));
  entry.time = from_micros(row.integer(1));
  entry.kind = row.text(2);
  entry.text = row.text(3);
  TRY(entry.leaf,
      context(Digest::from_bytes(row.blob(4)), fmt::format("ledger entry {}", entry.index)));
  return entry;
}

Result<std::vector<Entry>> read_entries(Transaction& transaction, std::uint64_t from,
                                        std::size_t limit) {
  std::vector<Entry> entries;
  if (from > INT64_MAX) return entries;
  TRY(const Rows rows,
      transaction.query("SELECT entry_index, time, kind, text, leaf FROM ledger_entries "
                        "WHERE entry_index >= ?1 ORDER BY entry_index LIMIT ?2",
                        {static_cast<std::int64_t>(from),
                         static_cast<std::int64_t>(std::min(limit, kReadEntriesMax))}));
  entries.reserve(rows.size());
  for (const Row& row : rows) {
    TRY(Entry entry, to_entry(row));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> check_entry(const Entry& entry, std::uint64_t expected) {
  if (entry.index != expected) return fail(Code::kCorrupt, "ledger entry {} is missing", expected);
  if (leaf_hash(entry.text) != entry.leaf) {
    return fail(Code::kCorrupt, "ledger entry {} is not what its leaf hash says", expected);
  }
  const bool agrees = entry.text.starts_with(R"({"body":)") &&
                      entry.text.ends_with(text_after_body(entry.index, entry.kind, entry.time));
  if (!agrees) {
    return fail(Code::kCorrupt, "ledger entry {} is listed under another index, kind or time",
                expected);
  }
  return {};
}

}  // namespace

// Shared with the store's batch step, which may outlive the Ledger by the units that are still
// queued.
struct Ledger::State {
  // Set by append, on the writer thread; most batches append, and the others need no head.
  bool appended = false;
  bool awaited = false;  // the same, of an entry that others may wait for
  // What append wrote last, and when that holds no more. The writer thread's.
  std::uint64_t next = 0;
  std::optional<std::uint64_t> generation;
  std::uint64_t size_announced = 0;  // the writer thread's
  std::uint64_t size_integrated = 0;
  std::mutex mutex;  // guards listeners
  std::vector<std::function<void(std::uint64_t)>> listeners;

  Result<void> step(Transaction& transaction) {
    if (!std::exchange(appended, false)) return {};
    TRY(const RightEdge edge, integrate(transaction));
    size_integrated = edge.size();
    return std::exchange(awaited, false) ? store::announce(transaction) : Result<void>();
  }

  void committed(const Result<void>& result) {
    appended = false;
    awaited = false;
    if (!result || size_integrated == size_announced) {
      size_integrated = size_announced;
      return;
    }
    size_announced = size_integrated;
    std::vector<std::function<void(std::uint64_t)>> now;
    {
      const std::lock_guard lock(mutex);
      now = listeners;
    }
    for (const auto& listener : now) listener(size_announced);
  }
};

Ledger::Ledger(store::Store& store, const Clock& clock, std::shared_ptr<State> state)
    : store_(store), clock_(clock), state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(store::Store& store, const Clock& clock) {
  const bool sqlite = store.engine() == store::Engine::kSqlite;
  TRY_VOID(context(store.migrate("ledger", sqlite ? sqlite_migrations() : postgres_migrations()),
                   "open the ledger"));
  std::uint64_t size = 0;
  const auto check = [&size](Transaction& transaction) -> Result<void> {
    TRY(const RightEdge edge, read_head(transaction));
    TRY(const std::uint64_t count, count_entries(transaction));
    if (edge.size() != count) {
      return fail(Code::kCorrupt, "the ledger has {} entries, but its head says {}", count,
                  edge.size());
    }
    size = count;
    return {};
  };
  TRY_VOID(context(store.read(check), "open the ledger"));
  auto state = std::make_shared<State>();
  state->size_announced = size;
  state->size_integrated = size;
  store.set_batch_step([state](Transaction& transaction) { return state->step(transaction); },
                       [state](Result<void> result) { state->committed(result); });
  return std::make_unique<Ledger>(store, clock, std::move(state));
}

Result<std::uint64_t> Ledger::append(Transaction& transaction, std::string_view kind,
                                     const Json& body) {
  return append_canonical(transaction, kind, to_canonical(body));
}

Result<std::uint64_t> Ledger::append_canonical(Transaction& transaction, std::string_view kind,
                                               std::string_view body) {
  if (!is_kind(kind)) {
    return fail(Code::kInvalid, "`{}` is no kind of ledger entry", printable(kind, 64));
  }
  // The table says which index is next, so that a unit that is undone gives its indices back.
  std::uint64_t index = state_->next;
  const auto generation = transaction.generation();
  if (!generation || state_->generation != generation) {
    TRY(index, count_entries(transaction));
  }
  const Time time = clock_.now();
  std::string text = R"({"body":)";
  text += body;
  text += text_after_body(index, kind, time);
  if (text.size() > kEntryBytesMax) {
    return fail(Code::kExhausted, "a ledger entry of {} bytes is too long; at most {} fit",
                text.size(), kEntryBytesMax);
  }
  const Digest leaf = leaf_hash(text);
  state_->appended = true;
  state_->awaited = state_->awaited || !kind.starts_with("action.");
  const auto inserted = transaction.execute(
      "INSERT INTO ledger_entries (entry_index, time, kind, text, leaf) VALUES (?1, ?2, ?3, ?4, "
      "?5)",
      {static_cast<std::int64_t>(index), to_micros(time), std::string(kind), std::move(text),
       store::Blob{std::string(leaf.view())}});
  if (!inserted) return fail(Error(inserted.error()).context("append to the ledger"));
  state_->next = index + 1;
  state_->generation = generation;
  return index;
}

Result<std::vector<Entry>> Ledger::read(std::uint64_t from, std::size_t limit) const {
  std::vector<Entry> entries;
  TRY_VOID(store_.read([&](Transaction& transaction) -> Result<void> {
    TRY(entries, read_entries(transaction, from, limit));
    return {};
  }));
  return entries;
}

Result<Head> Ledger::head() const {
  Head head;
  TRY_VOID(store_.read([&](Transaction& transaction) -> Result<void> {
    TRY(const RightEdge edge, read_head(transaction));
    head = {edge.size(), edge.root()};
    return {};
  }));
  return head;
}

Result<Head> Ledger::verify() const {
  TRY(const Head stored, head());
  RightEdge edge;
  while (edge.size() < stored.size) {
    TRY(const std::vector<Entry> entries, read(edge.size(), kReadEntriesMax));
    if (entries.empty()) {
      return fail(Code::kCorrupt, "ledger entry {} is missing", edge.size());
    }
    for (const Entry& entry : entries) {
      if (edge.size() == stored.size) break;  // appended since we took the head
      TRY_VOID(check_entry(entry, edge.size()));
      edge.append(entry.leaf);
    }
  }
  if (edge.root() != stored.root) {
    return fail(Code::kCorrupt,
                "the ledger's {} entries have the root {}, but its head says {}: entries were "
                "replaced together with their leaf hashes",
                stored.size, edge.root().hex(), stored.root.hex());
  }
  return stored;
}

void Ledger::on_appended(std::function<void(std::uint64_t size)> listener) {
  const std::lock_guard lock(state_->mutex);
  state_->listeners.push_back(std::move(listener));
}

}  // namespace keyturn::ledger
