#include "ledger/log_key.h"

namespace keyturn::ledger {
namespace {

constexpr std::string_view kPrefix = "PRIVATE+KEY+";
constexpr char kType = static_cast<char>(KeyType::kEd25519);

}  // namespace

Result<LogKey> LogKey::from_seed(std::string_view origin, crypto::Secret seed) {
  TRY(crypto::Ed25519Key key, crypto::Ed25519Key::from_seed(seed.view()));
  TRY(VerifierKey verifier, VerifierKey::create(origin, KeyType::kEd25519, key.public_key()));
  return LogKey(std::move(verifier), std::move(seed), std::move(key));
}

Result<LogKey> LogKey::generate(std::string_view origin, Random& random) {
  std::string bytes = random.bytes(crypto::Ed25519Key::kSeedBytes);
  crypto::Secret seed(bytes);
  crypto::wipe(bytes);
  return from_seed(origin, std::move(seed));
}

Result<LogKey> LogKey::parse(std::string_view text) {
  const auto wrong = [] {
    return fail(Code::kCorrupt, "is no log key: it must be `PRIVATE+KEY+<name>+<id>+<key>`");
  };
  if (!text.starts_with(kPrefix)) return wrong();
  text.remove_prefix(kPrefix.size());
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return wrong();
  auto material = base64_decode(text.substr(second + 1));
  if (!material) return wrong();
  const bool fits =
      material->size() == 1 + crypto::Ed25519Key::kSeedBytes && material->front() == kType;
  crypto::Secret seed(fits ? std::string_view(*material).substr(1) : std::string_view());
  crypto::wipe(*material);
  if (!fits) return wrong();
  auto key = from_seed(text.substr(0, first), std::move(seed));
  if (!key || hex_encode(key->verifier().id) != text.substr(first + 1, second - first - 1)) {
    return wrong();
  }
  return key;
}

crypto::Secret LogKey::text() const {
  std::string material(1, kType);
  material += seed_.view();
  std::string encoded = base64_encode(material);
  crypto::wipe(material);
  std::string whole =
      fmt::format("{}{}+{}+{}", kPrefix, verifier_.name, hex_encode(verifier_.id), encoded);
  crypto::wipe(encoded);
  crypto::Secret secret(whole);
  crypto::wipe(whole);
  return secret;
}

Result<std::string> LogKey::sign(const Checkpoint& checkpoint) const {
  CHECK(checkpoint.origin == verifier_.name);
  const std::string text = checkpoint.text();
  TRY(const std::string line, sign_note(text, verifier_, key_));
  return text + "\n" + line;
}

}  // namespace keyturn::ledger
