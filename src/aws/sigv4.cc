#include "aws/sigv4.h"

#include <algorithm>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

std::string_view algorithm_of(SignedWith with) {
  return with == SignedWith::kV4 ? "AWS4-HMAC-SHA256" : "AWS4-ECDSA-P256-SHA256";
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }
std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// RFC 3986 section 5.2.4 on whole segments; empty segments collapse, a closing slash stays.
std::string normalise(std::string_view path) {
  std::vector<std::string_view> kept;
  bool closed = false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    closed = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) {
      kept.pop_back();
    } else if (!closed) {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out += '/';
    out += segment;
  }
  if (out.empty() || closed) out += '/';
  return out;
}

// Leading and trailing white space goes, runs of it inside become one space.
void append_folded(std::string& out, std::string_view value) {
  bool pending = false;
  bool any = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      pending = any;
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    any = true;
    out += c;
  }
}

Checked<std::string> canonical_headers(const http::Headers& headers,
                                       const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += name;
    out += ':';
    bool first = true;
    for (const auto& [field, value] : headers) {
      if (!equal_ignoring_case(field, name)) continue;
      if (!first) out += ',';
      append_folded(out, value);
      first = false;
    }
    if (first) {
      return refuse(Fault::kWrongSignature, "the signed header `{}` is not in the request",
                    printable(name, 64));
    }
    out += '\n';
  }
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

bool is_signed(const Claim& claim, std::string_view name) {
  return std::ranges::binary_search(claim.signed_headers, name);
}

// Whether the content type says which protocol the body speaks, and so which operation it names.
bool selects_operation(std::string_view content_type) {
  const std::string type = to_lower(content_type);
  return type.starts_with("application/x-www-form-urlencoded") ||
         type.starts_with("application/x-amz-") || type.starts_with("application/cbor");
}

// Headers that say what the request is must be under the signature. Whoever stands between agent
// and gateway could otherwise turn one signed request into another.
Checked<void> check_signed_headers(const http::Headers& headers, const Claim& claim) {
  if (!is_signed(claim, "host")) {
    return refuse(Fault::kIncompleteSignature, "the header `host` must be signed");
  }
  for (const auto& [field, value] : headers) {
    const std::string name = to_lower(field);
    const bool type = name == "content-type" && claim.by == SignedBy::kHeader &&
                      !signs_like_s3(claim.service) && selects_operation(value);
    if ((name.starts_with("x-amz-") || name == "smithy-protocol" || type) &&
        !is_signed(claim, name)) {
      return refuse(Fault::kIncompleteSignature, "the header `{}` must be signed",
                    printable(name, 64));
    }
  }
  const bool by_date = claim.by == SignedBy::kHeader && headers.count("x-amz-date") == 0;
  if (by_date && !is_signed(claim, "date")) {
    return refuse(Fault::kIncompleteSignature, "the header `date` must be signed");
  }
  return {};
}

Checked<void> check_time(const Claim& claim, Time now, const VerifyOptions& options) {
  if (claim.time > now + options.skew_max) {
    return refuse(Fault::kTimeSkewed,
                  "signed at {}, which is more than {} ahead of this gateway's {}; set the clock",
                  format_time(claim.time), format_duration(options.skew_max), format_time(now));
  }
  if (claim.expires) {
    if (now <= claim.time + *claim.expires) return {};
    return refuse(Fault::kRequestExpired, "the presigned URL expired at {}; it is now {}",
                  format_time(claim.time + *claim.expires), format_time(now));
  }
  if (now <= claim.time + options.skew_max) return {};
  return refuse(
      Fault::kTimeSkewed,
      "signed at {}, which is more than {} before this gateway's {}; sign anew or set the "
      "clock",
      format_time(claim.time), format_duration(options.skew_max), format_time(now));
}

SigningKeys::Key derive(const Claim& claim, const identity::SessionKeys& keys) {
  if (claim.with == SignedWith::kV4a) {
    return std::make_shared<const crypto::Secret>(
        crypto::sigv4a_public_key(claim.access_key_id, keys.secret_access_key.view()));
  }
  return std::make_shared<const crypto::Secret>(crypto::sigv4_signing_key(
      keys.secret_access_key.view(), claim.date, claim.region, claim.service));
}

Checked<std::string> signed_text(const http::RequestHead& head, const Claim& claim,
                                 std::string_view payload) {
  const auto canonical = canonical_request(head, claim, payload);
  if (!canonical) return tl::unexpected<Refused>(canonical.error());
  return string_to_sign(claim.with, claim.timestamp, claim.scope(), *canonical);
}

