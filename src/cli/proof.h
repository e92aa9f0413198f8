// The ledger's arithmetic, done again on this side: RFC 6962 section 2.1 over the entries as they
// came, so that a server's word is not needed. Written apart from the ledger room on purpose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace keyturn::cli {

// The tree's hash as leaves are added.
class TreeHash {
 public:
  void add(std::string_view entry);
  std::uint64_t size() const { return size_; }
  Digest root() const;

 private:
  struct Peak {
    Digest hash;
    std::uint64_t leaves = 0;
  };
  std::vector<Peak> peaks_;  // perfect subtrees, the largest first; at most 64
  std::uint64_t size_ = 0;
};

// One entry as the API gives it: its text hashes to its leaf, and says the index and kind it is
// listed under. Errors: kCorrupt names the index.
Result<std::string> check_entry(const Json& entry, std::uint64_t index);

// `SIZE:ROOT`, as `ledger verify` prints it.
struct NotedHead {
  std::uint64_t size = 0;
  Digest root;
};
Result<NotedHead> parse_head(const std::string& text);

}  // namespace keyturn::cli
