#include "store/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "store/sqlite_connection.h"

namespace keyturn::store {
namespace {

constexpr int kStepPages = 1'024;  // 4 MiB: some milliseconds between reports

// The copy and its name are on the disk.
Result<void> sync(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0 || ::fsync(descriptor) != 0) {
    const int code = errno;
    if (descriptor >= 0) ::close(descriptor);
    return fail(Code::kUnavailable, "sync `{}`: {}", path, std::strerror(code));
  }
  ::close(descriptor);
  return {};
}

Result<void> create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(errno == EEXIST ? Code::kConflict : Code::kUnavailable, "create `{}`: {}", path,
                std::strerror(errno));
  }
  ::close(descriptor);
  return {};
}

Result<void> copy(SqliteConnection& from, SqliteConnection& to, const BackupProgress& progress) {
  sqlite3_backup* const backup = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
  if (backup == nullptr) {
    return fail(Code::kUnavailable, "begin the copy: {}", sqlite3_errmsg(to.raw()));
  }
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup, kStepPages);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
    if (progress) {
      progress(total - static_cast<std::uint64_t>(sqlite3_backup_remaining(backup)), total);
    }
  }
  const int finished = sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE && finished == SQLITE_OK) return {};
  return fail((code & 0xFF) == SQLITE_FULL ? Code::kExhausted : Code::kUnavailable,
              "copy the database: {}", sqlite3_errstr(code == SQLITE_DONE ? finished : code));
}

}  // namespace

Result<void> back_up_sqlite(const BackupFiles& files, const BackupProgress& progress) {
  TRY_VOID(check_sqlite_version(sqlite3_libversion_number()));
  TRY(const auto from, SqliteConnection::open(files.from, SqliteConnection::Access::kReadOnly));
  // One state from here on, whatever is committed meanwhile; else each commit would begin it anew.
  TRY_VOID(from->control("BEGIN"));
  TRY_VOID(from->query("SELECT count(*) FROM sqlite_schema"));
  TRY_VOID(create(files.to));
  {
    TRY(const auto to, SqliteConnection::open(files.to, SqliteConnection::Access::kWrite));
    TRY_VOID(copy(*from, *to, progress));
    TRY(const Rows checked, to->query("PRAGMA integrity_check(1)"));
    if (checked.size() != 1 || checked[0].text(0) != "ok") {
      return fail(Code::kCorrupt,
                  "the copy fails its integrity check ({}); look at the database itself",
                  checked.empty() ? "no answer" : checked[0].text(0));
    }
  }
  TRY_VOID(sync(files.to, O_RDONLY));
  const std::size_t slash = files.to.rfind('/');
  return sync(slash == std::string::npos ? "." : files.to.substr(0, slash + 1),
              O_RDONLY | O_DIRECTORY);
}

}  // namespace keyturn::store
