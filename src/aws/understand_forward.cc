#include <algorithm>
#include <array>

#include "aws/understand_parts.h"
#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

// Of the first hop only.
constexpr std::array<std::string_view, 5> kDropped = {"x-amz-date", "x-amz-security-token",
                                                      "x-amz-content-sha256",
                                                      "x-amz-s3session-token", "x-amz-region-set"};
constexpr std::array<std::string_view, 13> kPlain = {"content-type",
                                                     "content-md5",
                                                     "content-encoding",
                                                     "content-language",
                                                     "content-disposition",
                                                     "cache-control",
                                                     "expires",
                                                     "range",
                                                     "accept",
                                                     "accept-encoding",
                                                     "user-agent",
                                                     "smithy-protocol",
                                                     "if-match"};
constexpr std::array<std::string_view, 4> kPlainPrefixes = {"x-amz-", "x-amzn-", "amz-sdk-", "if-"};
// Neither what is asked nor of whom: they differ between identical retries, or follow from the
// body, which has a digest of its own.
constexpr std::array<std::string_view, 12> kMeaningless = {
    "user-agent",        "x-amz-user-agent", "accept",       "accept-encoding",
    "content-md5",       "x-amz-trailer",    "x-amz-te",     "x-amz-sdk-checksum-algorithm",
    "x-amzn-query-mode", "x-amzn-trace-id",  "x-amz-target", "x-amz-decoded-content-length"};
constexpr std::array<std::string_view, 3> kMeaninglessPrefixes = {"amz-sdk-", "x-amz-checksum-crc",
                                                                  "x-amz-checksum-sha"};
// S3 takes these with any operation.
constexpr std::array<std::string_view, 9> kS3Common = {"x-amz-user-agent",
                                                       "x-amz-trailer",
                                                       "x-amz-te",
                                                       "x-amz-decoded-content-length",
                                                       "x-amz-sdk-checksum-algorithm",
                                                       "x-amz-request-payer",
                                                       "x-amz-expected-bucket-owner",
                                                       "x-amz-checksum-mode",
                                                       "x-amz-optional-object-attributes"};

// In a form: what a signature of version 2 adds to the members.
constexpr std::array<std::string_view, 6> kOlderSignature = {"AWSAccessKeyId",  "Signature",
                                                             "SignatureMethod", "SignatureVersion",
                                                             "SecurityToken",   "Timestamp"};

template <std::size_t size>
bool is_among(std::string_view name, const std::array<std::string_view, size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <std::size_t size>
bool has_prefix(std::string_view name, const std::array<std::string_view, size>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_token(const Operation* operation, char place, std::string_view name) {
  bool found = false;
  if (operation == nullptr) return false;
  for_each_piece(operation->tokens, ',', [&](std::string_view path) {
    found = found ||
            (path.size() > 2 && path.front() == place && equal_ignoring_case(path.substr(2), name));
  });
  return found;
}

// `aws-chunked` frames the body between client and gateway; the rest is the object's coding.
std::string without_chunked(std::string_view codings) {
  std::string kept;
  for_each_piece(codings, ',', [&](std::string_view coding) {
    if (equal_ignoring_case(trim(coding), "aws-chunked")) return;
    if (!kept.empty()) kept += ',';
    kept += trim(coding);
  });
  return kept;
}

}  // namespace

bool is_place(const Operation& operation, char place, std::string_view name) {
  bool found = false;
  for_each_piece(operation.places, ',', [&](std::string_view cell) {
    if (cell.empty() || found) return;
    const char kind = cell.front();
    cell.remove_prefix(cell.size() > 1 && cell[1] == '!' ? 2 : 1);
    if (kind == 'p' && place == 'h') {
      found = cell.size() < name.size() && equal_ignoring_case(name.substr(0, cell.size()), cell);
    } else if (kind == place) {
      found = cell == "*" || (place == 'h' ? equal_ignoring_case(cell, name) : cell == name);
    }
  });
  return found;
}

Result<http::Headers> forward_headers(const Recognised& recognised, const http::RequestHead& head) {
  http::Headers headers;
  for (const auto& [name, value] : head.headers) {
    const std::string lower = to_lower(name);
    const bool known = is_among(lower, kPlain) || has_prefix(lower, kPlainPrefixes) ||
                       (recognised.operation != nullptr && lower != "host" &&
                        lower != "authorization" && is_place(*recognised.operation, 'h', lower));
    const bool asked_for =
        recognised.operation != nullptr && is_place(*recognised.operation, 'h', lower);
    const bool secret = lower == "x-amz-security-token" || lower == "x-amz-s3session-token";
    if (!known || secret || (is_among(lower, kDropped) && !asked_for)) continue;
    if (head.headers.count(name) > 1) {
      return fail(Code::kInvalid, "the header field `{}` is repeated", printable(lower, 64));
    }
    headers.add(name, value);
  }
  return headers;
}

std::optional<std::string> find_unknown_part(const Recognised& recognised,
                                             const http::Headers& headers) {
  const Operation& operation = *recognised.operation;
  const std::size_t question = operation.uri.find('?');
  for (const Field& field : recognised.target.query) {
    bool known = field.name == "x-id" || is_place(operation, 'q', field.name);
    if (question != std::string_view::npos) {
      for_each_piece(operation.uri.substr(question + 1), '&', [&](std::string_view pair) {
        known = known || pair.substr(0, pair.find('=')) == field.name;
      });
    }
    if (!known) return field.name;
    const auto same = [&](const Field& other) { return other.name == field.name; };
    if (std::count_if(recognised.target.query.begin(), recognised.target.query.end(), same) > 1) {
      return field.name;
    }
  }
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (!lower.starts_with("x-amz-") || is_among(lower, kS3Common)) continue;
    if (has_prefix(lower, kMeaninglessPrefixes) || is_place(operation, 'h', lower)) continue;
    return lower;
  }
  return std::nullopt;
}

