// Who must have seen a checkpoint (c2sp.org/tlog-policy): logs, witnesses, groups of them, and the
// quorum. A value, read from a file that an operator or a verifier keeps.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/note.h"

namespace keyturn::ledger {

struct TrustPolicy {
  static constexpr std::size_t kNamesMax = 256;  // the specification asks for 32 of each kind
  struct Log {
    VerifierKey key;
    std::string url;  // empty: none given
  };
  struct Witness {
    std::string name;
    VerifierKey key;
    std::string url;
  };
  struct Group {
    std::string name;
    std::size_t needed = 0;
    std::vector<std::string> members;  // witnesses and groups defined before
  };
  std::vector<Log> logs;
  std::vector<Witness> witnesses;
  std::vector<Group> groups;
  std::string quorum;  // a witness or group; `none`: nobody needs to have seen it

  // kInvalid with the line.
  static Result<TrustPolicy> parse(std::string_view text);
  // Whether these witnesses, by their names, are enough.
  bool is_met(const std::set<std::string>& seen) const;
};

// The witnesses whose cosignatures are on a checkpoint, by their names in the policy. kCorrupt when
// one of them has a wrong signature there.
Result<std::set<std::string>> find_witnesses(std::string_view note, const TrustPolicy& policy);

}  // namespace keyturn::ledger
