// Anchors: copies of the newest checkpoint in places that the log's machine shares with nothing
// else, such as a file on another disk or locked objects in a bucket. Who puts back an older copy
// of the whole data folder, with its checkpoint, is found by them. An anchor only ever moves
// forward, along one history.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/publisher.h"

namespace keyturn::ledger {

// Where an anchor is kept. Blocks.
class AnchorPlace {
 public:
  virtual ~AnchorPlace() = default;
  virtual const std::string& name() const = 0;  // as the operator gave it
  // The newest checkpoint that was written; nothing before the first. kUnavailable when the place
  // is away.
  virtual Result<std::optional<std::string>> read() const = 0;
  virtual Result<void> write(std::string_view checkpoint, std::uint64_t size) const = 0;
};
// `path` is absolute. Its folder must exist: a disk that is away is not made up for.
std::unique_ptr<AnchorPlace> anchor_file(std::string path);

class Anchors {
 public:
  using Places = std::vector<std::unique_ptr<AnchorPlace>>;
  static constexpr std::size_t kPlacesMax = 4;  // each is read and written in every round

  Anchors(const Publisher& publisher, Places places)
      : publisher_(publisher), places_(std::move(places)) {}

  struct Round {
    Tree tree;                         // of the checkpoint that was written
    std::vector<std::string> written;  // names of places
    std::vector<std::string> faults;   // one for each place that is behind: why
    bool contradicted = false;         // one of them holds what this log does not begin with
  };
  // Whether the published log begins with what each anchor holds. Writes nothing.
  Round check() const;
  // Writes the newest checkpoint where it says more than what is there. `unsaid` entries are too
  // few to be worth it: recording a round must not be the reason for the next.
  Round advance(std::uint64_t unsaid) const;

 private:
  Result<std::optional<Checkpoint>> read(const AnchorPlace& place) const;
  // kCorrupt when the log does not begin with it.
  Result<void> compare(const AnchorPlace& place, const Checkpoint& kept, const Tree& now) const;
  Result<bool> advance(const AnchorPlace& place, const Tree& now, std::string_view note,
                       std::uint64_t unsaid) const;

  const Publisher& publisher_;
  const Places places_;
};

}  // namespace keyturn::ledger
