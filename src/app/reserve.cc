#include "app/reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace keyturn::app {
namespace {

// With less than this left it would help to fill the disk that it is for.
constexpr std::uint64_t kRoomBytesMin = 8 * kReserveBytes;

std::string reserve_file(const std::string& folder) { return folder + "/" + kReserveFile; }

}  // namespace

Result<bool> set_reserve_aside(const std::string& folder) {
  const std::string path = reserve_file(folder);
  std::error_code error;
  if (std::filesystem::exists(path, error)) return false;
  const auto room = std::filesystem::space(folder, error);
  if (error) return fail(Code::kUnavailable, "look at `{}`: {}", folder, error.message());
  if (room.available < kRoomBytesMin) return false;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    return fail(Code::kUnavailable, "create `{}`: {}", path, std::strerror(errno));
  }
  const int failed = ::posix_fallocate(file, 0, static_cast<off_t>(kReserveBytes));
  ::close(file);
  if (failed == 0) return true;
  release_reserve(folder);
  return fail(Code::kUnavailable, "set `{}` aside: {}", path, std::strerror(failed));
}

bool release_reserve(const std::string& folder) {
  return ::unlink(reserve_file(folder).c_str()) == 0;
}

}  // namespace keyturn::app
