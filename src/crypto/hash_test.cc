#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

std::string unhex(std::string_view hex) { return hex_decode(hex).value(); }

// FIPS 180-4 examples, as in NIST's SHA256ShortMsg and the "SHA256.pdf" example values.
TEST(Sha256, AgreesWithNistVectors) {
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256(unhex("bd")).hex(),
            "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
}

TEST(Sha256, OfPiecesIsTheSameHoweverTheyAreCut) {
  SeededRandom random(1);
  const std::string text = random.bytes(1'000);
  for (std::size_t step : {1U, 7U, 63U, 64U, 65U, 999U, 1'000U}) {
    Sha256 hash;
    for (std::size_t i = 0; i < text.size(); i += step) {
      hash.update(std::string_view(text).substr(i, step));
    }
    EXPECT_EQ(hash.finish(), sha256(text)) << step;
  }
}

TEST(Sha256, MayGoOnAfterFinishing) {
  Sha256 hash;
  EXPECT_EQ(hash.finish(), sha256(""));
  hash.update("ab");
  EXPECT_EQ(hash.finish(), sha256("ab"));
  hash.update("c");
  Sha256 moved(std::move(hash));
  EXPECT_EQ(moved.finish(), sha256("abc"));
  EXPECT_EQ(moved.finish(), sha256("abc"));
}

// RFC 4231 sections 4.2 to 4.8, without the truncated case 5.
TEST(HmacSha256, AgreesWithRfc4231) {
  EXPECT_EQ(hmac_sha256(std::string(20, '\x0b'), "Hi There").hex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?").hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd')).hex(),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(hmac_sha256(unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
                        std::string(50, '\xcd'))
                .hex(),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(hmac_sha256(std::string(131, '\xaa'),
                        "Test Using Larger Than Block-Size Key - Hash Key First")
                .hex(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hmac_sha256(std::string(131, '\xaa'),
                        "This is a test using a larger than block-size key and a larger than "
                        "block-size data. The key needs to be hashed before being used by the "
                        "HMAC algorithm.")
                .hex(),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, AgreesWithOpenSslForEveryKeyLengthAroundTheBlock) {
  SeededRandom random(2);
  for (std::size_t length = 0; length <= 200; ++length) {
    const std::string key = random.bytes(length);
    const std::string message = random.bytes(200 - length);
    Digest expected;
    std::size_t size = 0;
    ASSERT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                        reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                        expected.bytes.data(), expected.bytes.size(), &size),
              nullptr);
    EXPECT_EQ(hmac_sha256(key, message), expected) << length;
  }
  EXPECT_EQ(hmac_sha256({}, {}).hex(),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(EqualInConstantTime, ComparesEveryByteAndTheLength) {
  const std::string text = "0123456789abcdef";
  EXPECT_TRUE(equal_in_constant_time(text, text));
  EXPECT_TRUE(equal_in_constant_time("", {}));
  EXPECT_FALSE(equal_in_constant_time(text, std::string_view(text).substr(1)));
  EXPECT_FALSE(equal_in_constant_time(text, ""));
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1U << bit));
      EXPECT_FALSE(equal_in_constant_time(text, other)) << i;
    }
  }
}

// AWS General Reference, "Deriving the signing key", and the SigV4 test suite's example.
TEST(SigV4SigningKey, AgreesWithTheAwsExamples) {
  const std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  EXPECT_EQ(hex_encode(sigv4_signing_key(secret, "20120215", "us-east-1", "iam").view()),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
  EXPECT_EQ(hex_encode(sigv4_signing_key(secret, "20150830", "us-east-1", "iam").view()),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

}  // namespace
}  // namespace keyturn::crypto
