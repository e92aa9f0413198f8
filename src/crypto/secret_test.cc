#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <fstream>
#include <type_traits>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

// The VmFlags of the mapping that holds `address` (proc(5)): `lo` is locked, `dd` is kept out of
// core dumps.
std::string flags_of(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long low = 0;
    unsigned long high = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &low, &high) == 2) {
      inside = wanted >= low && wanted < high;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return line + " ";
    }
  }
  return "";
}

TEST(Secret, HoldsItsBytes) {
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
  EXPECT_EQ(Secret("").view(), "");
  const Secret secret("wJalr\0XUtn");
  EXPECT_EQ(secret.view(), "wJalr");
  const std::string large(10'000, 'x');
  EXPECT_EQ(Secret(large).view(), large);
  EXPECT_EQ(Secret(large).clone().view(), large);
  EXPECT_EQ(Secret(std::string(4'096, 'y')).view(), std::string(4'096, 'y'));
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  Secret first("first");
  const char* const address = first.view().data();
  Secret second(std::move(first));
  EXPECT_EQ(second.view().data(), address);
  EXPECT_TRUE(first.empty());  // NOLINT: what a move leaves is what is tested
  second = Secret("second");
  EXPECT_EQ(second.view(), "second");
  Secret& itself = second;
  second = std::move(itself);
  EXPECT_EQ(second.view(), "second");
}

// The sanitizers turn mlock into nothing, and RLIMIT_MEMLOCK may forbid it.
bool locking_works_here() {
  alignas(4'096) static const char page[4'096] = {};
  const bool locked = mlock(page, sizeof page) == 0;
  const bool shows = flags_of(page).find(" lo ") != std::string::npos;
  munlock(page, sizeof page);
  return locked && shows;
}

TEST(Secret, IsLockedAndKeptOutOfCoreDumps) {
  const Secret secret("a secret");
  const std::string flags = flags_of(secret.view().data());
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
  EXPECT_EQ(flags.find(" lo ") != std::string::npos, locking_works_here()) << flags;
}

[[noreturn]] void keep_a_secret_without_locking() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_MEMLOCK, &none);
  _exit(Secret("still here").view() == "still here" ? 0 : 1);
}

TEST(Secret, ServesWhenMemoryCannotBeLocked) {
  EXPECT_EXIT(keep_a_secret_without_locking(), testing::ExitedWithCode(0), "");
}

TEST(Secret, UnmapsItsPagesWhenItDies) {
  const char* address = nullptr;
  {
    const Secret secret("short-lived");
    address = secret.view().data();
    EXPECT_NE(flags_of(address), "");
  }
  EXPECT_EQ(flags_of(address), "");
}

TEST(Wipe, OverwritesTheWholeCapacity) {
  std::string text = "a transient copy that is longer than the small-string buffer";
  const char* const address = text.data();
  const std::size_t length = text.size();
  text.resize(30);
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), address);
  text.resize(text.capacity());
  for (std::size_t i = 1; i < length; ++i) ASSERT_EQ(text[i], '\0') << i;
}

}  // namespace
}  // namespace keyturn::crypto
