// A receipt: one entry, its place in the log, and the signed checkpoint that covers it, in a file
// that anyone can verify later without us (c2sp.org/tlog-proof). The entry itself stands in the
// `extra` line; it is vouched for by the path, as its hash is what the path begins with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/tile_reader.h"

namespace keyturn::ledger {

struct Receipt {
  static constexpr std::size_t kBytesMax = Note::kBytesMax + (std::size_t{128} << 10U);
  std::uint64_t index = 0;
  std::string entry;  // empty when the file has no `extra` line
  Proof path;
  std::string checkpoint;  // the whole note

  std::string text() const;
  // kInvalid says which line is wrong.
  static Result<Receipt> parse(std::string_view text);
};

// From a log's files. kNotFound when the checkpoint does not cover the entry yet. What it returns
// has been verified.
Result<Receipt> make_receipt(std::uint64_t index, const ReadFile& read, const VerifierKey& key);

// The checkpoint that vouches for it. kInvalid, kDenied (other key) or kCorrupt.
Result<Checkpoint> verify_receipt(const Receipt& receipt, const VerifierKey& key);

}  // namespace keyturn::ledger
