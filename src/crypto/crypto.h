// Cryptographic primitives over OpenSSL 3: hashes, MACs, signatures, sealing, and memory for
// secrets. All functions are pure or own their state; any thread may call them. A failure inside
// OpenSSL that no input can cause is a broken invariant and aborts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace keyturn::crypto {

// FIPS 180-4.
Digest sha256(std::string_view bytes);
// Of both, one after the other.
Digest sha256(std::string_view first, std::string_view second);

// SHA-256 of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void update(std::string_view bytes);
  Digest finish() const;  // of everything so far; more may follow

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// RFC 2104 with SHA-256.
Digest hmac_sha256(std::string_view key, std::string_view message);

// Takes the same time wherever the first difference is. Lengths are not secret.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// Bytes that are locked into memory (mlock, best effort), kept out of core dumps and wiped when
// they die. Moves, never copies implicitly, never prints. Each has pages of its own: cache what is
// used often.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  Secret(Secret&&) noexcept;
  Secret& operator=(Secret&&) noexcept;
  ~Secret();
  Secret clone() const { return Secret(view()); }
  std::string_view view() const { return {data_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  friend class SealingKey;  // opens a box straight into locked memory
  static Secret blank(std::size_t size);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};
// Overwrites a string's bytes; for transient copies that had to be std::string.
void wipe(std::string& text);

// AES-256-GCM with a random 96-bit nonce: nonce || ciphertext || tag (NIST SP 800-38D, which bounds
// one key to 2^32 boxes). At most 2 GiB - 1 at a time. `label` is authenticated but not stored: it
// names what the box is for, so that one cannot be passed for another.
class SealingKey {
 public:
  static constexpr std::size_t kBytes = 32;
  // Exactly 32 bytes; kInvalid otherwise.
  static Result<SealingKey> from_bytes(std::string_view bytes);
  SealingKey clone() const { return SealingKey(key_.clone()); }
  std::string seal(std::string_view plain, std::string_view label, Random& random) const;
  // kCorrupt when the box was altered, sealed under another key or another label.
  Result<Secret> open(std::string_view box, std::string_view label) const;

 private:
  explicit SealingKey(Secret key) : key_(std::move(key)) {}
  Secret key_;
};

// Ed25519 (RFC 8032).
class Ed25519Key {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  static Result<Ed25519Key> from_seed(std::string_view seed);
  const std::string& public_key() const { return public_key_; }  // 32 bytes
  std::string sign(std::string_view message) const;              // 64 bytes

 private:
  Ed25519Key(Secret seed, std::string public_key)
      : seed_(std::move(seed)), public_key_(std::move(public_key)) {}
  Secret seed_;
  std::string public_key_;
};
bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature);

// The AWS Signature Version 4 signing key: HMAC chain over date (YYYYMMDD), region and service from
// "AWS4" + secret (AWS General Reference, "Create a signed AWS API request"). Good for a day: cache
// it.
Secret sigv4_signing_key(std::string_view secret, std::string_view date, std::string_view region,
                         std::string_view service);

// SigV4a: ECDSA over P-256 and SHA-256 with a key derived from the credentials (the SDKs' reference
// guide, "AWS Signature Version 4A"). The derived key is forgotten after each use.
std::string sigv4a_public_key(std::string_view access_key_id,
                              std::string_view secret);  // 65 bytes, SEC 1 uncompressed
// DER; another one each time.
std::string sigv4a_sign(std::string_view access_key_id, std::string_view secret,
                        std::string_view message);
bool sigv4a_verify(std::string_view public_key, std::string_view message,
                   std::string_view signature);

}  // namespace keyturn::crypto
