#include "app/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "ledger/log_folder.h"

namespace keyturn::app {
namespace {

constexpr std::size_t kKeyTextBytes = 2 * crypto::SealingKey::kBytes;
constexpr std::size_t kSecretTextBytesMax = 1'024;  // a log key is its name and some 70 bytes

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

constexpr std::size_t kOriginBytes = 16;

std::string ledger_key_file(const std::string& folder) { return folder + "/" + kLedgerKeyFile; }

std::string key_file(const std::string& folder) { return folder + "/" + kSealingKeyFile; }

std::string reason() { return std::strerror(errno); }

enum class Privacy { kOwnerOnly, kServiceManager };

// Nobody but the owner may read a key file. The service manager arranges its own.
Result<void> check_private(int descriptor, std::string_view what, const std::string& path) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    return fail(Code::kUnavailable, "look at `{}`: {}", path, reason());
  }
  if (!S_ISREG(status.st_mode)) return fail(Code::kCorrupt, "`{}` is not a file", path);
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(Code::kDenied, "the {} `{}` belongs to another user", what, path);
  }
  if ((status.st_mode & 077U) != 0) {
    return fail(Code::kDenied,
                "the {} `{}` may be read by others (mode {:03o}); run `chmod 600 {}`, and "
                "consider the key known to whoever could read it",
                what, path, status.st_mode & 0777U, path);
  }
  return {};
}

// What a key file says; `what` is `sealing key`.
Result<crypto::Secret> read_secret(const std::string& path, std::string_view what,
                                   Privacy privacy) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return fail(Code::kNotFound, "no {} at `{}`; run `keyturn init` first", what, path);
    }
    return fail(Code::kUnavailable, "open the {} `{}`: {}", what, path, reason());
  }
  if (privacy == Privacy::kOwnerOnly) TRY_VOID(check_private(file.get(), what, path));
  std::string text(kSecretTextBytesMax, '\0');
  const ssize_t count = ::read(file.get(), text.data(), text.size());
  if (count < 0) return fail(Code::kUnavailable, "read the {} `{}`: {}", what, path, reason());
  std::string_view given(text.data(), static_cast<std::size_t>(count));
  if (given.ends_with('\n')) given.remove_suffix(1);
  crypto::Secret secret(given);
  crypto::wipe(text);
  return secret;
}

Result<crypto::SealingKey> read_key(const std::string& path, Privacy privacy) {
  TRY(const crypto::Secret text, read_secret(path, "sealing key", privacy));
  auto bytes = hex_decode(text.view());
  if (!bytes || bytes->size() != crypto::SealingKey::kBytes) {
    return fail(Code::kCorrupt, "`{}` is not a sealing key: it must be {} hex digits", path,
                kKeyTextBytes);
  }
  auto key = crypto::SealingKey::from_bytes(*bytes);
  crypto::wipe(*bytes);
  return key;
}

// A new file that only its owner may read. Wipes `text`.
Result<void> write_secret(const std::string& folder, const std::string& path, std::string_view what,
                          std::string& text) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) {
    crypto::wipe(text);
    if (errno == EEXIST) return fail(Code::kConflict, "there is a {} at `{}` already", what, path);
    return fail(Code::kUnavailable, "create the {} `{}`: {}", what, path, reason());
  }
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  const bool whole = written == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
  crypto::wipe(text);
  if (!whole) {
    const std::string why = reason();
    ::unlink(path.c_str());
    return fail(Code::kUnavailable, "write the {} `{}`: {}", what, path, why);
  }
  const File parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) ::fsync(parent.get());
  return {};
}

}  // namespace

Result<void> create_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) {
    return fail(Code::kUnavailable, "create the data folder `{}`: {}", path, reason());
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return fail(Code::kUnavailable, "the data folder `{}` exists and is no folder", path);
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return fail(Code::kUnavailable, "the data folder `{}` cannot be written by this user", path);
  }
  if ((status.st_mode & 022U) != 0) {
    return fail(Code::kDenied,
                "the data folder `{}` may be written by others (mode {:03o}); run `chmod 700 {}`",
                path, status.st_mode & 0777U, path);
  }
  return {};
}

std::string database_file(const std::string& folder) { return folder + "/keyturn.db"; }

bool has_sealing_key(const std::string& folder) {
  return ::access(key_file(folder).c_str(), F_OK) == 0;
}

Result<void> create_sealing_key(const std::string& folder, Random& random) {
  std::string bytes = random.bytes(crypto::SealingKey::kBytes);
  std::string text = hex_encode(bytes) + "\n";
  crypto::wipe(bytes);
  return write_secret(folder, key_file(folder), "sealing key", text);
}

Result<crypto::SealingKey> read_sealing_key(const SealingKeyPlaces& places) {
  if (!places.credentials_folder.empty()) {
    const std::string path = places.credentials_folder + "/" + kSealingKeyCredential;
    auto key = read_key(path, Privacy::kServiceManager);
    if (key || key.error().code != Code::kNotFound) return key;
  }
  return read_key(key_file(places.folder), Privacy::kOwnerOnly);
}

std::string ledger_folder(const std::string& folder) { return folder + "/ledger"; }

bool has_ledger_key(const std::string& folder) {
  return ::access(ledger_key_file(folder).c_str(), F_OK) == 0;
}

Result<void> create_ledger_key(const std::string& folder, const std::string& origin,
                               Random& random) {
  const std::string checkpoint = ledger_folder(folder) + "/" + ledger::kCheckpointFile;
  if (::access(checkpoint.c_str(), F_OK) == 0) {
    return fail(Code::kConflict,
                "`{}` was signed with a key that is not at `{}` any more; put that key back from "
                "your backup, or begin a new log (docs/operations.md, \"The log's key is lost\")",
                checkpoint, ledger_key_file(folder));
  }
  // A name of its own for every log: two with one name would look like one that lies.
  const std::string name =
      origin.empty() ? "keyturn.local/" + hex_encode(random.bytes(kOriginBytes)) : origin;
  TRY(const ledger::LogKey key, ledger::LogKey::generate(name, random));
  std::string text(key.text().view());
  text += "\n";
  return write_secret(folder, ledger_key_file(folder), "log key", text);
}

Result<ledger::LogKey> read_ledger_key(const std::string& folder) {
  const std::string path = ledger_key_file(folder);
  TRY(const crypto::Secret text, read_secret(path, "log key", Privacy::kOwnerOnly));
  return context(ledger::LogKey::parse(text.view()), fmt::format("`{}`", path));
}

}  // namespace keyturn::app
