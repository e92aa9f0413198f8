// The simulator: a whole gateway, wired as the server wires it, in virtual time against scripted
// clients, reviewers, upstream and disk, with faults drawn from a seed. The same seed gives the
// same run, byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aws/aws.h"
#include "base/bytes.h"
#include "base/result.h"

namespace keyturn::sim {

// A part that is broken on purpose, so that a test sees the check that must notice.
enum class Broken {
  kNothing,
  kHeldForEver,        // timers never ring
  kForwardsFirst,      // it says that an answer is recorded before it is
  kAcknowledgesEarly,  // the store says committed before it is
  kGrantStaysGood,     // using a grant does not use it up
  kLedgerAltered,      // an entry is another one than was hashed
  kOutcomeForgotten,   // outcomes are not recorded
  kErrorLogged,        // an error-level line
  kForked,             // a gateway beside another writes a history of its own
  kUnaware,            // gateways do not know that they share a database
  kNotLocked,          // a second gateway may have the first one's data folder
  kLimitless,          // more requests of a session wait than may
  kCopiesPass,         // what was sent is carried out again when a copy comes
  kUnseeded,           // chance that does not come from the seed
};

struct Options {
  std::uint64_t seed = 0;
  std::string scratch = "/dev/shm";  // a folder of the run is made in it, and removed
  Broken broken = Broken::kNothing;
  std::shared_ptr<const aws::Model> model{};  // null: loaded for each run, which takes long
};

struct Report {
  std::vector<std::string> faults;  // what did not hold; empty: all well
  std::string trace;                // for people
  Digest digest;                    // of the trace
  std::uint64_t steps = 0;
  std::uint64_t lives = 0;  // of the gateway
  std::uint64_t entries = 0;
  std::uint64_t calls = 0;  // that reached upstream
  std::uint64_t grants_used = 0;
};

Report run(const Options& options);

}  // namespace keyturn::sim
