// What a source of credentials yields: reading the JSON that credential processes, containers and
// instances answer with, and wiping it afterwards. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "vault/vault.h"

namespace keyturn::vault {

// The largest answer of a credential source. Session tokens are below 4 KiB; this leaves room.
inline constexpr std::size_t kAnswerBytesMax = 64U << 10U;

// Whether text can be sent as a header or key id: printable ASCII without spaces, 1 to 4,096 bytes.
bool is_plain_token(std::string_view text);

// `{"AccessKeyId", "SecretAccessKey", <token_member>, "Expiration"}`; further members are ignored.
// Errors name the faulty member and never its value.
Result<Credentials> read_credentials_json(std::string_view text, std::string_view token_member);

// Checks that the parts could be credentials at all. kInvalid.
Result<Credentials> make_credentials(std::string access_key_id, std::string_view secret,
                                     std::string_view token, std::optional<Time> expiry);

Credentials clone(const Credentials& credentials);

}  // namespace keyturn::vault
