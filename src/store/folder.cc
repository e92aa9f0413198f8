#include "store/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace keyturn::store {
namespace {

constexpr const char* kMarker = "store.in-use";

tl::unexpected<Error> system_failure(std::string_view doing, const std::string& path) {
  const int code = errno;
  return fail(code == ENOSPC || code == EDQUOT ? Code::kExhausted : Code::kUnavailable,
              "cannot {} `{}`: {}", doing, path, std::strerror(code));
}

Result<void> create_folders(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_failure("create the folder", path);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Folder>> Folder::lock(const std::string& path) {
  TRY_VOID(create_folders(path));
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_failure("open the folder", path);
  auto folder = std::make_unique<Folder>(path, descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure("lock the folder", path);
    return fail(Code::kConflict,
                "the data folder `{}` is in use by another process; stop that one first", path);
  }
  folder->unclean_ = faccessat(descriptor, kMarker, F_OK, AT_EACCESS) == 0;
  return folder;
}

Folder::~Folder() { ::close(descriptor_); }

Result<void> Folder::sync() const {
  if (fsync(descriptor_) != 0) return system_failure("sync the folder", path_);
  return {};
}

Result<void> Folder::create_file(const std::string& name) {
  const int file =
      openat(descriptor_, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_failure("open the file", path_ + "/" + name);
  ::close(file);
  return sync();
}

Result<void> Folder::mark_in_use() { return create_file(kMarker); }

Result<void> Folder::mark_clean() {
  if (unlinkat(descriptor_, kMarker, 0) != 0 && errno != ENOENT) {
    return system_failure("remove the marker in", path_);
  }
  return sync();
}

}  // namespace keyturn::store
