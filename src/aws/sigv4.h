// AWS Signature Version 4, and 4A: what a request claims, its canonical form, verifying it, and
// signing for upstream. Source: IAM User Guide, "Create a signed AWS API request"; S3 API
// Reference, "Authenticating Requests (AWS Signature Version 4)". Pure but for the bounded cache of
// signing keys.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aws/errors.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "http/http.h"
#include "identity/identity.h"
#include "vault/vault.h"

namespace keyturn::aws {

enum class SignedWith { kV4, kV4a };      // HMAC of one region, or ECDSA of a set of regions
enum class SignedBy { kHeader, kQuery };  // the Authorization header, or a presigned URL

// What the canonical request names as its payload.
enum class Payload {
  kDigest,               // 64 hex digits
  kUnsigned,             // UNSIGNED-PAYLOAD
  kChunks,               // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  kChunksWithTrailer,    // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  kUnsignedWithTrailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};
bool is_streaming(Payload payload);

// What a request says of its own signature, well-formed but not verified.
struct Claim {
  SignedWith with = SignedWith::kV4;
  SignedBy by = SignedBy::kHeader;
  std::string access_key_id;
  std::string date;    // YYYYMMDD of the scope
  std::string region;  // kV4a: the one of its set, or where a service that has none lives
  std::string service;
  std::vector<std::string> signed_headers;  // lower case, sorted, distinct
  std::string signature;                    // 64 lower-case hex digits; kV4a: DER in hex
  std::string timestamp;                    // YYYYMMDDTHHMMSSZ, as signed
  Time time;                                // the same
  std::optional<Duration> expires;          // kQuery only
  std::string session_token;
  std::optional<std::string> content_sha256;  // x-amz-content-sha256 as sent
  std::string scope() const;  // 20150830/us-east-1/iam/aws4_request, kV4a: without the region
};

inline constexpr Duration kPresignedMax = std::chrono::hours(7 * 24);  // AWS's own limit
inline constexpr std::size_t kSignedHeadersMax = 100;
inline constexpr std::size_t kQueryParametersMax = 1'000;

// Whether the service signs paths as they are and names its payload in x-amz-content-sha256.
bool signs_like_s3(std::string_view service);

// Reads Authorization or the X-Amz-… query parameters. Refuses, naming the fix: no signature, two
// of them, SigV2, a set of several regions, repeated fields, a scope whose date is not the
// timestamp's.
Checked<Claim> read_claim(const http::RequestHead& head);

// Which payload the claim names, and the text of it. Nothing when the body must be hashed.
struct PayloadName {
  Payload kind = Payload::kDigest;
  std::string text;
};
Checked<std::optional<PayloadName>> read_payload_name(const http::RequestHead& head,
                                                      const Claim& claim);

// The path as the canonical request has it. S3 takes it as sent; other services normalise and
// encode it once more.
std::string canonical_path(std::string_view path, std::string_view service);
// Every segment decoded and encoded again, so that each reader sees the same bytes. Nothing on a
// broken escape.
std::optional<std::string> encoded_path(std::string_view path);
// Sorted by encoded name, then value; without `without` (a name, already decoded).
Checked<std::string> canonical_query(std::string_view query, std::string_view without = "");
Checked<std::string> canonical_request(const http::RequestHead& head, const Claim& claim,
                                       std::string_view payload);
std::string string_to_sign(SignedWith with, std::string_view timestamp, std::string_view scope,
                           std::string_view canonical_request);
// What tells a signed request from another, for who must know one again: a kV4 signature, and for
// kV4a, of which anyone can make a second valid one from the first, what was signed.
Checked<std::string> signed_identity(const http::RequestHead& head, const Claim& claim,
                                     std::string_view payload);

// Signing keys derived from session secrets. Bounded; a key is only kept once a signature verified
// with it. Any thread.
class SigningKeys {
 public:
  using Key = std::shared_ptr<const crypto::Secret>;  // shared with verifications under way
  Key find(const std::string& name) const;
  void keep(std::string name, Key key);

 private:
  static constexpr std::size_t kKeysMax = 4'096;  // a page of locked memory each
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Key> keys_;
  std::deque<std::string> order_;
};

struct VerifyOptions {
  Duration skew_max = std::chrono::minutes(15);
};
// Everything about the signature but the payload's own truth: required headers are signed, the time
// is right, the session token is the session's, the signature matches. Returns the signing key,
// with which the chunks of a stream are signed too.
Checked<SigningKeys::Key> verify_signature(const http::RequestHead& head, const Claim& claim,
                                           std::string_view payload,
                                           const identity::SessionKeys& keys, Time now,
                                           const VerifyOptions& options, SigningKeys& cache);
// The part of it that needs no body and no secret: headers and time.
Checked<void> check_claim(const http::RequestHead& head, const Claim& claim, Time now,
                          const VerifyOptions& options);

// Signs a request that is complete but for its signature. Sets X-Amz-Date, X-Amz-Security-Token,
// Authorization, and X-Amz-Content-Sha256 where the service wants it; `head` must hold no Host:
// `host` is what will be sent. Returns the signature, the seed of chunk signatures.
struct UpstreamScope {
  std::string region;
  std::string service;
  SignedWith with = SignedWith::kV4;  // kV4a: for every region
};
// Whether a service takes nothing but SigV4a.
SignedWith signed_with(std::string_view service);
Result<std::string> sign_for_upstream(http::RequestHead& head, std::string_view host,
                                      std::string_view payload, const UpstreamScope& scope,
                                      Time now, const vault::Signer& signer);

// 20150830T123600Z.
std::string format_timestamp(Time time);
// SHA-256 of nothing, in hex.
inline constexpr std::string_view kEmptyDigest =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace keyturn::aws
