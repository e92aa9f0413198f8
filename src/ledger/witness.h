// Asks witnesses to cosign the published checkpoint (c2sp.org/tlog-witness). Runs on a thread of
// its own that may wait for the network; nothing waits for it. What a witness answers is believed
// only as far as its signature goes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/publisher.h"
#include "ledger/trust_policy.h"

namespace keyturn::ledger {

class Witnesses {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };
  // POSTs `body` to a URL, within a deadline.
  using Post = std::function<Result<Answer>(const std::string& url, const std::string& body)>;

  // What came of asking once.
  struct Round {
    std::uint64_t size = 0;           // of the checkpoint that was asked about
    bool met = false;                 // the quorum has cosigned it
    std::vector<std::string> faults;  // of witnesses that did not, each with its name
    // A witness has proof of another history under this log's name: kept for the operator.
    bool contradicted = false;
  };

  Witnesses(Publisher& publisher, TrustPolicy policy, Post post)
      : publisher_(publisher), policy_(std::move(policy)), post_(std::move(post)) {}
  // Asks those who have not cosigned the newest checkpoint yet, and publishes it with their
  // cosignatures when they are enough.
  Result<Round> ask();

 private:
  Result<std::string> ask_one(const TrustPolicy::Witness& witness, const std::string& note,
                              const Checkpoint& checkpoint);
  Result<std::string> read_cosignature(const TrustPolicy::Witness& witness, const std::string& note,
                                       const std::string& body) const;

  Publisher& publisher_;
  const TrustPolicy policy_;
  const Post post_;
  std::map<std::string, std::uint64_t> latest_;  // by witness, as far as we know
};

}  // namespace keyturn::ledger
