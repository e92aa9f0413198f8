#include "ledger/note.h"

#include <algorithm>
#include <charconv>

namespace keyturn::ledger {
namespace {

constexpr std::string_view kDash = "\u2014 ";
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kSignatureBytes = 64;

// Unicode's White_Space, as UTF-8.
constexpr std::string_view kSpaces[] = {
    "\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00a0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

bool is_key_name(std::string_view name) {
  const auto has = [name](std::string_view part) { return name.find(part) != std::string::npos; };
  return !name.empty() && is_valid_utf8(name) && !has("+") &&
         std::none_of(std::begin(kSpaces), std::end(kSpaces), has);
}

std::string key_id(std::string_view name, KeyType type, std::string_view public_key) {
  crypto::Sha256 hash;
  hash.update(name);
  const std::array<char, 2> between = {'\n', static_cast<char>(type)};
  hash.update({between.data(), between.size()});
  hash.update(public_key);
  return std::string(hash.finish().view().substr(0, kIdBytes));
}

bool is_note_text(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20U && c != '\n'; };
  return text.ends_with('\n') && is_valid_utf8(text) &&
         std::none_of(text.begin(), text.end(), is_control);
}

Result<std::string> check_text(std::string_view text) {
  if (is_note_text(text)) return std::string(text);
  return fail(Code::kInvalid,
              "a note's text is UTF-8, ends with a newline and has no other control characters");
}

std::string line_of(const VerifierKey& key, std::string_view signature) {
  return fmt::format("{}{} {}\n", kDash, key.name, base64_encode(key.id + std::string(signature)));
}

std::string cosigned_message(std::string_view text, std::uint64_t seconds) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
}

std::string big_endian(std::uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> static_cast<unsigned>(shift) & 0xFFU));
  }
  return bytes;
}

std::uint64_t from_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

Result<Note::Signature> parse_signature(std::string_view line) {
  const auto wrong = [line] {
    return fail(Code::kInvalid, "`{}` is no signature line", printable(line, 100));
  };
  if (!line.starts_with(kDash)) return wrong();
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return wrong();
  const auto bytes = base64_decode(line.substr(space + 1));
  if (!bytes || bytes->size() <= kIdBytes) return wrong();
  return Note::Signature{std::string(line.substr(0, space)), bytes->substr(0, kIdBytes),
                         bytes->substr(kIdBytes)};
}

// Nothing when the signature does not verify.
std::optional<Verified> verify_one(std::string_view text, const Note::Signature& signature,
                                   const VerifierKey& key) {
  std::string_view bytes = signature.bytes;
  if (key.type == KeyType::kEd25519) {
    if (!crypto::ed25519_verify(key.public_key, text, bytes)) return std::nullopt;
    return Verified{key, std::nullopt};
  }
  if (bytes.size() != kTimeBytes + kSignatureBytes) return std::nullopt;
  const std::uint64_t seconds = from_big_endian(bytes.substr(0, kTimeBytes));
  // Later than microseconds can count is later than any clock.
  if (seconds > static_cast<std::uint64_t>(INT64_MAX) / 1'000'000) return std::nullopt;
  if (!crypto::ed25519_verify(key.public_key, cosigned_message(text, seconds),
                              bytes.substr(kTimeBytes))) {
    return std::nullopt;
  }
  return Verified{key, from_micros(static_cast<std::int64_t>(seconds) * 1'000'000)};
}

// The next line without its newline, taken off `text`; nothing when there is no newline.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

Result<VerifierKey> VerifierKey::create(std::string_view name, KeyType type,
                                        std::string_view public_key) {
  if (!is_key_name(name)) {
    return fail(Code::kInvalid, "the key name `{}` is empty or has a space or `+`",
                printable(name, 100));
  }
  if (public_key.size() != kPublicKeyBytes) {
    return fail(Code::kInvalid, "an Ed25519 public key has {} bytes, not {}", kPublicKeyBytes,
                public_key.size());
  }
  return VerifierKey{std::string(name), key_id(name, type, public_key), type,
                     std::string(public_key)};
}

Result<VerifierKey> VerifierKey::parse(std::string_view vkey) {
  const auto wrong = [vkey](std::string_view why) {
    return fail(Code::kInvalid, "the key `{}` {}", printable(vkey, 200), why);
  };
  // Base64 may hold `+`: the name and the id end at the first two.
  const std::size_t first = vkey.find('+');
  const std::size_t second = first == std::string_view::npos ? first : vkey.find('+', first + 1);
  if (second == std::string_view::npos) return wrong("is not `<name>+<id>+<key>`");
  const std::string_view id = vkey.substr(first + 1, second - first - 1);
  const auto material = base64_decode(vkey.substr(second + 1));
  if (!material || material->size() != 1 + kPublicKeyBytes) {
    return wrong("does not hold a type and an Ed25519 public key");
  }
  const auto type = static_cast<KeyType>(material->front());
  if (type != KeyType::kEd25519 && type != KeyType::kEd25519Cosignature) {
    return wrong("is of a type that is not supported; 1 and 4 are");
  }
  TRY(VerifierKey key, create(vkey.substr(0, first), type, material->substr(1)));
  if (hex_encode(key.id) != id) return wrong("has an id that is not its own");
  return key;
}

