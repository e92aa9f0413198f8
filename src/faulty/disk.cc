#include "faulty/disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "faulty/disk_methods.h"

namespace keyturn::faulty {
namespace {

// Put back what stood there; the newest first.
void undo(std::string& content, const Disk::File::Before& before) {
  content.resize(
      std::max(content.size(), static_cast<std::size_t>(before.offset) + before.bytes.size()));
  std::copy(before.bytes.begin(), before.bytes.end(), content.begin() + before.offset);
  content.resize(static_cast<std::size_t>(before.size));
}

}  // namespace

Disk::Disk(std::uint64_t seed)
    : real_(sqlite3_vfs_find(nullptr)),
      layer_(std::make_unique<sqlite3_vfs>(layer_over(real_, this))),
      engine_(seed) {
  CHECK(sqlite3_vfs_register(layer_.get(), 1) == SQLITE_OK);
}

Disk::~Disk() {
  CHECK(sqlite3_vfs_unregister(layer_.get()) == SQLITE_OK);
  CHECK(sqlite3_vfs_register(real_, 1) == SQLITE_OK);
}

void Disk::set_faults(const Faults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

Disk::Counts Disk::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool Disk::draw(unsigned percent, std::uint64_t& count) {
  if (percent == 0 || engine_() % 100 >= percent) return false;
  ++count;
  return true;
}

int Disk::open(const char* path, sqlite3_file* file, int flags, int* flags_out) {
  auto& out = *reinterpret_cast<OpenFile*>(file);
  out.base.pMethods = nullptr;
  out.disk = this;
  const int code = real_->xOpen(real_, path, real_of(file), flags, flags_out);
  if (code != SQLITE_OK) return code;
  const std::string name = path == nullptr ? "" : path;  // a temporary file has none
  const std::lock_guard lock(mutex_);
  out.file = &files_[name];
  out.file->path = name;
  out.base.pMethods = methods();
  return SQLITE_OK;
}

int Disk::remove(const char* path, int sync_folder) {
  const std::lock_guard lock(mutex_);
  if (cut_) return SQLITE_IOERR_DELETE;
  if (const auto found = files_.find(std::string_view(path)); found != files_.end()) {
    found->second.unsynced.clear();
  }
  return real_->xDelete(real_, path, sync_folder);
}

int Disk::before_write(File& file, sqlite3_file* real, std::int64_t offset, int bytes) {
  const std::lock_guard lock(mutex_);
  if (cut_) return SQLITE_IOERR_WRITE;
  if (bytes > 0 && draw(faults_.full_percent, counts_.full)) return SQLITE_FULL;
  if (file.path.empty()) return SQLITE_OK;
  File::Before before;
  before.offset = offset;
  sqlite3_int64 size = 0;
  if (const int code = real->pMethods->xFileSize(real, &size); code != SQLITE_OK) return code;
  before.size = size;
  const std::int64_t end = bytes == 0 ? size : std::min<std::int64_t>(size, offset + bytes);
  if (end > offset) {
    before.bytes.resize(static_cast<std::size_t>(end - offset));
    const int code = real->pMethods->xRead(real, before.bytes.data(),
                                           static_cast<int>(before.bytes.size()), offset);
    if (code != SQLITE_OK) return code;
  }
  file.unsynced.push_back(std::move(before));
  return SQLITE_OK;
}

int Disk::before_sync(File& file, bool& real_sync) {
  const std::lock_guard lock(mutex_);
  if (cut_ || draw(faults_.sync_fails_percent, counts_.failed_syncs)) return SQLITE_IOERR_FSYNC;
  if (draw(faults_.sync_lies_percent, counts_.lies)) {
    real_sync = false;
    return SQLITE_OK;
  }
  file.unsynced.clear();
  return SQLITE_OK;
}

void Disk::cut_power() {
  const std::lock_guard lock(mutex_);
  cut_ = true;
}

Result<std::size_t> Disk::settle(const File& file, unsigned kept_percent) {
  if (file.unsynced.empty() || !std::filesystem::exists(file.path)) return 0;
  std::ifstream in(file.path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) return fail(Code::kUnavailable, "cannot read `{}`", file.path);
  std::string durable = content;
  for (auto before = file.unsynced.rbegin(); before != file.unsynced.rend(); ++before) {
    undo(durable, *before);
  }
  std::size_t lost = 0;
  std::string after = durable;
  for (std::size_t at = 0; at < std::max(content.size(), durable.size()); at += kSectorBytes) {
    const auto sector = [at](const std::string& of) {
      return at < of.size() ? std::string_view(of).substr(at, kSectorBytes) : std::string_view();
    };
    if (sector(content) == sector(durable)) continue;
    if (engine_() % 100 >= kept_percent) {
      ++lost;
      continue;
    }
    const std::string kept(sector(content));
    after.resize(std::max(after.size(), at + kept.size()));
    std::copy(kept.begin(), kept.end(), after.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::ofstream out(file.path, std::ios::binary | std::ios::trunc);
  out << after;
  out.close();
  if (!out) return fail(Code::kUnavailable, "cannot write `{}`", file.path);
  return lost;
}

Result<std::size_t> Disk::restore_power(unsigned kept_percent) {
  const std::lock_guard lock(mutex_);
  std::size_t lost = 0;
  for (auto& [path, file] : files_) {
    TRY(const std::size_t sectors, settle(file, kept_percent));
    lost += sectors;
    file.unsynced.clear();
    // The index of a log is memory, not data: after a power cut it is made again.
    std::error_code ignored;
    std::filesystem::remove(path + "-shm", ignored);
  }
  cut_ = false;
  return lost;
}

}  // namespace keyturn::faulty
