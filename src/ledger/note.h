// Signed notes, checkpoints and cosignatures (c2sp.org/signed-note, /tlog-checkpoint,
// /tlog-cosignature). Pure functions and values. A note is text with signatures under it; a
// checkpoint is a note's text that names a tree; a witness signs a checkpoint together with the
// time it saw it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace keyturn::ledger {

// The first byte of the key material in a vkey.
enum class KeyType : unsigned char {
  kEd25519 = 0x01,             // signs the note's text: logs
  kEd25519Cosignature = 0x04,  // signs it with a time: witnesses
};

// Who may sign: public and immutable. `<name>+<id>+<base64 of type and public key>`.
struct VerifierKey {
  std::string name;
  std::string id;  // 4 bytes: SHA-256(name || 0x0A || type || public key), cut
  KeyType type = KeyType::kEd25519;
  std::string public_key;

  // kInvalid for a name with spaces or `+`, and for a public key that is not 32 bytes.
  static Result<VerifierKey> create(std::string_view name, KeyType type,
                                    std::string_view public_key);
  // kInvalid also when the id is not the key's, or the type is not one of ours.
  static Result<VerifierKey> parse(std::string_view vkey);
  std::string text() const;
  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;
};

// Signature lines, `— <name> <base64 of id and signature>\n`, over a text that ends with a newline.
Result<std::string> sign_note(std::string_view text, const VerifierKey& key,
                              const crypto::Ed25519Key& secret);
Result<std::string> cosign_note(std::string_view text, const VerifierKey& key,
                                const crypto::Ed25519Key& secret, Time time);

// A text, a blank line, and signature lines.
struct Note {
  struct Signature {
    std::string name;
    std::string id;     // 4 bytes
    std::string bytes;  // what follows the id
  };
  static constexpr std::size_t kBytesMax = 1U << 20U;  // a checkpoint has some hundred
  static constexpr std::size_t kSignaturesMax = 100;   // a log and its witnesses are a few
  std::string text;
  std::vector<Signature> signatures;

  // kInvalid with the reason; kExhausted past a limit.
  static Result<Note> parse(std::string_view note);
};

struct Verified {
  VerifierKey key;
  std::optional<Time> time;  // of a cosignature; whether it is fresh is the caller's to judge
};
// The known keys that have signed, each once. kDenied when there is none; kCorrupt when a known
// key's signature is wrong, whatever others say.
Result<std::vector<Verified>> verify_note(const Note& note, const std::vector<VerifierKey>& known);

struct Checkpoint {
  std::string origin;  // schema-less URL: `ledger.example/agents`
  std::uint64_t size = 0;
  Digest root;

  std::string text() const;
  // Extension lines are accepted and not kept.
  static Result<Checkpoint> parse(std::string_view text);
};

}  // namespace keyturn::ledger
