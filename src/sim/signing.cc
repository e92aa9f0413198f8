#include "sim/signing.h"

#include <map>

#include "crypto/crypto.h"

namespace keyturn::sim {
namespace {

constexpr std::string_view kRegion = "us-east-1";
constexpr std::string_view kService = "dynamodb";

// `20260123T054717Z` from `2026-01-23T05:47:17.000000Z`.
std::string timestamp_of(Time now) {
  std::string text;
  for (const char c : format_time(now).substr(0, 19)) {
    if (c != '-' && c != ':') text.push_back(c);
  }
  return text + "Z";
}

}  // namespace

http::RequestHead sign_dynamodb(const SessionKeys& keys, const std::string& operation,
                                const std::string& body, Time now) {
  const std::string timestamp = timestamp_of(now);
  const std::string date = timestamp.substr(0, 8);
  const std::map<std::string, std::string> fields = {
      {"content-type", "application/x-amz-json-1.0"},
      {"host", "127.0.0.1:7312"},
      {"x-amz-date", timestamp},
      {"x-amz-security-token", keys.session_token},
      {"x-amz-target", "DynamoDB_20120810." + operation}};
  http::RequestHead head{.method = "POST", .target = "/", .headers = {}};
  std::string names;
  std::string canonical = "POST\n/\n\n";
  for (const auto& [name, value] : fields) {
    head.headers.add(name, value);
    canonical += fmt::format("{}:{}\n", name, value);
    if (!names.empty()) names += ";";
    names += name;
  }
  canonical += fmt::format("\n{}\n{}", names, crypto::sha256(body).hex());
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", date, kRegion, kService);
  const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", timestamp, scope,
                                       crypto::sha256(canonical).hex());
  const auto key = crypto::sigv4_signing_key(keys.secret_access_key, date, kRegion, kService);
  head.headers.add(
      "authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                  keys.access_key_id, scope, names, crypto::hmac_sha256(key.view(), text).hex()));
  return head;
}

}  // namespace keyturn::sim
