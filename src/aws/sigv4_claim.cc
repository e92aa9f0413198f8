// Reading what a request claims: the Authorization header or the query of a presigned URL.
#include <algorithm>
#include <array>
#include <charconv>

#include "aws/sigv4.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kEcdsaAlgorithm = "AWS4-ECDSA-P256-SHA256";
constexpr std::size_t kEcdsaDigitsMax = 144;  // 72 bytes of DER
constexpr std::size_t kNameBytesMax = 64;     // of a region or service in a scope
constexpr std::size_t kKeyIdBytesMax = 128;   // IAM API reference

bool is_all(std::string_view text, std::string_view alphabet) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kWord =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::optional<Time> to_time(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

// YYYYMMDDTHHMMSSZ.
std::optional<Time> read_timestamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  if (!is_all(text.substr(0, 8), kDigits) || !is_all(text.substr(9, 6), kDigits)) {
    return std::nullopt;
  }
  return to_time(number(text.substr(0, 4)), number(text.substr(4, 2)), number(text.substr(6, 2)),
                 number(text.substr(9, 2)), number(text.substr(11, 2)), number(text.substr(13, 2)));
}

// RFC 9110 section 5.6.7, the preferred form alone: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::optional<Time> read_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT") ||
      text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const auto* month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  for (const std::size_t at : {5U, 12U, 14U, 17U, 20U, 23U}) {
    if (!is_all(text.substr(at, 2), kDigits)) return std::nullopt;
  }
  return to_time(number(text.substr(12, 4)), static_cast<int>(month - kMonths.begin()) + 1,
                 number(text.substr(5, 2)), number(text.substr(17, 2)), number(text.substr(20, 2)),
                 number(text.substr(23, 2)));
}

Checked<void> read_credential(std::string_view text, Claim& claim) {
  auto parts = split(text, '/');
  const bool regional = claim.with == SignedWith::kV4;
  if (parts.size() != (regional ? 5U : 4U) || parts.back() != "aws4_request") {
    return refuse(Fault::kIncompleteSignature,
                  "the credential must be KEY/DATE/{}SERVICE/aws4_request",
                  regional ? "REGION/" : "");
  }
  // The region set says it later.
  if (!regional) parts.insert(parts.begin() + 2, "none");
  if (parts[0].empty() || parts[0].size() > kKeyIdBytesMax || !is_all(parts[0], kWord)) {
    return refuse(Fault::kUnknownKey,
                  "the access key id is empty, too long or holds a character "
                  "that none has");
  }
  if (parts[1].size() != 8 || !is_all(parts[1], kDigits)) {
    return refuse(Fault::kIncompleteSignature, "the date of the credential must be YYYYMMDD");
  }
  for (const std::size_t at : {2U, 3U}) {
    if (parts[at].empty() || parts[at].size() > kNameBytesMax || !is_all(parts[at], kWord)) {
      return refuse(Fault::kIncompleteSignature,
                    "the region or service of the credential is no name");
    }
  }
  claim.access_key_id = parts[0];
  claim.date = parts[1];
  if (regional) claim.region = parts[2];
  claim.service = parts[3];
  return {};
}

Checked<void> read_signed_headers(std::string_view text, Claim& claim) {
  for (const std::string_view name : split(text, ';')) {
    if (name.empty() || to_lower(name) != name) {
      return refuse(Fault::kIncompleteSignature,
                    "SignedHeaders must be lower-case names separated by `;`");
    }
    if (!claim.signed_headers.empty() && claim.signed_headers.back() >= name) {
      return refuse(Fault::kIncompleteSignature, "SignedHeaders must be sorted and distinct");
    }
    if (claim.signed_headers.size() == kSignedHeadersMax) {
      return refuse(Fault::kIncompleteSignature, "more than {} signed headers", kSignedHeadersMax);
    }
    claim.signed_headers.emplace_back(name);
  }
  return {};
}

Checked<void> read_signature(std::string_view text, Claim& claim) {
  if (claim.with == SignedWith::kV4a) {
    if (text.size() < 16 || text.size() > kEcdsaDigitsMax || text.size() % 2 != 0 ||
        !is_all(text, kHex)) {
      return refuse(Fault::kIncompleteSignature,
                    "the signature must be an ECDSA signature in lower-case hex digits");
    }
  } else if (text.size() != 64 || !is_all(text, kHex)) {
    return refuse(Fault::kIncompleteSignature, "the signature must be 64 lower-case hex digits");
  }
  claim.signature = text;
  return {};
}

