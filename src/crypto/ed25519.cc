#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Key private_key(std::string_view seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed), seed.size()),
          &EVP_PKEY_free);
  CHECK(key != nullptr);
  return key;
}

Context make_context() {
  Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  CHECK(context != nullptr);
  return context;
}

}  // namespace

Result<Ed25519Key> Ed25519Key::from_seed(std::string_view seed) {
  if (seed.size() != kSeedBytes) {
    return fail(Code::kInvalid, "an Ed25519 seed has {} bytes, not {}", kSeedBytes, seed.size());
  }
  const Key key = private_key(seed);
  std::string public_key(kPublicKeyBytes, '\0');
  std::size_t size = public_key.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(public_key.data()),
                                    &size) == 1);
  CHECK(size == kPublicKeyBytes);
  return Ed25519Key(Secret(seed), std::move(public_key));
}

std::string Ed25519Key::sign(std::string_view message) const {
  const Key key = private_key(seed_.view());
  const Context context = make_context();
  CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       raw(message), message.size()) == 1);
  CHECK(size == kSignatureBytes);
  return signature;
}

bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
  if (public_key.size() != kPublicKeyBytes || signature.size() != kSignatureBytes) return false;
  const Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(public_key), public_key.size()),
      &EVP_PKEY_free);
  CHECK(key != nullptr);
  const Context context = make_context();
  CHECK(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  const bool valid = EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message),
                                      message.size()) == 1;
  // A refusal leaves its reasons in this thread's queue, where a later TLS call would find them.
  if (!valid) ERR_clear_error();
  return valid;
}

}  // namespace keyturn::crypto
