// Randomness comes through this seam, so that a run can be repeated from a seed. May be called from
// any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>

namespace keyturn {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<unsigned char> bytes) = 0;

  std::string bytes(std::size_t count);
  // A uniformly drawn string over `alphabet` (at most 256 symbols).
  std::string token(std::size_t length, std::string_view alphabet);
};

// The kernel's generator, getrandom(2). Never fails: it aborts if the kernel has none.
class SystemRandom final : public Random {
 public:
  void fill(std::span<unsigned char> bytes) override;
};

// Repeatable bytes. Never for keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<unsigned char> bytes) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace keyturn