Checked<void> refuse_sigv2() {
  return refuse(Fault::kUnsupported,
                "SigV2 is not verified here; sign with SigV4: for boto3 "
                "`Config(signature_version='s3v4')`, for s3cmd `signature_v2 = False`");
}

Checked<void> read_algorithm(std::string_view algorithm, Claim& claim) {
  if (algorithm == kAlgorithm || algorithm == kEcdsaAlgorithm) {
    claim.with = algorithm == kAlgorithm ? SignedWith::kV4 : SignedWith::kV4a;
    return {};
  }
  if (algorithm == "AWS") return refuse_sigv2();
  return refuse(Fault::kIncompleteSignature, "unknown signing algorithm `{}`; sign with `{}`",
                printable(algorithm, 64), kAlgorithm);
}

Checked<void> read_authorization(std::string_view value, Claim& claim) {
  const std::size_t space = std::min(value.find(' '), value.size());
  if (auto known = read_algorithm(value.substr(0, space), claim); !known) return known;
  std::optional<std::string_view> credential;
  std::optional<std::string_view> headers;
  std::optional<std::string_view> signature;
  for (const std::string_view part : split(value.substr(space), ',')) {
    const std::string_view field = trim(part);
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view name = field.substr(0, equals);
    auto* target = name == "Credential"      ? &credential
                   : name == "SignedHeaders" ? &headers
                   : name == "Signature"     ? &signature
                                             : nullptr;
    if (target == nullptr || target->has_value() || equals == field.size()) {
      return refuse(Fault::kIncompleteSignature,
                    "Authorization must hold Credential, SignedHeaders and Signature, once each");
    }
    *target = field.substr(equals + 1);
  }
  if (!credential || !headers || !signature) {
    return refuse(Fault::kIncompleteSignature,
                  "Authorization must hold Credential, SignedHeaders and Signature, once each");
  }
  if (auto read = read_credential(*credential, claim); !read) return read;
  if (auto read = read_signed_headers(*headers, claim); !read) return read;
  return read_signature(*signature, claim);
}

Checked<void> read_header_time(const http::Headers& headers, Claim& claim) {
  if (const auto amz_date = headers.find("x-amz-date")) {
    const auto time = read_timestamp(*amz_date);
    if (!time) return refuse(Fault::kIncompleteSignature, "X-Amz-Date must be YYYYMMDDTHHMMSSZ");
    claim.timestamp = *amz_date;
    claim.time = *time;
    return {};
  }
  const auto date = headers.find("date");
  if (!date) {
    return refuse(Fault::kIncompleteSignature, "a signed request needs X-Amz-Date or Date");
  }
  auto time = read_http_date(*date);
  if (!time) time = read_timestamp(*date);
  if (!time) return refuse(Fault::kIncompleteSignature, "Date is no HTTP date");
  claim.timestamp = format_timestamp(*time);
  claim.time = *time;
  return {};
}

// The parameters of a presigned URL, each at most once, in their exact spelling.
struct Presigned {
  std::optional<std::string> algorithm, credential, date, expires, headers, signature, token,
      content_sha256, region_set;
};

std::optional<std::string>* place_of(Presigned& presigned, std::string_view name) {
  struct Place {
    std::string_view name;
    std::optional<std::string> Presigned::* member;
  };
  constexpr Place kPlaces[] = {{"X-Amz-Algorithm", &Presigned::algorithm},
                               {"X-Amz-Credential", &Presigned::credential},
                               {"X-Amz-Date", &Presigned::date},
                               {"X-Amz-Expires", &Presigned::expires},
                               {"X-Amz-SignedHeaders", &Presigned::headers},
                               {"X-Amz-Signature", &Presigned::signature},
                               {"X-Amz-Security-Token", &Presigned::token},
                               {"X-Amz-Region-Set", &Presigned::region_set},
                               {"X-Amz-Content-Sha256", &Presigned::content_sha256}};
  for (const Place& place : kPlaces) {
    if (equal_ignoring_case(place.name, name)) return &(presigned.*place.member);
  }
  return nullptr;
}

