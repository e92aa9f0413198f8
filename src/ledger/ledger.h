// The append-only, tamper-evident log of everything that was decided and done. Entries are
// canonical JSON (RFC 8785); leaves and nodes are hashed as RFC 6962 says. Appending happens inside
// the caller's transaction, so an entry exists exactly when what it records does. Reading is from
// any thread. The bytes are pinned in docs/format/ledger.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace keyturn::ledger {

// A log entry is at most this long (C2SP tlog-tiles: a u16 length). Larger content is kept
// elsewhere under its digest.
inline constexpr std::size_t kEntryBytesMax = 65'535;

struct Entry {
  std::uint64_t index = 0;
  Time time;
  std::string kind;  // `action.decided`
  std::string
      text;     // the canonical JSON that is hashed: {"body":…,"index":…,"kind":…,"time":…,"v":1}
  Digest leaf;  // SHA-256(0x00 || text)
};

struct Head {
  std::uint64_t size = 0;
  Digest root;  // RFC 6962 section 2.1
};

class Ledger {
 public:
  // Creates its tables and takes the store's batch step. kCorrupt when stored state contradicts
  // itself.
  static Result<std::unique_ptr<Ledger>> open(store::Store& store, const Clock& clock);

  // Appends within a unit of work of the store; returns the entry's index, which holds if the unit
  // commits. `kind` is of a-z, `_` and `.`. kExhausted when `body` is too large; kInvalid when a
  // text in it is not UTF-8.
  Result<std::uint64_t> append(store::Transaction& transaction, std::string_view kind,
                               const Json& body);
  // The same with a body that is canonical JSON (RFC 8785) already.
  Result<std::uint64_t> append_canonical(store::Transaction& transaction, std::string_view kind,
                                         std::string_view body);

  // Up to `limit` entries (1,000 at most) from `from` on, oldest first.
  Result<std::vector<Entry>> read(std::uint64_t from, std::size_t limit) const;
  Result<Head> head() const;
  // Recomputes every leaf and the root from the stored texts. kCorrupt names the first bad index.
  // Takes time: not on an event loop.
  Result<Head> verify() const;
  // Called after each commit that appended, with the new size, on the writer thread, before the
  // units are answered; must not block. There may be several listeners; none is ever removed.
  void on_appended(std::function<void(std::uint64_t size)> listener);

 private:
  struct State;

 public:
  // For open() alone: nobody else can name a State.
  Ledger(store::Store& store, const Clock& clock, std::shared_ptr<State> state);
  ~Ledger();

 private:
  store::Store& store_;
  const Clock& clock_;
  std::shared_ptr<State> state_;  // shared with the store's batch step, which may outlive this
};

}  // namespace keyturn::ledger