std::optional<std::string> find_unknown_member(const Operation& operation, const Json& body) {
  const auto* members = body.if_object();
  if (members == nullptr || operation.body_names == "*") return std::nullopt;
  for (const auto& [name, value] : *members) {
    bool known = is_among(name, kOlderSignature);
    for_each_piece(operation.body_names, ',',
                   [&](std::string_view other) { known = known || other == name; });
    if (!known) return name;
  }
  return std::nullopt;
}

Result<void> check_queue_path(const Recognised& recognised, const Json& body) {
  const bool sqs = recognised.service != nullptr && recognised.service->name == "sqs";
  if (!sqs || recognised.target.segments.empty()) return {};
  const Json* url = body.find("QueueUrl");
  if (url == nullptr) return {};  // any queue
  const std::string text = text_of(*url).value_or("");
  const std::string path = write_path(recognised.target.segments, recognised.target.trailing_slash);
  const std::size_t host = text.find("://");
  if (host != std::string::npos && text.find('/', host + 3) != std::string::npos &&
      text.substr(text.find('/', host + 3)) == path) {
    return {};
  }
  return fail(Code::kInvalid, "the path names another queue than `QueueUrl`; send it to `/`");
}

std::string write_canonical_request(const Action& action, const Recognised& recognised,
                                    const Forward& forward, std::string_view canonical_body) {
  Json headers = Json::Object{};
  for (const auto& [name, value] : forward.headers) {
    const std::string lower = to_lower(name);
    if (is_among(lower, kMeaningless) || has_prefix(lower, kMeaninglessPrefixes)) continue;
    if (is_token(recognised.operation, 'h', lower)) continue;
    std::string text = lower == "content-encoding" ? without_chunked(value) : value;
    if (text.empty()) continue;
    headers.set(lower, is_valid_utf8(text) ? Json(std::move(text))
                                           : Json::object({{"$base64", base64_encode(text)}}));
  }
  Json::Array query;
  // A form that came in the URL is the body.
  if (recognised.form.empty()) {
    for (const Field& field : recognised.target.query) {
      if (is_token(recognised.operation, 'q', field.name)) continue;
      query.push_back(Json::array({field.name, field.value}));
    }
  }
  const std::string_view path =
      std::string_view(forward.target).substr(0, forward.target.find('?'));
  return to_canonical(Json::object({
      {"version", 1},
      {"door", action.door},
      {"account", action.account},
      {"region", action.region},
      {"signing_region", forward.region},
      {"service", action.service},
      {"signing_name", forward.signing_name},
      {"operation", recognised.name},
      {"protocol", to_string(recognised.protocol)},
      {"host_prefix", forward.host_prefix},
      {"method", forward.method},
      {"path", path},
      {"query", std::move(query)},
      {"headers", std::move(headers)},
      {"body_sha256", crypto::sha256(canonical_body).hex()},
  }));
}

}  // namespace keyturn::aws
