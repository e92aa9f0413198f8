#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "crypto/crypto.h"

namespace keyturn::crypto {

// Each secret has pages of its own: locking works on pages, and a page shared with other data would
// be unlocked when the first of its secrets dies.
Secret Secret::blank(std::size_t size) {
  Secret secret;
  if (size == 0) return secret;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t mapped = (size + page - 1) / page * page;
  CHECK(mapped >= size);
  void* const pages =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED);
  // Best effort: RLIMIT_MEMLOCK may be small, and a secret that could be swapped is better than
  // none.
  static_cast<void>(mlock(pages, mapped));
  static_cast<void>(madvise(pages, mapped, MADV_DONTDUMP));
  secret.data_ = static_cast<char*>(pages);
  secret.size_ = size;
  secret.mapped_ = mapped;
  return secret;
}

Secret::Secret(std::string_view bytes) : Secret(blank(bytes.size())) {
  if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  // The old bytes die with `taken`.
  Secret taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  std::swap(mapped_, taken.mapped_);
  return *this;
}

Secret::~Secret() {
  if (data_ == nullptr) return;
  OPENSSL_cleanse(data_, size_);
  CHECK(munmap(data_, mapped_) == 0);
}

void wipe(std::string& text) {
  // The capacity too: an earlier, longer value may stand behind the end.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace keyturn::crypto
