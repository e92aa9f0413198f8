#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

constexpr std::string_view kId = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// The public key that AWS's signing test suite has for its credentials.
TEST(SigV4aKey, IsDerivedAsAwsDoes) {
  EXPECT_EQ(hex_encode(sigv4a_public_key(kId, kSecret)),
            "04b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1"
            "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518");
}

TEST(SigV4aKey, VerifiesWhatItSignedAndNothingElse) {
  const std::string key = sigv4a_public_key(kId, kSecret);
  for (int i = 0; i < 20; ++i) {
    const std::string signature = sigv4a_sign(kId, kSecret, "text");
    EXPECT_LE(signature.size(), 72U);
    EXPECT_TRUE(sigv4a_verify(key, "text", signature));
    EXPECT_FALSE(sigv4a_verify(key, "Text", signature));
    EXPECT_FALSE(sigv4a_verify(sigv4a_public_key("AKIDOTHER", kSecret), "text", signature));
    EXPECT_FALSE(sigv4a_verify(key, "text", signature + std::string(1, '\0')));
    for (std::size_t at = 0; at < signature.size(); ++at) {
      std::string bad = signature;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      EXPECT_FALSE(sigv4a_verify(key, "text", bad)) << at;
    }
  }
  EXPECT_FALSE(sigv4a_verify(key, "text", ""));
  // r = s = 0, which broken verifiers take.
  EXPECT_FALSE(sigv4a_verify(key, "text", hex_decode("3006020100020100").value()));
}

}  // namespace
}  // namespace keyturn::crypto
