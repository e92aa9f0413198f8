// write_log FOLDER COUNT: a published log of COUNT entries, for referees of other make. Prints its
// verifier key.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/random.h"
#include "ledger/ledger.h"
#include "ledger/publisher.h"

namespace keyturn::ledger {
namespace {

constexpr std::uint64_t kUnit = 5'000;
// Published in steps, so that there are partial tiles that later ones replace.
constexpr std::uint64_t kStep = 12'345;

Result<void> append(store::Store& store, Ledger& ledger, std::uint64_t from, std::uint64_t count) {
  return store.run([&](store::Transaction& transaction) -> Result<void> {
    for (std::uint64_t i = from; i < from + count; ++i) {
      const Json body = Json::object({{"seq", i}, {"verdict", i % 7 == 0 ? "hold" : "allow"}});
      TRY_VOID(ledger.append(transaction, "action.decided", body));
    }
    return {};
  });
}

Result<std::string> write_log(const std::string& folder, std::uint64_t count) {
  const SystemClock clock;
  SystemRandom random;
  StreamLog log(STDERR_FILENO, Level::kWarning, clock);
  Metrics metrics;
  TRY(const auto store, store::open_sqlite({.path = folder + "/keyturn.db"}, clock, log, metrics));
  TRY(const auto ledger, Ledger::open(*store, clock));
  TRY(LogKey key, LogKey::generate("ledger.example/referees", random));
  TRY(const auto publisher, Publisher::open(*ledger, std::move(key), folder + "/ledger", log));
  std::uint64_t unpublished = 0;
  for (std::uint64_t next = 0; next < count;) {
    const std::uint64_t now = std::min(kUnit, count - next);
    TRY_VOID(append(*store, *ledger, next, now));
    next += now;
    unpublished += now;
    if (unpublished < kStep && next < count) continue;
    TRY_VOID(publisher->publish());
    unpublished = 0;
  }
  return publisher->key().text();
}

}  // namespace
}  // namespace keyturn::ledger

int main(int count, char** arguments) {
  std::uint64_t entries = 0;
  const char* const number = count == 3 ? arguments[2] : "";
  const char* const end = number + std::strlen(number);
  if (std::from_chars(number, end, entries).ptr != end || entries == 0) {
    std::fputs("usage: write_log FOLDER COUNT\n", stderr);
    return 2;
  }
  const auto key = keyturn::ledger::write_log(arguments[1], entries);
  if (!key) {
    std::fputs((key.error().message + "\n").c_str(), stderr);
    return 1;
  }
  std::puts(key->c_str());
  return 0;
}
