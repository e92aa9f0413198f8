#include "aws/sts.h"

#include <algorithm>
#include <charconv>

#include "aws/parameters.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
// STS API reference, GetSessionToken.
constexpr std::int64_t kTokenSecondsLeast = 900;
constexpr std::int64_t kTokenSecondsMost = 129'600;
constexpr std::int64_t kTokenSecondsDefault = 43'200;
// Far above what STS documents for a token; a page of locked memory holds it.
constexpr std::size_t kTokenBytesMax = 16U << 10U;
constexpr std::size_t kArnBytesMax = identity::kActsAsBytesMax;

std::string_view name_of(StsCall call) {
  switch (call) {
    case StsCall::kAssumeRole:
      return "AssumeRole";
    case StsCall::kGetFederationToken:
      return "GetFederationToken";
    case StsCall::kGetSessionToken:
      return "GetSessionToken";
    case StsCall::kNone:
      break;
  }
  return "";
}

Fields fields_of(const Understood& understood) {
  auto fields = read_form(understood.forward.body.value_or(""));
  return fields ? std::move(*fields) : Fields();
}

// One element with text in it; nothing when it is absent, repeated or holds others.
const std::string* only_text(const Json& parent, std::string_view name) {
  const Json* found = parent.find(name);
  return found == nullptr ? nullptr : found->if_string();
}

// Printable ASCII, as keys, tokens, ARNs and ids are.
bool is_plain(const std::string* text, std::size_t bytes_max) {
  return text != nullptr && !text->empty() && text->size() <= bytes_max &&
         std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_plain_xml(const http::ResponseHead& head) {
  const std::string type = to_lower(head.headers.find("content-type").value_or("text/xml"));
  const std::string_view media = trim(std::string_view(type).substr(0, type.find(';')));
  const std::string coding = to_lower(head.headers.find("content-encoding").value_or("identity"));
  return (media == "text/xml" || media == "application/xml") && coding == "identity" &&
         head.headers.count("content-type") <= 1 && head.headers.count("content-encoding") <= 1;
}

Result<HandedOut> take(const Json& result, std::string_view who, std::string_view id, Time now) {
  const Json* credentials = result.find("Credentials");
  const Json* user = result.find(who);
  if (credentials == nullptr || credentials->if_object() == nullptr || user == nullptr ||
      user->if_object() == nullptr) {
    return fail(Code::kInvalid, "upstream's answer does not hold one set of credentials");
  }
  const std::string* key = only_text(*credentials, "AccessKeyId");
  const std::string* secret = only_text(*credentials, "SecretAccessKey");
  const std::string* token = only_text(*credentials, "SessionToken");
  const std::string* expiration = only_text(*credentials, "Expiration");
  const std::string* arn = only_text(*user, "Arn");
  const std::string* user_id = only_text(*user, id);
  if (!is_plain(key, 128) || !is_plain(secret, 256) || !is_plain(token, kTokenBytesMax) ||
      !is_plain(expiration, 64) || !is_plain(arn, kArnBytesMax) || !is_plain(user_id, 256) ||
      account_of_arn(*arn).empty()) {
    return fail(Code::kInvalid,
                "upstream's answer lacks a part of the credentials, or has it twice");
  }
  const auto expiry = parse_time(*expiration);
  if (!expiry || *expiry <= now) {
    return fail(Code::kInvalid, "upstream's answer does not say until when the credentials hold");
  }
  HandedOut handed;
  handed.credentials.access_key_id = *key;
  handed.credentials.secret_access_key = crypto::Secret(*secret);
  handed.credentials.session_token = crypto::Secret(*token);
  handed.credentials.expiry = *expiry;
  handed.arn = *arn;
  handed.id = *user_id;
  if (const std::string* size = only_text(result, "PackedPolicySize"); is_plain(size, 8)) {
    handed.packed_policy_size = *size;
  }
  if (const std::string* source = only_text(result, "SourceIdentity"); is_plain(source, 128)) {
    handed.source_identity = *source;
  }
  return handed;
}

std::string element(std::string_view name, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", name, xml_text(text));
}

// As STS writes it, and as clients of every language read it: no fraction.
std::string whole_seconds(Time time) {
  std::string text = format_time(time);
  return text.substr(0, text.find('.')) + 'Z';
}

}  // namespace

StsCall sts_call_of(const Understood& understood) {
  if (understood.model_service != "sts" || !understood.action.understood) return StsCall::kNone;
  for (const StsCall call :
       {StsCall::kAssumeRole, StsCall::kGetFederationToken, StsCall::kGetSessionToken}) {
    if (understood.action.operation == name_of(call)) return call;
  }
  return StsCall::kNone;
}