Checked<Presigned> read_presigned(std::string_view query) {
  Presigned presigned;
  if (query.empty()) return presigned;
  std::size_t count = 0;
  for (const std::string_view pair : split(query, '&')) {
    if (++count > kQueryParametersMax) {
      return refuse(Fault::kMalformed, "more than {} query parameters", kQueryParametersMax);
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals));
    if (!name) return refuse(Fault::kMalformed, "the query string has a broken percent escape");
    if (*name == "AWSAccessKeyId" || *name == "Signature") {
      auto refused = refuse_sigv2();
      return tl::unexpected<Refused>(std::move(refused).error());
    }
    auto* place = place_of(presigned, *name);
    if (place == nullptr) continue;
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return refuse(Fault::kMalformed, "`{}` has a broken percent escape", *name);
    if (place->has_value()) return refuse(Fault::kMalformed, "`{}` is there twice", *name);
    if (!name->starts_with("X-Amz-")) {
      return refuse(Fault::kMalformed, "`{}` must be spelled as in `X-Amz-Signature`",
                    printable(*name, 64));
    }
    *place = *value;
  }
  return presigned;
}

Checked<void> use_presigned(const Presigned& presigned, Claim& claim) {
  if (auto known = read_algorithm(presigned.algorithm.value_or(""), claim); !known) return known;
  if (!presigned.credential || !presigned.date || !presigned.expires || !presigned.headers ||
      !presigned.signature) {
    return refuse(Fault::kIncompleteSignature,
                  "a presigned URL needs X-Amz-Credential, X-Amz-Date, X-Amz-Expires, "
                  "X-Amz-SignedHeaders and X-Amz-Signature");
  }
  claim.by = SignedBy::kQuery;
  if (auto read = read_credential(*presigned.credential, claim); !read) return read;
  if (auto read = read_signed_headers(*presigned.headers, claim); !read) return read;
  if (auto read = read_signature(*presigned.signature, claim); !read) return read;
  const auto time = read_timestamp(*presigned.date);
  if (!time) return refuse(Fault::kIncompleteSignature, "X-Amz-Date must be YYYYMMDDTHHMMSSZ");
  claim.timestamp = *presigned.date;
  claim.time = *time;
  const std::string& expires = *presigned.expires;
  const bool is_number = !expires.empty() && expires.size() <= 6 && is_all(expires, kDigits);
  const auto duration = std::chrono::seconds(is_number ? number(expires) : 0);
  if (!is_number || duration.count() < 1 || duration > kPresignedMax) {
    return refuse(Fault::kIncompleteSignature, "X-Amz-Expires must be 1 to 604800 seconds");
  }
  claim.expires = duration;
  claim.session_token = presigned.token.value_or("");
  claim.content_sha256 = presigned.content_sha256;
  return {};
}

std::optional<std::string> region_set_of(const http::Headers& headers) {
  const auto header = headers.find("x-amz-region-set");
  if (!header) return std::nullopt;
  return std::string(*header);
}

// A request is sent to one place, so it must be clear which: one region, or a service that has
// none.
Checked<void> read_region_set(const std::optional<std::string>& regions, Claim& claim) {
  if (claim.with == SignedWith::kV4) {
    if (!regions) return {};
    return refuse(Fault::kMalformed, "X-Amz-Region-Set belongs to `{}`", kEcdsaAlgorithm);
  }
  if (!regions) {
    return refuse(Fault::kIncompleteSignature, "`{}` needs X-Amz-Region-Set", kEcdsaAlgorithm);
  }
  if (*regions == "*" && signed_with(claim.service) == SignedWith::kV4a) {
    claim.region = "us-east-1";
    return {};
  }
  if (regions->empty() || regions->size() > kNameBytesMax || !is_all(*regions, kWord)) {
    return refuse(Fault::kUnsupported,
                  "the region set `{}` is not one region; sign for the one that is meant: for "
                  "boto3 `region_name`, and no `sigv4a_signing_region_set`",
                  printable(*regions, 64));
  }
  claim.region = *regions;
  return {};
}

Checked<void> refuse_repeated(const http::Headers& headers) {
  // Two readers may take either of two equal fields: those that say who, what or how long come
  // once.
  constexpr std::string_view kOnce[] = {"authorization",  "host",        "date",
                                        "content-type",   "content-md5", "content-encoding",
                                        "smithy-protocol"};
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    const bool once =
        lower.starts_with("x-amz") || std::ranges::find(kOnce, lower) != std::end(kOnce);
    if (once && headers.count(lower) > 1) {
      return refuse(Fault::kMalformed, "the header `{}` is there twice", printable(lower, 64));
    }
  }
  return {};
}

}  // namespace

bool is_streaming(Payload payload) {
  return payload != Payload::kDigest && payload != Payload::kUnsigned;
}

