#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/result.h"

namespace keyturn {

std::string Random::bytes(std::size_t count) {
  std::string out(count, '\0');
  fill({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  return out;
}

std::string Random::token(std::size_t length, std::string_view alphabet) {
  CHECK(!alphabet.empty() && alphabet.size() <= 256);
  // Bytes at or above the largest multiple of the alphabet's size would make some symbols likelier.
  const std::size_t limit = 256 - 256 % alphabet.size();
  std::string out;
  out.reserve(length);
  while (out.size() < length) {
    for (const char raw : bytes(length - out.size())) {
      const auto byte = static_cast<unsigned char>(raw);
      if (byte < limit) out.push_back(alphabet[byte % alphabet.size()]);
    }
  }
  return out;
}

void SystemRandom::fill(std::span<unsigned char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void SeededRandom::fill(std::span<unsigned char> bytes) {
  const std::lock_guard lock(mutex_);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(engine_());
}

}  // namespace keyturn
