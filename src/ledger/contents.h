// What is kept beside the log: the large or secret parts of what an entry records, each under its
// SHA-256, which the entry holds. They can be erased without breaking the log: what was hashed
// stays, and who still has a content can show that it is the one. The rows belong to their entry;
// several entries may keep the same content. All within the caller's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/store.h"

namespace keyturn::ledger {

// More is named by its digest alone: every request's content stays until somebody erases it.
inline constexpr std::size_t kContentBytesMax = std::size_t{256} << 10U;

struct Content {
  Digest digest;  // SHA-256 of the text
  std::string text;
};

// The table, for the ledger's migrations.
std::string contents_table(store::Engine engine);

// Of an entry that was appended in the same unit of work.
Result<void> keep_content(store::Transaction& transaction, std::uint64_t index,
                          const Content& content);
// By digest. kCorrupt when a text is not what its digest says.
Result<std::vector<Content>> load_contents(store::Transaction& transaction, std::uint64_t index);
// The entries that keep one of these contents, the first `limit`. Reads the whole table.
Result<std::vector<std::uint64_t>> find_entries_with(store::Transaction& transaction,
                                                     const std::vector<Content>& contents,
                                                     std::size_t limit);
// Whether it was there.
Result<bool> erase_content(store::Transaction& transaction, std::uint64_t index,
                           const Digest& digest);

}  // namespace keyturn::ledger
