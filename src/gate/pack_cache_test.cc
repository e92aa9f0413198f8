#include "gate/pack_cache.h"

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

class PackCacheTest : public ::testing::Test {
 protected:
  Result<std::shared_ptr<const Policies>> ask(const Policies& pack) {
    return cache_.get(pack.digest(), [&](const Digest&) -> Result<std::string> {
      ++reads_;
      return pack.text();
    });
  }

  // Packs that differ; `padding` is of the text of each.
  static std::vector<std::shared_ptr<const Policies>> packs(std::size_t count,
                                                            std::size_t padding = 0) {
    std::vector<std::shared_ptr<const Policies>> made;
    for (std::size_t i = 0; i < count; ++i) {
      made.push_back(policies_of(fmt::format("// {}{}\npermit (principal, action, resource);", i,
                                             std::string(padding, '.'))));
    }
    return made;
  }

  PackCache cache_;
  int reads_ = 0;
};

TEST_F(PackCacheTest, ReadsAPackOnceAndForgetsTheLeastRecentlyUsed) {
  const auto all = packs(kCachedPacksMax + 1);
  for (std::size_t i = 0; i < kCachedPacksMax; ++i) EXPECT_TRUE(ask(*all[i]));
  EXPECT_EQ(reads_, static_cast<int>(kCachedPacksMax));
  EXPECT_EQ((*ask(*all[0]))->digest(), all[0]->digest());
  EXPECT_EQ(reads_, static_cast<int>(kCachedPacksMax));
  EXPECT_TRUE(ask(*all[kCachedPacksMax]));  // in the place of the second
  EXPECT_EQ(cache_.size(), kCachedPacksMax);
  reads_ = 0;
  EXPECT_TRUE(ask(*all[0]));
  EXPECT_EQ(reads_, 0);
  EXPECT_TRUE(ask(*all[1]));
  EXPECT_EQ(reads_, 1);
}

TEST_F(PackCacheTest, HoldsNoMoreTextThanItsBound) {
  const auto halves = packs(3, kCachedPackBytesMax / 2 - 10'000);
  for (const auto& pack : halves) EXPECT_TRUE(ask(*pack));
  EXPECT_LE(cache_.size(), 2U);
  EXPECT_GE(cache_.size(), 1U);
}

TEST_F(PackCacheTest, AFailureIsNotRememberedAndAnotherTextIsRefused) {
  const auto both = packs(2);
  const auto none = cache_.get(both[0]->digest(), [](const Digest&) -> Result<std::string> {
    return fail(Code::kUnavailable, "away");
  });
  EXPECT_EQ(none.error().code, Code::kUnavailable);
  const auto other = cache_.get(
      both[0]->digest(), [&](const Digest&) -> Result<std::string> { return both[1]->text(); });
  EXPECT_EQ(other.error().code, Code::kCorrupt);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_TRUE(ask(*both[0]));
}

}  // namespace
}  // namespace keyturn::gate
