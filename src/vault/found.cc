#include "vault/found.h"

#include "base/json.h"

namespace keyturn::vault {
namespace {

constexpr std::size_t kTokenBytesMax = 16U << 10U;  // AWS documents 4 KiB and may grow it
constexpr std::size_t kKeyBytesMax = 128;           // of ids and secrets (IAM API reference)

// Overwrites every string inside, so that no copy of a secret stays in freed memory.
void wipe_all(Json& value) {
  if (auto* object = value.if_object()) {
    for (auto& [key, member] : *object) {
      if (const auto* text = member.if_string()) {
        std::string copy = *text;
        member = Json();
        crypto::wipe(copy);
      } else {
        wipe_all(member);
      }
    }
  }
}

Result<std::string> member_text(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  if (member == nullptr || member->if_string() == nullptr) {
    return fail(Code::kInvalid, "`{}` is missing or no string", key);
  }
  return *member->if_string();
}

Result<Credentials> from_json(const Json& json, std::string_view token_member) {
  TRY(auto id, member_text(json, "AccessKeyId"));
  TRY(auto secret, member_text(json, "SecretAccessKey"));
  std::string token = json.string_or(token_member, "");
  std::optional<Time> expiry;
  if (const Json* member = json.find("Expiration"); member != nullptr && !member->is_null()) {
    const std::string* text = member->if_string();
    auto parsed = text == nullptr ? fail(Code::kInvalid, "no string") : parse_time(*text);
    if (!parsed) {
      crypto::wipe(secret);
      crypto::wipe(token);
      return fail(Code::kInvalid, "`Expiration` is no RFC 3339 time in UTC");
    }
    expiry = *parsed;
  }
  auto made = make_credentials(std::move(id), secret, token, expiry);
  crypto::wipe(secret);
  crypto::wipe(token);
  return made;
}

}  // namespace

bool is_plain_token(std::string_view text) {
  if (text.empty() || text.size() > kTokenBytesMax) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7F) return false;
  }
  return true;
}

Result<Credentials> make_credentials(std::string access_key_id, std::string_view secret,
                                     std::string_view token, std::optional<Time> expiry) {
  if (!is_plain_token(access_key_id) || access_key_id.size() > kKeyBytesMax ||
      access_key_id.find_first_of("/,=") != std::string::npos) {
    return fail(Code::kInvalid,
                "the access key id is empty, too long or holds a character that none has");
  }
  if (!is_plain_token(secret) || secret.size() > kKeyBytesMax) {
    return fail(Code::kInvalid,
                "the secret access key is empty, too long or holds a space or control");
  }
  if (!token.empty() && !is_plain_token(token)) {
    return fail(Code::kInvalid, "the session token is too long or holds a space or control");
  }
  Credentials credentials;
  credentials.access_key_id = std::move(access_key_id);
  credentials.secret_access_key = crypto::Secret(secret);
  credentials.session_token = crypto::Secret(token);
  credentials.expiry = expiry;
  return credentials;
}

Result<Credentials> read_credentials_json(std::string_view text, std::string_view token_member) {
  auto json = parse_strict(text, JsonLimits{.bytes_max = kAnswerBytesMax, .depth_max = 8});
  // The parser's message may quote what it read: say less.
  if (!json || !json->is_object()) return fail(Code::kInvalid, "the answer is no JSON object");
  auto credentials = from_json(*json, token_member);
  wipe_all(*json);
  return credentials;
}

Credentials clone(const Credentials& credentials) {
  Credentials copy;
  copy.access_key_id = credentials.access_key_id;
  copy.secret_access_key = credentials.secret_access_key.clone();
  copy.session_token = credentials.session_token.clone();
  copy.expiry = credentials.expiry;
  return copy;
}

}  // namespace keyturn::vault
