// The key that signs a log's checkpoints, together with the log's name: whoever knows the verifier
// key knows both. As text it is what Go's sumdb/note calls a signer:
// PRIVATE+KEY+<name>+<id>+<base64 of type and seed>.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "ledger/note.h"

namespace keyturn::ledger {

class LogKey {
 public:
  // kInvalid for a name that no key may have.
  static Result<LogKey> generate(std::string_view origin, Random& random);
  // kCorrupt; the message does not repeat the text.
  static Result<LogKey> parse(std::string_view text);
  crypto::Secret text() const;

  const VerifierKey& verifier() const { return verifier_; }
  const std::string& origin() const { return verifier_.name; }
  // The whole note: text, blank line, signature.
  Result<std::string> sign(const Checkpoint& checkpoint) const;

 private:
  LogKey(VerifierKey verifier, crypto::Secret seed, crypto::Ed25519Key key)
      : verifier_(std::move(verifier)), seed_(std::move(seed)), key_(std::move(key)) {}
  static Result<LogKey> from_seed(std::string_view origin, crypto::Secret seed);

  VerifierKey verifier_;
  crypto::Secret seed_;
  crypto::Ed25519Key key_;
};

}  // namespace keyturn::ledger
