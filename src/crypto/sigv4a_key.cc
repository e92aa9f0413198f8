#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

constexpr std::string_view kLabel = "AWS4-ECDSA-P256-SHA256";
constexpr unsigned kTriesMax = 254;  // a candidate fails once in 2^32
constexpr std::size_t kScalarBytes = 32;
constexpr std::size_t kPointBytes = 65;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <auto release>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_clear_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using HashContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

// NIST SP 800-108 in counter mode with one block, tried until the number is at most the group's
// order less two; one more than it is the key.
Number derive_scalar(const EC_GROUP& group, std::string_view access_key_id,
                     std::string_view secret) {
  std::string input_key = "AWS4A";
  input_key.append(secret);
  const Number limit(BN_dup(EC_GROUP_get0_order(&group)));
  CHECK(limit != nullptr && BN_sub_word(limit.get(), 2) == 1);
  Number scalar;
  for (unsigned tries = 1; tries <= kTriesMax && scalar == nullptr; ++tries) {
    std::string input("\0\0\0\1", 4);
    input.append(kLabel).append(1, '\0').append(access_key_id);
    input.append(1, static_cast<char>(tries)).append("\0\0\1\0", 4);
    const Digest candidate = hmac_sha256(input_key, input);
    Number number(BN_bin2bn(raw(candidate.view()), kScalarBytes, nullptr));
    CHECK(number != nullptr);
    if (BN_cmp(number.get(), limit.get()) > 0) continue;
    CHECK(BN_add_word(number.get(), 1) == 1);
    scalar = std::move(number);
  }
  wipe(input_key);
  CHECK(scalar != nullptr);
  return scalar;
}

std::string public_point(const EC_GROUP& group, const BIGNUM& scalar) {
  const Point point(EC_POINT_new(&group));
  CHECK(point != nullptr &&
        EC_POINT_mul(&group, point.get(), &scalar, nullptr, nullptr, nullptr) == 1);
  std::string bytes(kPointBytes, '\0');
  CHECK(EC_POINT_point2oct(&group, point.get(), POINT_CONVERSION_UNCOMPRESSED,
                           reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                           nullptr) == bytes.size());
  return bytes;
}

// With `scalar`, a key pair.
Key make_key(std::string_view point, const BIGNUM* scalar) {
  const Builder builder(OSSL_PARAM_BLD_new());
  CHECK(builder != nullptr &&
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                        0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) == 1);
  if (scalar != nullptr) {
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  CHECK(parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
        EVP_PKEY_fromdata(context.get(), &key,
                          scalar == nullptr ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                          parameters.get()) == 1);
  return Key(key);
}

Group p256() {
  Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK(group != nullptr);
  return group;
}

}  // namespace

std::string sigv4a_public_key(std::string_view access_key_id, std::string_view secret) {
  const Group group = p256();
  const Number scalar = derive_scalar(*group, access_key_id, secret);
  return public_point(*group, *scalar);
}

std::string sigv4a_sign(std::string_view access_key_id, std::string_view secret,
                        std::string_view message) {
  const Group group = p256();
  const Number scalar = derive_scalar(*group, access_key_id, secret);
  const Key key = make_key(public_point(*group, *scalar), scalar.get());
  const HashContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr && EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr,
                                                    nullptr, key.get(), nullptr) == 1);
  std::size_t size = 0;
  CHECK(EVP_DigestSign(context.get(), nullptr, &size, raw(message), message.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       raw(message), message.size()) == 1);
  signature.resize(size);
  return signature;
}

bool sigv4a_verify(std::string_view public_key, std::string_view message,
                   std::string_view signature) {
  CHECK(public_key.size() == kPointBytes);
  const Key key = make_key(public_key, nullptr);
  const HashContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr && EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr,
                                                      nullptr, key.get(), nullptr) == 1);
  const int valid = EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message),
                                     message.size());
  ERR_clear_error();
  return valid == 1;
}

}  // namespace keyturn::crypto
