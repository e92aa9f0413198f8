// A copy of a SQLite database while a server works on it (sqlite.org/backup.html): one consistent
// state, checked when it is done. Blocks: not on an event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace keyturn::store {

struct BackupFiles {
  std::string from;
  std::string to;  // must not exist; made with mode 0600
};
// Called now and then with pages copied and pages in all.
using BackupProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// kConflict when `to` exists; kCorrupt when the copy fails its integrity check. What was written of
// a copy that failed is the caller's to remove.
Result<void> back_up_sqlite(const BackupFiles& files, const BackupProgress& progress);

}  // namespace keyturn::store
