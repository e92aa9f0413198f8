#include "store/backup.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/app.h"
#include "app/folder.h"
#include "ledger/check.h"

namespace keyturn::app {
namespace {

// Removes what was begun unless it was finished.
class Unfinished {
 public:
  explicit Unfinished(std::string folder) : folder_(std::move(folder)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void finish() { folder_.clear(); }

 private:
  std::string folder_;
};

// The signed checkpoints; the files under them are derived again from the copy of the database.
Result<bool> copy_checkpoints(const std::string& from, ledger::LogFolder& to) {
  const ledger::LogFolder source(from);
  bool published = false;
  for (const char* name : {ledger::kWitnessedFile, ledger::kCheckpointFile}) {
    const auto note = source.read(name);
    if (!note && note.error().code == Code::kNotFound) continue;
    if (!note) return fail(Error(note.error()));
    TRY_VOID(to.write(name, *note));
    published = true;
  }
  TRY_VOID(to.sync());
  return published;
}

Result<Backup> check_copy(const Config& config, const Needs& needs, const std::string& folder,
                          ledger::LogFolder& files, bool published) {
  TRY(const auto store, store::open_sqlite({.path = database_file(folder), .read_connections = 1},
                                           needs.clock, needs.log, needs.metrics));
  TRY(const auto ledger, ledger::Ledger::open(*store, needs.clock));
  Backup backup;
  if (!published) {
    TRY(backup.head, ledger->verify());
    return backup;
  }
  TRY(const ledger::LogKey key, read_ledger_key(config.data_path));
  TRY_VOID(ledger::fsck(*ledger, files, key.verifier(), ledger::Repair::kYes));
  TRY(const ledger::Fsck report, ledger::fsck(*ledger, files, key.verifier(), ledger::Repair::kNo));
  if (!report.problems.empty()) return fail(Code::kCorrupt, "{}", report.problems.front());
  backup.files = report.files;
  TRY(backup.head, ledger->head());
  return backup;
}

}  // namespace

Result<Backup> back_up(const Config& config, const Needs& needs, const std::string& folder,
                       const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  if (!config.postgres.empty()) {
    return fail(Code::kInvalid,
                "the record is in PostgreSQL: back that up with its own tools (pg_basebackup, "
                "pg_dump), or stop the server and run `keyturn store export`");
  }
  if (!std::filesystem::exists(database_file(config.data_path))) {
    return fail(Code::kNotFound, "`{}` holds no database", config.data_path);
  }
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return fail(errno == EEXIST ? Code::kConflict : Code::kUnavailable, "create `{}`: {}", folder,
                std::strerror(errno));
  }
  Unfinished unfinished(folder);
  // The checkpoint first: the database never holds less than was signed before.
  ledger::LogFolder files(ledger_folder(folder));
  TRY(const bool published, copy_checkpoints(ledger_folder(config.data_path), files));
  TRY_VOID(store::back_up_sqlite(
      {.from = database_file(config.data_path), .to = database_file(folder)}, progress));
  TRY(Backup backup,
      context(check_copy(config, needs, folder, files, published), "the backup is not good"));
  unfinished.finish();
  return backup;
}

}  // namespace keyturn::app
