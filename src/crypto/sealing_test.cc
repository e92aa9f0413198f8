#include <gtest/gtest.h>

#include <set>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

std::string unhex(std::string_view hex) { return hex_decode(hex).value(); }

SealingKey key_of(char fill) {
  return SealingKey::from_bytes(std::string(SealingKey::kBytes, fill)).value();
}

// Gives the nonce a vector asks for.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<unsigned char> out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
  }

 private:
  const std::string bytes_;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
TEST(SealingKey, AgreesWithGcmVectors) {
  const SealingKey zero = key_of('\0');
  FixedRandom zeros(std::string(12, '\0'));
  EXPECT_EQ(hex_encode(zero.seal("", "", zeros)),
            "000000000000000000000000"
            "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(hex_encode(zero.seal(std::string(16, '\0'), "", zeros)),
            "000000000000000000000000"
            "cea7403d4d606b6e074ec5d3baf39d18"
            "d0d1c8a799996bf0265b98b5d48ab919");
  const SealingKey key =
      SealingKey::from_bytes(
          unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
          .value();
  FixedRandom nonce(unhex("cafebabefacedbaddecaf888"));
  const std::string plain = unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
      "a6b525b16aedf5aa0de657ba637b39");
  const std::string label = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string box = key.seal(plain, label, nonce);
  EXPECT_EQ(hex_encode(box),
            "cafebabefacedbaddecaf888"
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
            "1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(key.open(box, label).value().view(), plain);
}

TEST(SealingKey, OpensWhatItSealedWhateverItsLength) {
  SeededRandom random(3);
  const SealingKey key = key_of('k');
  for (std::size_t size : {0U, 1U, 15U, 16U, 17U, 4'096U, 100'000U}) {
    const std::string plain = random.bytes(size);
    const std::string box = key.seal(plain, "session/ses_1", random);
    EXPECT_EQ(box.size(), size + 28);
    EXPECT_EQ(key.open(box, "session/ses_1").value().view(), plain);
    EXPECT_EQ(key.clone().open(box, "session/ses_1").value().view(), plain);
  }
}

TEST(SealingKey, RefusesAnotherLabel) {
  SeededRandom random(4);
  const SealingKey key = key_of('k');
  const std::string box = key.seal("secret", "session/ses_1", random);
  for (const char* label :
       {"session/ses_2", "session/ses_", "session/ses_11", "", "vault/default"}) {
    EXPECT_EQ(key.open(box, label).error().code, Code::kCorrupt) << label;
  }
  EXPECT_EQ(key_of('l').open(box, "session/ses_1").error().code, Code::kCorrupt);
}

TEST(SealingKey, RefusesEveryFlippedBitAndEveryCut) {
  SeededRandom random(5);
  const SealingKey key = key_of('k');
  const std::string box = key.seal("forty-two", "label", random);
  for (std::size_t i = 0; i < box.size() * 8; ++i) {
    std::string other = box;
    other[i / 8] = static_cast<char>(other[i / 8] ^ (1U << (i % 8)));
    EXPECT_EQ(key.open(other, "label").error().code, Code::kCorrupt) << i;
  }
  for (std::size_t size = 0; size < box.size(); ++size) {
    EXPECT_EQ(key.open(std::string_view(box).substr(0, size), "label").error().code,
              Code::kCorrupt);
  }
  EXPECT_EQ(key.open(box + "x", "label").error().code, Code::kCorrupt);
}

TEST(SealingKey, SealsTheSameTextDifferentlyEachTime) {
  SystemRandom random;
  const SealingKey key = key_of('k');
  std::set<std::string> nonces;
  for (int i = 0; i < 1'000; ++i) nonces.insert(key.seal("same", "same", random).substr(0, 12));
  EXPECT_EQ(nonces.size(), 1'000U);
}

TEST(SealingKey, IsExactly32Bytes) {
  for (std::size_t size : {0U, 16U, 31U, 33U, 64U}) {
    EXPECT_EQ(SealingKey::from_bytes(std::string(size, 'k')).error(),
              (Error{Code::kInvalid, fmt::format("a sealing key has 32 bytes, not {}", size)}));
  }
}

}  // namespace
}  // namespace keyturn::crypto
