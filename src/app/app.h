// The object graph: what a configuration becomes. Core is what commands that work on the data
// folder need; App is the whole server. Both own what they open, take it down in reverse, and hand
// references to constructors. Nothing here decides anything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "store/store.h"
#include "vault/vault.h"

namespace keyturn::app {

// `0.1.0`
std::string version();

// What comes from outside the process; outlives Core and App.
struct Needs {
  const Clock& clock;
  Random& random;
  Log& log;
  Metrics& metrics;
  vault::Environment environment;
  // The database, when it is not the configured one: a simulator's, which fails on purpose.
  std::function<Result<std::unique_ptr<store::Store>>(const Needs&)> open_store{};
};

// Whether the database holds anything yet, for which a new sealing key would be the wrong one. The
// data folder must exist.
Result<bool> has_records(const Config& config, const Needs& needs);

// Store, ledger, identity and vault over one database, which nobody else may write to meanwhile.
struct Core {
  // kConflict when a server holds it: those commands need it stopped.
  static Result<std::unique_ptr<Core>> open(const Config& config, const Needs& needs);

  // For what expires. Made first, since the others refer to it.
  std::unique_ptr<ForwardClock> forward;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<vault::Vault> vault;
};

// The tables of every room, also of those that only a server opens.
Result<void> prepare_rooms(Core& core, const Needs& needs);

// Who makes the tables of a PostgreSQL database, when that is not the server's role.
struct Owner {
  std::string url;          // a libpq connection string; empty: the configured one
  std::string server_role;  // gets what a server needs and no more; empty: no rights are touched
};
// Brings the tables of every room up to date; needs no key. kConflict when there
// is something to change while a server writes.
Result<void> migrate(const Config& config, const Needs& needs, const Owner& owner);

// What back_up() has copied.
struct Backup {
  ledger::Head head;        // of the copy
  std::uint64_t files = 0;  // of the published ledger
};
// A copy of the record in a new folder (mode 0700), also while a server works: the database in one
// state, and the published ledger derived from that copy under the newest signed checkpoint, then
// checked. Without the keys. kConflict when the folder exists, kInvalid for PostgreSQL.
Result<Backup> back_up(const Config& config, const Needs& needs, const std::string& folder,
                       const std::function<void(std::uint64_t, std::uint64_t)>& progress);

class App {
 public:
  // Opens everything, settles what a crash left open, and serves. Errors say what refused to start.
  static Result<std::unique_ptr<App>> start(const Config& config, const Needs& needs);
  virtual ~App() = default;

  virtual std::uint16_t api_port() const = 0;
  virtual std::uint16_t aws_port() const = 0;
  // Reads the policies anew. On an error the old ones stay in force. Blocks.
  virtual Result<void> reload_policies() = 0;
  // Stops accepting, finishes what runs, closes. Blocks, at most about `timeout` and a few seconds.
  virtual void stop(Duration timeout) = 0;
};

// Raises the limit of open files to what `connections` need, as far as the system allows.
void raise_file_limit(std::size_t connections);

}  // namespace keyturn::app
