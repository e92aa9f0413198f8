#include "ledger/log_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace keyturn::ledger {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  const int number_;
};

tl::unexpected<Error> failed(std::string_view doing, const std::string& path, int why) {
  const bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
  return fail(full ? Code::kExhausted : Code::kUnavailable, "{} `{}`: {}", doing, path,
              std::strerror(why));
}

Result<void> sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed("sync", path, errno);
  return {};
}

Result<void> write_synced(const std::string& path, std::string_view bytes) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return failed("create", path, errno);
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(file.get()) != 0) return failed("sync", path, errno);
  return {};
}

}  // namespace

Result<void> LogFolder::make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    unsynced_.insert(fs::path(folder).parent_path().string());
    return {};
  }
  if (errno == EEXIST) return {};
  if (errno != ENOENT || folder.size() <= path_.size()) return failed("create", folder, errno);
  TRY_VOID(make_folder(fs::path(folder).parent_path().string()));
  return make_folder(folder);
}

Result<void> LogFolder::write(const std::string& name, std::string_view bytes) {
  const std::string path = path_ + "/" + name;
  const std::string folder = fs::path(path).parent_path().string();
  TRY_VOID(make_folder(folder));
  const std::string aside = path + ".new";
  const auto written = write_synced(aside, bytes);
  if (!written) {
    ::unlink(aside.c_str());
    return written;
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return failed("rename to", path, errno);
  unsynced_.insert(folder);
  return {};
}

Result<void> LogFolder::sync() {
  while (!unsynced_.empty()) {
    TRY_VOID(sync_folder(*unsynced_.begin()));
    unsynced_.erase(unsynced_.begin());
  }
  return {};
}

Result<std::string> LogFolder::read(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(Code::kNotFound, "no file `{}`", path);
    return failed("open", path, errno);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failed("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return fail(Code::kCorrupt, "`{}` is not a file", path);
  if (status.st_size > static_cast<off_t>(kFileBytesMax)) {
    return fail(Code::kCorrupt, "`{}` is longer than any file of a log", path);
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count = ::read(file.get(), bytes.data() + got, bytes.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path, errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

void LogFolder::remove_partial(const std::string& full_name) {
  // What stays behind is right as well, only superfluous.
  std::error_code ignored;
  fs::remove_all(path_ + "/" + full_name + ".p", ignored);
}

Result<std::vector<std::string>> LogFolder::list() const {
  std::vector<std::string> names;
  std::error_code error;
  const fs::path root(path_);
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory(error) && !it->is_symlink(error)) continue;
    names.push_back(it->path().lexically_relative(root).string());
  }
  if (error) return fail(Code::kUnavailable, "list `{}`: {}", path_, error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace keyturn::ledger