std::string account_of_arn(std::string_view arn) {
  std::string_view rest = arn;
  for (int field = 0; field < 4; ++field) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return {};
    rest.remove_prefix(colon + 1);
  }
  const std::string_view account = rest.substr(0, rest.find(':'));
  const bool digits =
      account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos;
  return arn.starts_with("arn:") && digits ? std::string(account) : std::string();
}

Result<HandedOut> read_handed_out(StsCall call, const http::ResponseHead& head,
                                  std::string_view body, Time now) {
  if (!is_plain_xml(head)) return fail(Code::kInvalid, "upstream's answer is no plain XML");
  auto xml = read_xml(body);
  if (!xml) return fail(Code::kInvalid, "upstream's answer is malformed");
  const std::string name(name_of(call));
  const Json* result = xml->root == fmt::format("{}Response", name)
                           ? xml->value.find(fmt::format("{}Result", name))
                           : nullptr;
  Result<HandedOut> handed = fail(Code::kInvalid, "upstream's answer is not one of {}", name);
  if (result != nullptr && result->if_object() != nullptr) {
    const bool role = call == StsCall::kAssumeRole;
    handed = take(*result, role ? "AssumedRoleUser" : "FederatedUser",
                  role ? "AssumedRoleId" : "FederatedUserId", now);
  }
  crypto::wipe(xml->encoded);
  return handed;
}

Result<StsError> read_sts_error(const http::ResponseHead& head, std::string_view body) {
  if (!is_plain_xml(head)) return fail(Code::kInvalid, "upstream's error is no plain XML");
  const auto xml = read_xml(body);
  const Json* error = xml && xml->root == "ErrorResponse" ? xml->value.find("Error") : nullptr;
  const std::string* code = error == nullptr ? nullptr : only_text(*error, "Code");
  const std::string* message = error == nullptr ? nullptr : only_text(*error, "Message");
  constexpr std::string_view kOfCodes =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.";
  if (!is_plain(code, 128) || code->find_first_not_of(kOfCodes) != std::string::npos ||
      message == nullptr) {
    return fail(Code::kInvalid, "upstream's error is malformed");
  }
  return StsError{*code, printable(*message, 1'000)};
}

Checked<Duration> session_token_lifetime(const Understood& understood) {
  const Fields fields = fields_of(understood);
  if (find_field(fields, "SerialNumber") != nullptr || find_field(fields, "TokenCode") != nullptr) {
    return refuse(Fault::kUnsupported,
                  "the gate does not check MFA codes; ask without SerialNumber and TokenCode");
  }
  std::int64_t seconds = kTokenSecondsDefault;
  if (const std::string* text = find_field(fields, "DurationSeconds")) {
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, seconds);
    if (error != std::errc() || stop != end || seconds < kTokenSecondsLeast ||
        seconds > kTokenSecondsMost) {
      return refuse(Fault::kMalformed, "DurationSeconds must be a number from {} to {}",
                    kTokenSecondsLeast, kTokenSecondsMost);
    }
  }
  return Duration(std::chrono::seconds(seconds));
}

std::string role_asked_for(const Understood& understood) {
  const Fields fields = fields_of(understood);
  const std::string* role = find_field(fields, "RoleArn");
  return role == nullptr ? std::string() : *role;
}

std::string write_sts_answer(StsCall call, const identity::SessionKeys& keys, Time expiry,
                             const HandedOut* handed, std::string_view request_id) {
  const std::string_view name = name_of(call);
  std::string text = fmt::format("<{0}Response xmlns=\"{1}\"><{0}Result>", name, kNamespace);
  text += "<Credentials>";
  text += element("AccessKeyId", keys.access_key_id);
  text += element("SecretAccessKey", keys.secret_access_key.view());
  text += element("SessionToken", keys.session_token.view());
  text += element("Expiration", whole_seconds(expiry));
  text += "</Credentials>";
  if (handed != nullptr) {
    const bool role = call == StsCall::kAssumeRole;
    const std::string_view who = role ? "AssumedRoleUser" : "FederatedUser";
    text += fmt::format("<{}>", who);
    text += element(role ? "AssumedRoleId" : "FederatedUserId", handed->id);
    text += element("Arn", handed->arn);
    text += fmt::format("</{}>", who);
    if (handed->packed_policy_size)
      text += element("PackedPolicySize", *handed->packed_policy_size);
    if (handed->source_identity) text += element("SourceIdentity", *handed->source_identity);
  }
  text += fmt::format(
      "</{0}Result><ResponseMetadata><RequestId>{1}</RequestId></ResponseMetadata>"
      "</{0}Response>",
      name, xml_text(request_id));
  return text;
}

std::string write_sts_error(const StsError& error, int status, std::string_view request_id) {
  return fmt::format(
      "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type>{}{}</Error>{}</ErrorResponse>",
      kNamespace, status < 500 ? "Sender" : "Receiver", element("Code", error.code),
      element("Message", error.message), element("RequestId", request_id));
}

}  // namespace keyturn::aws
