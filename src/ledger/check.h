// Whether a log's files say the truth: among themselves, under their checkpoint, and against the
// ledger they came from. Messages name the file and the entry. Reads everything: not on an event
// loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/builder.h"
#include "ledger/ledger.h"
#include "ledger/log_folder.h"
#include "ledger/note.h"
#include "ledger/tile_reader.h"

namespace keyturn::ledger {

// Reads a published checkpoint. kDenied when the key did not sign it, kCorrupt when it is damaged
// or of another log. `what` names it in messages.
Result<Checkpoint> read_checkpoint(std::string_view note, const VerifierKey& key,
                                   std::string_view what);

// Hands the ledger's entries from where the builder stands up to `size` to it. kCorrupt names the
// first entry that is missing or not what its hash says.
Result<void> feed(const Ledger& ledger, std::uint64_t size, TileBuilder& builder,
                  const TileBuilder::Sink& sink);

// A log from its files alone: every entry is hashed, every tile and the root are derived again.
// With a checkpoint that was kept, the log must also begin with that one's entries. `read` is
// called by several threads at once. kCorrupt, or kNotFound for a missing file.
Result<Checkpoint> check_log(const ReadFile& read, const VerifierKey& key,
                             const std::optional<Checkpoint>& kept);

// What lies in the folder besides the files that check_log() read. Superseded partial files must be
// the beginnings of what replaced them: kCorrupt. What no log has, or what the checkpoint does not
// cover yet, is returned.
Result<std::vector<std::string>> check_other_files(const LogFolder& folder, std::uint64_t size);

// Derives every file again from the ledger and compares.
enum class Repair { kNo, kYes };
struct Fsck {
  static constexpr std::size_t kProblemsMax = 100;  // more say no more
  Tree tree;                                        // of the checkpoint
  std::uint64_t files = 0;
  std::uint64_t repaired = 0;  // those that were written again
  std::vector<std::string> problems;
};
// kCorrupt when the ledger itself, or its root, is wrong: that, no repair of files mends.
Result<Fsck> fsck(const Ledger& ledger, LogFolder& folder, const VerifierKey& key, Repair repair);

}  // namespace keyturn::ledger
