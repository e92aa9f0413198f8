// Interned text and the arena that owns it. A Text carries its hash, so that names from different
// pools compare without looking at the bytes when they differ. A Pool is filled by one thread and
// read by many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace keyturn::cedar {

// Well mixed, not keyed: equality is always decided by the bytes.
std::uint64_t hash_bytes(std::string_view bytes);
// The hash of a pair.
std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b);

struct Text {
  const char* data = "";
  std::uint32_t size = 0;
  std::uint64_t hash = 0;
  std::string_view view() const { return {data, size}; }
};

inline bool same(const Text& a, const Text& b) {
  return &a == &b ||
         (a.hash == b.hash && a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0);
}

// A total order that is fast, stable within a process and means nothing else.
int order(const Text& a, const Text& b);

// Bump allocation of trivial objects; everything is freed at once. A first buffer of the caller's
// is used before any chunk is taken from the heap.
class Arena {
 public:
  static constexpr std::size_t kChunkBytes = 16U << 10U;  // small next to a policy set, few mallocs

  Arena() = default;
  explicit Arena(std::span<std::byte> first) : next_(first.data()), left_(first.size()) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment);

  template <class T>
  T* make(T value = {}) {
    static_assert(std::is_trivially_destructible_v<T>);
    return std::construct_at(static_cast<T*>(allocate(sizeof(T), alignof(T))), value);
  }
  // `count` value-initialised objects.
  template <class T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return {};
    T* first = static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  }
  std::string_view copy(std::string_view bytes);

 private:
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
};

struct Uid;

// Owns texts and uids, each of them once.
class Pool {
 public:
  Pool();
  const Text* text(std::string_view bytes);
  const Uid* uid(const Text* type, const Text* id);
  const Uid* uid(std::string_view type, std::string_view id) { return uid(text(type), text(id)); }
  // Every uid so far.
  std::span<Uid* const> uids() const { return uids_; }
  Arena& arena() { return arena_; }

 private:
  Arena arena_;
  // Open addressing, a power of two, at most three quarters full.
  std::vector<const Text*> texts_;
  std::size_t text_count_ = 0;
  std::vector<Uid*> uid_table_;
  std::vector<Uid*> uids_;
};

}  // namespace keyturn::cedar