bool signs_like_s3(std::string_view service) {
  return service == "s3" || service == "s3express" || service == "s3-object-lambda" ||
         service == "s3-outposts";
}

std::string Claim::scope() const {
  if (with == SignedWith::kV4a) return fmt::format("{}/{}/aws4_request", date, service);
  return fmt::format("{}/{}/{}/aws4_request", date, region, service);
}

Checked<Claim> read_claim(const http::RequestHead& head) {
  if (auto once = refuse_repeated(head.headers); !once) {
    return tl::unexpected<Refused>(std::move(once).error());
  }
  const std::size_t mark = std::min(head.target.find('?'), head.target.size());
  const auto presigned =
      read_presigned(std::string_view(head.target).substr(std::min(mark + 1, head.target.size())));
  if (!presigned) return tl::unexpected<Refused>(presigned.error());
  const bool in_query = presigned->algorithm || presigned->credential || presigned->signature ||
                        presigned->headers || presigned->date || presigned->expires ||
                        presigned->token;
  const auto authorization = head.headers.find("authorization");
  if (in_query && authorization) {
    return refuse(Fault::kMalformed, "signed both in the URL and in Authorization; keep one");
  }
  if (!in_query && !authorization) {
    return refuse(Fault::kMissingToken,
                  "the request is not signed; use the keys that `keyturn run` or `keyturn session "
                  "start` hands out");
  }
  Claim claim;
  Checked<void> read;
  if (in_query) {
    read = use_presigned(*presigned, claim);
  } else {
    read = read_authorization(*authorization, claim);
    if (read) read = read_header_time(head.headers, claim);
    claim.session_token = head.headers.find("x-amz-security-token").value_or("");
  }
  const auto regions = in_query ? presigned->region_set : region_set_of(head.headers);
  if (read) read = read_region_set(regions, claim);
  if (!read) return tl::unexpected<Refused>(std::move(read).error());
  if (const auto header = head.headers.find("x-amz-content-sha256")) {
    if (claim.content_sha256 && *claim.content_sha256 != *header) {
      return refuse(Fault::kMalformed, "X-Amz-Content-Sha256 differs between URL and header");
    }
    claim.content_sha256 = std::string(*header);
  }
  if (claim.timestamp.substr(0, 8) != claim.date) {
    return refuse(Fault::kWrongSignature,
                  "the date of the credential is not the day of the signature");
  }
  return claim;
}

Checked<std::optional<PayloadName>> read_payload_name(const http::RequestHead& head,
                                                      const Claim& claim) {
  using Name = std::optional<PayloadName>;
  const bool s3 = signs_like_s3(claim.service);
  if (!claim.content_sha256) {
    if (!s3) return Name();
    if (claim.by == SignedBy::kQuery) return Name({Payload::kUnsigned, "UNSIGNED-PAYLOAD"});
    return refuse(Fault::kIncompleteSignature, "S3 needs the header x-amz-content-sha256");
  }
  const std::string& text = *claim.content_sha256;
  if (text.size() == 64 && is_all(text, kHex)) return Name({Payload::kDigest, text});
  if (text == "UNSIGNED-PAYLOAD") {
    // The operations that botocore's models mark v4-unsigned-body.
    constexpr std::string_view kServices[] = {"lex", "mediastore", "ebs", "omics"};
    if (s3 || std::ranges::find(kServices, claim.service) != std::end(kServices)) {
      return Name({Payload::kUnsigned, text});
    }
    return refuse(Fault::kIncompleteSignature, "`{}` needs its payload signed", claim.service);
  }
  struct Mode {
    std::string_view text;
    Payload kind;
  };
  constexpr Mode kModes[] = {
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Payload::kChunks},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", Payload::kChunksWithTrailer},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", Payload::kUnsignedWithTrailer}};
  for (const Mode& mode : kModes) {
    if (text != mode.text) continue;
    if (!s3 || claim.by == SignedBy::kQuery) {
      return refuse(Fault::kUnsupported, "`{}` is for S3 uploads signed in a header", text);
    }
    if (head.headers.count("x-amz-decoded-content-length") == 0) {
      return refuse(Fault::kMalformed, "`{}` needs x-amz-decoded-content-length", text);
    }
    return Name({mode.kind, text});
  }
  return refuse(Fault::kUnsupported,
                "x-amz-content-sha256 `{}` is none of: 64 lower-case hex digits, UNSIGNED-PAYLOAD, "
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD with or without -TRAILER, "
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                printable(text, 64));
}

}  // namespace keyturn::aws
