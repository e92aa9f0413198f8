// Anchors: copies of the newest checkpoint in places that the log's machine shares with nothing
// else, such as a file on another disk. Who puts back an older copy of the whole data folder, with
// its checkpoint, is found by them. An anchor only ever moves forward, along one history.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/publisher.h"

namespace keyturn::ledger {

class Anchors {
 public:
  static constexpr std::size_t kFilesMax = 4;  // each is read and synced in every round

  // `files`: absolute paths. Their folders must exist: a disk that is away is not made up for.
  Anchors(const Publisher& publisher, std::vector<std::string> files)
      : publisher_(publisher), files_(std::move(files)) {}

  struct Round {
    Tree tree;                         // of the checkpoint that was written
    std::vector<std::string> written;  // files
    std::vector<std::string> faults;   // one for each file that is behind: why
    bool contradicted = false;         // one of them holds what this log does not begin with
  };
  // Whether the published log begins with what each anchor holds. Writes nothing.
  Round check() const;
  // Writes the newest checkpoint where it says more than what is there. `unsaid` entries are too
  // few to be worth it: recording a round must not be the reason for the next.
  Round advance(std::uint64_t unsaid) const;

 private:
  Result<std::optional<Checkpoint>> read(const std::string& file) const;
  // kCorrupt when the log does not begin with it.
  Result<void> compare(const std::string& file, const Checkpoint& kept, const Tree& now) const;
  Result<bool> advance(const std::string& file, const Tree& now, std::string_view note,
                       std::uint64_t unsaid) const;

  const Publisher& publisher_;
  const std::vector<std::string> files_;
};

}  // namespace keyturn::ledger