std::string VerifierKey::text() const {
  return fmt::format("{}+{}+{}", name, hex_encode(id),
                     base64_encode(std::string(1, static_cast<char>(type)) + public_key));
}

Result<std::string> sign_note(std::string_view text, const VerifierKey& key,
                              const crypto::Ed25519Key& secret) {
  CHECK(key.type == KeyType::kEd25519 && key.public_key == secret.public_key());
  TRY(const std::string message, check_text(text));
  return line_of(key, secret.sign(message));
}

Result<std::string> cosign_note(std::string_view text, const VerifierKey& key,
                                const crypto::Ed25519Key& secret, Time time) {
  CHECK(key.type == KeyType::kEd25519Cosignature && key.public_key == secret.public_key());
  if (to_micros(time) < 0) return fail(Code::kInvalid, "a cosignature's time is before 1970");
  TRY(const std::string message, check_text(text));
  const auto seconds = static_cast<std::uint64_t>(to_micros(time)) / 1'000'000;
  return line_of(key, big_endian(seconds) + secret.sign(cosigned_message(message, seconds)));
}

Result<Note> Note::parse(std::string_view note) {
  if (note.size() > kBytesMax) {
    return fail(Code::kExhausted, "a note of {} bytes is too long; at most {} are read",
                note.size(), kBytesMax);
  }
  if (!is_note_text(note)) {
    return fail(Code::kInvalid, "a note is UTF-8 without control characters but newlines");
  }
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) {
    return fail(Code::kInvalid, "a note needs a blank line before its signatures");
  }
  Note parsed;
  parsed.text = note.substr(0, blank + 1);
  std::string_view rest = note.substr(blank + 2);
  while (const auto line = take_line(rest)) {
    if (parsed.signatures.size() == kSignaturesMax) {
      return fail(Code::kExhausted, "a note has more than {} signatures", kSignaturesMax);
    }
    TRY(Signature signature, parse_signature(*line));
    parsed.signatures.push_back(std::move(signature));
  }
  if (parsed.signatures.empty()) return fail(Code::kInvalid, "a note has no signatures");
  return parsed;
}

Result<std::vector<Verified>> verify_note(const Note& note, const std::vector<VerifierKey>& known) {
  std::vector<Verified> verified;
  for (const Note::Signature& signature : note.signatures) {
    for (const VerifierKey& key : known) {
      if (key.name != signature.name || key.id != signature.id) continue;
      auto one = verify_one(note.text, signature, key);
      if (!one) return fail(Code::kCorrupt, "the signature of `{}` is wrong", key.name);
      // A signature given twice is one: a quorum counts keys.
      const auto is_this_key = [&key](const Verified& other) { return other.key == key; };
      if (std::none_of(verified.begin(), verified.end(), is_this_key)) {
        verified.push_back(std::move(*one));
      }
    }
  }
  if (verified.empty()) return fail(Code::kDenied, "no known key has signed the note");
  return verified;
}

std::string Checkpoint::text() const {
  return fmt::format("{}\n{}\n{}\n", origin, size, base64_encode(root.view()));
}

Result<Checkpoint> Checkpoint::parse(std::string_view text) {
  const auto wrong = [](std::string_view why) {
    return fail(Code::kInvalid, "the checkpoint {}", why);
  };
  Checkpoint checkpoint;
  const auto origin = take_line(text);
  const auto size = take_line(text);
  const auto root = take_line(text);
  if (!origin || !size || !root) return wrong("has fewer than three lines");
  if (!is_key_name(*origin)) return wrong("has an origin that is empty or has a space or `+`");
  checkpoint.origin = *origin;
  const char* const end = size->data() + size->size();
  const auto [stop, error] = std::from_chars(size->data(), end, checkpoint.size);
  const bool plain = error == std::errc() && stop == end && (*size == "0" || size->front() != '0');
  if (!plain) return wrong("has a size that is no plain decimal number");
  const auto bytes = base64_decode(*root);
  if (!bytes || bytes->size() != sizeof(Digest::bytes)) return wrong("has a root that is no hash");
  TRY(checkpoint.root, Digest::from_bytes(*bytes));
  while (!text.empty()) {
    const auto extension = take_line(text);
    if (!extension || extension->empty()) return wrong("has an empty or unfinished extension line");
  }
  return checkpoint;
}

}  // namespace keyturn::ledger
