// The SHA256_* calls are deprecated in favour of EVP, which allocates and looks its algorithm up on
// every use. They run on each request several times, and underneath it is the same assembler.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

void absorb(SHA256_CTX& context, std::string_view bytes) {
  CHECK(SHA256_Update(&context, bytes.data(), bytes.size()) == 1);
}

Digest squeeze(SHA256_CTX& context) {
  Digest digest;
  CHECK(SHA256_Final(digest.bytes.data(), &context) == 1);
  return digest;
}

using Block = std::array<char, SHA256_CBLOCK>;

// SHA-256 state after the key block xored with `pad` (RFC 2104 section 2).
SHA256_CTX keyed(const Block& key, unsigned char pad) {
  Block block;
  for (std::size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<char>(static_cast<unsigned char>(key[i]) ^ pad);
  }
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  absorb(context, {block.data(), block.size()});
  OPENSSL_cleanse(block.data(), block.size());
  return context;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  absorb(context, bytes);
  return squeeze(context);
}

Digest sha256(std::string_view first, std::string_view second) {
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  absorb(context, first);
  absorb(context, second);
  return squeeze(context);
}

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { CHECK(SHA256_Init(&state_->context) == 1); }
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) { absorb(state_->context, bytes); }

Digest Sha256::finish() const {
  SHA256_CTX copy = state_->context;
  return squeeze(copy);
}

Digest hmac_sha256(std::string_view key, std::string_view message) {
  Block block{};
  Digest shortened;
  if (key.size() > block.size()) {
    shortened = sha256(key);
    key = shortened.view();
  }
  // An empty key may have no address at all.
  if (!key.empty()) std::memcpy(block.data(), key.data(), key.size());
  SHA256_CTX inner = keyed(block, 0x36);
  SHA256_CTX outer = keyed(block, 0x5C);
  absorb(inner, message);
  const Digest inside = squeeze(inner);
  absorb(outer, inside.view());
  const Digest mac = squeeze(outer);
  OPENSSL_cleanse(block.data(), block.size());
  OPENSSL_cleanse(shortened.bytes.data(), shortened.bytes.size());
  OPENSSL_cleanse(&inner, sizeof inner);
  OPENSSL_cleanse(&outer, sizeof outer);
  return mac;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace keyturn::crypto
