#include <openssl/evp.h>

#include <climits>

#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

// EVP counts bytes in int.
int count(std::size_t size) {
  CHECK(size <= INT_MAX);
  return static_cast<int>(size);
}

Context make_context() {
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  CHECK(context != nullptr);
  return context;
}

}  // namespace

Result<SealingKey> SealingKey::from_bytes(std::string_view bytes) {
  if (bytes.size() != kBytes) {
    return fail(Code::kInvalid, "a sealing key has {} bytes, not {}", kBytes, bytes.size());
  }
  return SealingKey(Secret(bytes));
}

std::string SealingKey::seal(std::string_view plain, std::string_view label, Random& random) const {
  std::string box = random.bytes(kNonceBytes);
  box.resize(kNonceBytes + plain.size() + kTagBytes);
  const Context context = make_context();
  CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(key_.view()), raw(box)) ==
        1);
  int written = 0;
  CHECK(EVP_EncryptUpdate(context.get(), nullptr, &written, raw(label), count(label.size())) == 1);
  unsigned char* const out = raw(box.data()) + kNonceBytes;
  CHECK(EVP_EncryptUpdate(context.get(), out, &written, raw(plain), count(plain.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context.get(), out + plain.size(), &written) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out + plain.size()) ==
        1);
  return box;
}

Result<Secret> SealingKey::open(std::string_view box, std::string_view label) const {
  if (box.size() < kNonceBytes + kTagBytes || box.size() > INT_MAX) {
    return fail(Code::kCorrupt, "a sealed box of {} bytes is too short or too long", box.size());
  }
  const std::size_t size = box.size() - kNonceBytes - kTagBytes;
  std::string tag(box.substr(kNonceBytes + size));
  Secret plain = Secret::blank(size);
  const Context context = make_context();
  CHECK(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(key_.view()), raw(box)) ==
        1);
  int written = 0;
  CHECK(EVP_DecryptUpdate(context.get(), nullptr, &written, raw(label), count(label.size())) == 1);
  // Of an empty box there is nothing to decrypt, and no buffer to point at.
  if (size > 0) {
    CHECK(EVP_DecryptUpdate(context.get(), raw(plain.data_), &written, raw(box.substr(kNonceBytes)),
                            count(size)) == 1);
  }
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  std::array<unsigned char, kTagBytes> rest{};
  if (EVP_DecryptFinal_ex(context.get(), rest.data(), &written) != 1) {
    return fail(Code::kCorrupt,
                "a sealed box does not open: it was altered, or sealed under another key or label");
  }
  return plain;
}

}  // namespace keyturn::crypto
