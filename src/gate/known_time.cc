#include "gate/known_time.h"

#include <algorithm>

namespace keyturn::gate {
namespace {

// A ledger in use holds a decision every few entries.
constexpr std::uint64_t kLookBackEntries = 500;
constexpr std::size_t kLookBackPagesMax = 200;

constexpr const char* kClockAccepted = "clock.accepted";

Result<Time> read_written(store::Store& store) {
  Time latest = Time::min();
  TRY_VOID(store.read([&latest](store::Transaction& transaction) -> Result<void> {
    TRY(const store::Rows rows, transaction.query("SELECT latest FROM gate_clock WHERE id = 1"));
    if (!rows.empty()) latest = from_micros(rows.front().integer(0));
    return {};
  }));
  return latest;
}

}  // namespace

Result<KnownTime> read_known_time(store::Store& store, const ledger::Ledger& ledger) {
  KnownTime known;
  TRY(const Time written, read_written(store));
  known.latest = written;
  TRY(const ledger::Head head, ledger.head());
  std::uint64_t end = head.size;
  for (std::size_t page = 0; end > 0 && page < kLookBackPagesMax; ++page) {
    const std::uint64_t begin = end > kLookBackEntries ? end - kLookBackEntries : 0;
    TRY(const auto entries, ledger.read(begin, static_cast<std::size_t>(end - begin)));
    for (const ledger::Entry& entry : entries) {
      if (entry.kind == kClockAccepted) {  // what came before says nothing of the time
        known = {.decided = entry.time, .latest = std::max(written, entry.time)};
        continue;
      }
      known.latest = std::max(known.latest, entry.time);
      if (entry.kind == "action.decided") {
        known.decided = std::max(known.decided.value_or(entry.time), entry.time);
      }
    }
    if (known.decided) return known;
    end = begin;
  }
  // Not among the latest: the oldest that was looked at came after it.
  if (end == 0) return known;
  TRY(const auto entries, ledger.read(end, 1));
  if (entries.empty()) return fail(Code::kCorrupt, "the ledger lacks entry {}", end);
  known.decided = entries.front().time;
  return known;
}

Result<void> write_known_time(store::Transaction& transaction, Time now) {
  TRY_VOID(transaction.execute("UPDATE gate_clock SET latest = ?1 WHERE id = 1 AND latest < ?1",
                               {to_micros(now)}));
  return {};
}

Result<void> accept_clock(store::Store& store, ledger::Ledger& ledger, const KnownTime& known,
                          Time now) {
  const Json body =
      Json::object({{"now", format_time(now)}, {"latest", format_time(known.latest)}});
  return store.run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(
        transaction.execute("UPDATE gate_clock SET latest = ?1 WHERE id = 1", {to_micros(now)}));
    TRY_VOID(ledger.append(transaction, kClockAccepted, body));
    return {};
  });
}

}  // namespace keyturn::gate