// `key` is the signing key of SigV4, or the public key of SigV4a.
Checked<bool> signature_matches(const http::RequestHead& head, const Claim& claim,
                                std::string_view payload, std::string_view key) {
  const auto text = signed_text(head, claim, payload);
  if (!text) return tl::unexpected<Refused>(text.error());
  if (claim.with == SignedWith::kV4) {
    return crypto::equal_in_constant_time(crypto::hmac_sha256(key, *text).hex(), claim.signature);
  }
  const auto der = hex_decode(claim.signature);
  return der && crypto::sigv4a_verify(key, *text, *der);
}

// The same request as some clients sign it, who sign the encoded path and send reserved characters
// as they are. Nothing when there is no such reading.
std::optional<http::RequestHead> with_encoded_path(const http::RequestHead& head,
                                                   const Claim& claim) {
  if (!signs_like_s3(claim.service)) return std::nullopt;
  const std::string_view path = path_of(head.target);
  const auto encoded = encoded_path(path);
  if (!encoded || *encoded == path) return std::nullopt;
  http::RequestHead other = head;
  other.target.replace(0, path.size(), *encoded);
  return other;
}

}  // namespace

std::string canonical_path(std::string_view path, std::string_view service) {
  if (path.empty()) path = "/";
  if (signs_like_s3(service)) return std::string(path);
  return percent_encode(normalise(path), "/");
}

Checked<std::string> canonical_query(std::string_view query, std::string_view without) {
  struct Pair {
    std::string name;
    std::string value;
    auto operator<=>(const Pair&) const = default;
  };
  std::vector<Pair> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view text = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (text.empty()) continue;
    // A plus is a space to some readers and a plus to others.
    if (text.find('+') != std::string_view::npos) {
      return refuse(Fault::kMalformed,
                    "a bare `+` in the query string is ambiguous; send `%20` or `%2B`");
    }
    if (pairs.size() == kQueryParametersMax) {
      return refuse(Fault::kMalformed, "more than {} query parameters", kQueryParametersMax);
    }
    const std::size_t equals = std::min(text.find('='), text.size());
    const auto name = percent_decode(text.substr(0, equals));
    const auto value = percent_decode(text.substr(std::min(equals + 1, text.size())));
    if (!name || !value) {
      return refuse(Fault::kMalformed, "the query string has a broken percent escape");
    }
    if (!without.empty() && *name == without) continue;
    pairs.push_back({percent_encode(*name), percent_encode(*value)});
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const Pair& pair : pairs) {
    if (!out.empty()) out += '&';
    out += pair.name;
    out += '=';
    out += pair.value;
  }
  return out;
}

std::optional<std::string> encoded_path(std::string_view path) {
  std::string out;
  while (true) {
    const std::size_t end = path.find('/');
    const auto segment = percent_decode(path.substr(0, end));
    if (!segment) return std::nullopt;
    out += percent_encode(*segment);
    if (end == std::string_view::npos) return out;
    out += '/';
    path.remove_prefix(end + 1);
  }
}

Checked<std::string> canonical_request(const http::RequestHead& head, const Claim& claim,
                                       std::string_view payload) {
  auto query =
      canonical_query(query_of(head.target), claim.by == SignedBy::kQuery ? "X-Amz-Signature" : "");
  if (!query) return query;
  auto headers = canonical_headers(head.headers, claim.signed_headers);
  if (!headers) return headers;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", head.method,
                     canonical_path(path_of(head.target), claim.service), *query, *headers,
                     joined(claim.signed_headers), payload);
}

std::string string_to_sign(SignedWith with, std::string_view timestamp, std::string_view scope,
                           std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}\n{}", algorithm_of(with), timestamp, scope,
                     crypto::sha256(canonical_request).hex());
}

Checked<std::string> signed_identity(const http::RequestHead& head, const Claim& claim,
                                     std::string_view payload) {
  if (claim.with == SignedWith::kV4) return claim.signature;
  const auto other = with_encoded_path(head, claim);
  auto text = signed_text(other ? *other : head, claim, payload);
  if (!text) return text;
  return crypto::sha256(fmt::format("{}\n{}", claim.access_key_id, *text)).hex();
}

SignedWith signed_with(std::string_view service) {
  return service == "cloudfront-keyvaluestore" ? SignedWith::kV4a : SignedWith::kV4;
}

