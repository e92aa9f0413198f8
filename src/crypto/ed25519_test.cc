#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

std::string unhex(std::string_view hex) { return hex_decode(hex).value(); }

struct Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, AgreesWithRfc8032) {
  for (const Vector& vector : kVectors) {
    const Ed25519Key key = Ed25519Key::from_seed(unhex(vector.seed)).value();
    EXPECT_EQ(hex_encode(key.public_key()), vector.public_key);
    EXPECT_EQ(hex_encode(key.sign(unhex(vector.message))), vector.signature);
    EXPECT_TRUE(
        ed25519_verify(unhex(vector.public_key), unhex(vector.message), unhex(vector.signature)));
  }
}

TEST(Ed25519, RefusesEveryFlippedBitOfASignature) {
  const Ed25519Key key = Ed25519Key::from_seed(std::string(32, 's')).value();
  const std::string signature = key.sign("message");
  for (std::size_t i = 0; i < signature.size() * 8; ++i) {
    std::string other = signature;
    other[i / 8] = static_cast<char>(other[i / 8] ^ (1U << (i % 8)));
    EXPECT_FALSE(ed25519_verify(key.public_key(), "message", other)) << i;
  }
  EXPECT_FALSE(ed25519_verify(key.public_key(), "Message", signature));
  const Ed25519Key other = Ed25519Key::from_seed(std::string(32, 't')).value();
  EXPECT_FALSE(ed25519_verify(other.public_key(), "message", signature));
}

TEST(Ed25519, RefusesWrongLengthsAndPointsThatAreNone) {
  const Ed25519Key key = Ed25519Key::from_seed(std::string(32, 's')).value();
  const std::string signature = key.sign("");
  EXPECT_TRUE(ed25519_verify(key.public_key(), "", signature));
  EXPECT_FALSE(ed25519_verify(key.public_key(), "", ""));
  EXPECT_FALSE(ed25519_verify(key.public_key(), "", signature + "x"));
  EXPECT_FALSE(ed25519_verify("", "", signature));
  EXPECT_FALSE(ed25519_verify(key.public_key() + "x", "", signature));
  EXPECT_FALSE(ed25519_verify(std::string(32, '\xff'), "", signature));
  EXPECT_EQ(Ed25519Key::from_seed("short").error().code, Code::kInvalid);
}

// RFC 8032 section 5.1.7: S must be below the group order, or a signature could be altered.
TEST(Ed25519, RefusesASignatureWithTheGroupOrderAdded) {
  const std::string order =
      unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Ed25519Key key = Ed25519Key::from_seed(std::string(32, 's')).value();
  std::string signature = key.sign("message");
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned char>(order[i]);
    signature[32 + i] = static_cast<char>(carry & 0xFFU);
    carry >>= 8U;
  }
  EXPECT_FALSE(ed25519_verify(key.public_key(), "message", signature));
}

}  // namespace
}  // namespace keyturn::crypto
