#include "cedar/text.h"

#include "cedar/value.h"

namespace keyturn::cedar {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t load(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  return word;
}

constexpr std::uint64_t kFirst = 0xa0761d6478bd642fULL;
constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbULL;
constexpr std::size_t kFirstTableSize = 64;

template <class Slot>
bool is_full(const std::vector<Slot>& table, std::size_t count) {
  return (count + 1) * 4 > table.size() * 3;
}

template <class Slot>
void place(std::vector<Slot>& table, Slot item) {
  const std::size_t mask = table.size() - 1;
  std::size_t at = item->hash & mask;
  while (table[at] != nullptr) at = (at + 1) & mask;
  table[at] = item;
}

template <class Slot>
void grow(std::vector<Slot>& table) {
  std::vector<Slot> bigger(table.size() * 2, nullptr);
  for (Slot item : table) {
    if (item != nullptr) place(bigger, item);
  }
  table = std::move(bigger);
}

}  // namespace

std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) { return fold(a ^ kFirst, b ^ kSecond); }

std::uint64_t hash_bytes(std::string_view bytes) {
  std::uint64_t hash = bytes.size() ^ kSecond;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) hash = fold(hash ^ kFirst, load(at, 8) ^ kSecond);
  if (left > 0) hash = fold(hash ^ kSecond, load(at, left) ^ kFirst);
  return fold(hash ^ kFirst, kSecond);
}

int order(const Text& a, const Text& b) {
  if (&a == &b) return 0;
  if (a.hash != b.hash) return a.hash < b.hash ? -1 : 1;
  if (a.size != b.size) return a.size < b.size ? -1 : 1;
  return std::memcmp(a.data, b.data, a.size);
}

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(next_);
  std::size_t skip = (alignment - address % alignment) % alignment;
  if (next_ == nullptr || skip + bytes > left_) {
    const std::size_t size = std::max(kChunkBytes, bytes + alignment);
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    next_ = chunks_.back().get();
    left_ = size;
    skip = (alignment - reinterpret_cast<std::uintptr_t>(next_) % alignment) % alignment;
  }
  std::byte* result = next_ + skip;
  next_ = result + bytes;
  left_ -= skip + bytes;
  return result;
}

std::string_view Arena::copy(std::string_view bytes) {
  if (bytes.empty()) return {"", 0};
  char* copy = static_cast<char*>(allocate(bytes.size(), 1));
  std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

Pool::Pool() : texts_(kFirstTableSize, nullptr), uid_table_(kFirstTableSize, nullptr) {}

const Text* Pool::text(std::string_view bytes) {
  const std::uint64_t hash = hash_bytes(bytes);
  const std::size_t mask = texts_.size() - 1;
  for (std::size_t at = hash & mask; texts_[at] != nullptr; at = (at + 1) & mask) {
    if (texts_[at]->hash == hash && texts_[at]->view() == bytes) return texts_[at];
  }
  if (is_full(texts_, text_count_)) grow(texts_);
  const std::string_view copy = arena_.copy(bytes);
  const Text* made = arena_.make(Text{copy.data(), static_cast<std::uint32_t>(copy.size()), hash});
  place(texts_, made);
  ++text_count_;
  return made;
}

const Uid* Pool::uid(const Text* type, const Text* id) {
  const std::uint64_t hash = hash_mix(type->hash, id->hash);
  const std::size_t mask = uid_table_.size() - 1;
  for (std::size_t at = hash & mask; uid_table_[at] != nullptr; at = (at + 1) & mask) {
    const Uid& known = *uid_table_[at];
    if (known.hash == hash && same(*known.type, *type) && same(*known.id, *id)) return &known;
  }
  if (is_full(uid_table_, uids_.size())) grow(uid_table_);
  Uid* made = arena_.make(Uid{.type = type, .id = id, .hash = hash});
  place(uid_table_, made);
  uids_.push_back(made);
  return made;
}

}  // namespace keyturn::cedar
