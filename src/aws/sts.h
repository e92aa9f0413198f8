// STS calls that the gate answers itself with keys of a session of its own: what upstream handed
// out for them, and the answer. The credentials in upstream's answer never leave what is read here.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/errors.h"
#include "aws/understand.h"
#include "identity/identity.h"
#include "vault/vault.h"

namespace keyturn::aws {

enum class StsCall { kNone, kAssumeRole, kGetFederationToken, kGetSessionToken };
StsCall sts_call_of(const Understood& understood);

// STS's answers are below 8 KiB.
inline constexpr std::uint64_t kStsAnswerBytesMax = 64U << 10U;

// What upstream handed out.
struct HandedOut {
  vault::Credentials credentials;
  std::string arn;  // whom they are
  std::string id;   // `AROA…:name`
  std::optional<std::string> packed_policy_size;
  std::optional<std::string> source_identity;
};
// Of an answer with status 200. Errors never quote it: it holds secrets. kInvalid: it is not
// exactly one set of unexpired credentials for one principal.
Result<HandedOut> read_handed_out(StsCall call, const http::ResponseHead& head,
                                  std::string_view body, Time now);

// What an error answer of STS may tell the client. kInvalid: it is none.
struct StsError {
  std::string code;
  std::string message;
};
Result<StsError> read_sts_error(const http::ResponseHead& head, std::string_view body);

// `arn:aws:sts::123456789012:assumed-role/…` → the account; empty when there is none.
std::string account_of_arn(std::string_view arn);

// How long the keys of a kGetSessionToken are to last. Refuses what the gate cannot do (MFA) and
// what STS would not.
Checked<Duration> session_token_lifetime(const Understood& understood);
// The role that is asked for; empty when none is named.
std::string role_asked_for(const Understood& understood);

// In STS's own shape. `handed` is null for kGetSessionToken. The text holds the session's secret.
std::string write_sts_answer(StsCall call, const identity::SessionKeys& keys, Time expiry,
                             const HandedOut* handed, std::string_view request_id);
std::string write_sts_error(const StsError& error, int status, std::string_view request_id);

}  // namespace keyturn::aws
