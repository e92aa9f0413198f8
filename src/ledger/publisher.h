// Publishes the ledger as files: tiles, entry bundles, and a signed checkpoint that is written
// last. The files may lag behind the store and never lead it; the checkpoint never goes back, and
// no two of one size differ. Nothing waits for it: when it fails, the ledger goes on and the next
// call catches up. Any thread; calls take turns.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "ledger/builder.h"
#include "ledger/ledger.h"
#include "ledger/log_folder.h"
#include "ledger/log_key.h"

namespace keyturn::ledger {

class Publisher {
 public:
  // Goes on where the folder's checkpoint stands. kCorrupt when that contradicts the ledger: the
  // message says how, and what to do. Damaged partial tiles are made again from the ledger.
  static Result<std::unique_ptr<Publisher>> open(const Ledger& ledger, LogKey key,
                                                 std::string folder, Log& log);

  // Publishes what is committed. kCorrupt: the ledger contradicts itself, nothing was signed.
  Result<Tree> publish();
  Tree published() const;
  // The checkpoint as published, with the cosignatures it has; empty before the first.
  std::string checkpoint() const;
  // Adds cosignature lines, which the caller has verified, to the checkpoint they are for. When it
  // is still the newest one, the published one gets them too.
  Result<void> add_cosignatures(std::string_view note, const std::vector<std::string>& lines);

  // A proof that the log of the newest checkpoint begins with that of `older`.
  Result<Proof> prove_since(std::uint64_t older, std::uint64_t newer) const;
  const VerifierKey& key() const { return key_.verifier(); }
  const std::string& folder() const { return folder_.path(); }

  // For open() alone.
  Publisher(const Ledger& ledger, LogKey key, std::string folder, Log& log)
      : ledger_(ledger), key_(std::move(key)), folder_(std::move(folder)), log_(log) {}

 private:
  Result<void> resume();
  Result<void> rebuild(const Checkpoint& checkpoint, const Error& why);
  Result<void> write_checkpoint(const Tree& tree);

  const Ledger& ledger_;
  const LogKey key_;
  mutable std::mutex mutex_;  // guards everything below
  LogFolder folder_;
  Log& log_;
  TileBuilder builder_;
  Tree published_;
  bool has_checkpoint_ = false;
  std::string checkpoint_;
};

}  // namespace keyturn::ledger