SigningKeys::Key SigningKeys::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = keys_.find(name);
  return found == keys_.end() ? nullptr : found->second;
}

void SigningKeys::keep(std::string name, Key key) {
  const std::scoped_lock lock(mutex_);
  if (keys_.contains(name)) return;
  if (order_.size() >= kKeysMax) {
    keys_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(name);
  keys_.emplace(std::move(name), std::move(key));
}

Checked<void> check_claim(const http::RequestHead& head, const Claim& claim, Time now,
                          const VerifyOptions& options) {
  if (auto checked = check_signed_headers(head.headers, claim); !checked) return checked;
  return check_time(claim, now, options);
}

Checked<SigningKeys::Key> verify_signature(const http::RequestHead& head, const Claim& claim,
                                           std::string_view payload,
                                           const identity::SessionKeys& keys, Time now,
                                           const VerifyOptions& options, SigningKeys& cache) {
  if (auto checked = check_claim(head, claim, now, options); !checked) {
    return tl::unexpected<Refused>(std::move(checked).error());
  }
  std::string name = fmt::format("{}/{}", claim.access_key_id, claim.scope());
  SigningKeys::Key key = cache.find(name);
  const bool known = key != nullptr;
  if (!known) key = derive(claim, keys);
  auto matches = signature_matches(head, claim, payload, key->view());
  if (matches && !*matches) {
    if (const auto other = with_encoded_path(head, claim)) {
      matches = signature_matches(*other, claim, payload, key->view());
    }
  }
  if (!matches) return tl::unexpected<Refused>(std::move(matches).error());
  if (!*matches) {
    return refuse(Fault::kWrongSignature,
                  "the request signature does not match; check the secret access key, and that "
                  "nothing between the client and this gateway alters the request");
  }
  // After the signature, so that a wrong token says nothing to who does not know the secret.
  if (!crypto::equal_in_constant_time(claim.session_token, keys.session_token.view())) {
    return refuse(Fault::kWrongToken,
                  "the session token is missing or is not this session's; set AWS_SESSION_TOKEN");
  }
  if (!known) cache.keep(std::move(name), key);
  return key;
}

std::string format_timestamp(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<std::string> sign_for_upstream(http::RequestHead& head, std::string_view host,
                                      std::string_view payload, const UpstreamScope& scope,
                                      Time now, const vault::Signer& signer) {
  head.headers.set("x-amz-date", format_timestamp(now));
  head.headers.remove("x-amz-security-token");
  if (!signer.session_token().empty()) {
    head.headers.set("x-amz-security-token", signer.session_token());
  }
  if (signs_like_s3(scope.service) || head.headers.count("x-amz-content-sha256") > 0) {
    head.headers.set("x-amz-content-sha256", payload);
  }
  head.headers.remove("x-amz-region-set");
  if (scope.with == SignedWith::kV4a) head.headers.set("x-amz-region-set", "*");
  Claim claim;
  claim.with = scope.with;
  claim.timestamp = *head.headers.find("x-amz-date");
  claim.date = claim.timestamp.substr(0, 8);
  claim.region = scope.region;
  claim.service = scope.service;
  claim.signed_headers.emplace_back("host");
  for (const auto& [field, value] : head.headers) {
    const std::string name = to_lower(field);
    if (name.starts_with("x-amz-") || name == "content-type" || name == "content-md5" ||
        name == "smithy-protocol") {
      claim.signed_headers.push_back(name);
    }
  }
  std::ranges::sort(claim.signed_headers);
  const auto repeated = std::ranges::unique(claim.signed_headers);
  claim.signed_headers.erase(repeated.begin(), repeated.end());

  http::RequestHead with_host{
      .method = head.method, .target = head.target, .headers = head.headers};
  with_host.headers.set("host", host);
  const auto canonical = canonical_request(with_host, claim, payload);
  if (!canonical) return fail(Code::kInternal, "sign for upstream: {}", canonical.error().message);
  const std::string text = string_to_sign(claim.with, claim.timestamp, claim.scope(), *canonical);
  std::string signature = claim.with == SignedWith::kV4a
                              ? signer.sign_v4a(text)
                              : signer.sign(claim.date, claim.region, claim.service, text);
  head.headers.set(
      "authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm_of(claim.with),
                  signer.access_key_id(), claim.scope(), joined(claim.signed_headers), signature));
  return signature;
}

}  // namespace keyturn::aws
