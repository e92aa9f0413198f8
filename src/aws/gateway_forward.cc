#include "aws/gateway_forward.h"

#include <algorithm>

#include "aws/discovered.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

// AWS's error answers are below 4 KiB. A longer one is not looked into and not passed on.
constexpr std::uint64_t kErrorBytesMax = 256U << 10U;
constexpr std::size_t kTokenPieceBytes = 24;

// Passes bytes on unchanged and counts them.
class CountingBody final : public http::Body {
 public:
  explicit CountingBody(http::Body& source) : source_(source) {}
  std::optional<std::uint64_t> length() const override { return source_.length(); }
  http::Task<std::size_t> read(std::span<char> into) override {
    CO_TRY(const std::size_t count, co_await source_.read(into));
    bytes_ += count;
    co_return count;
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  http::Body& source_;
  std::uint64_t bytes_ = 0;
};

void remove_prefixed(http::Headers& headers, std::string_view prefix) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) {
    if (to_lower(name).starts_with(prefix)) names.push_back(name);
  }
  for (const std::string& name : names) headers.remove(name);
}

// Without `aws-chunked` among the codings.
void remove_chunked_coding(http::Headers& headers) {
  const auto value = headers.find("content-encoding");
  if (!value) return;
  std::string kept;
  std::string_view rest = *value;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view coding = trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (coding.empty() || equal_ignoring_case(coding, "aws-chunked")) continue;
    if (!kept.empty()) kept += ',';
    kept += coding;
  }
  if (kept.empty()) {
    headers.remove("content-encoding");
  } else {
    headers.set("content-encoding", kept);
  }
}

// A body that is sent whole has no framing of its own any more, and its checksums may have changed
// with it.
void settle_whole_body(http::Headers& headers, const Departure& departure) {
  const std::string& body = *departure.understood->forward.body;
  headers.remove("x-amz-decoded-content-length");
  headers.remove("x-amz-trailer");
  remove_chunked_coding(headers);
  if (departure.parsed_body && *departure.parsed_body == body) {
    for (const auto& [name, value] : departure.trailers) headers.set(name, value);
    return;
  }
  const bool had_checksum = headers.count("content-md5") > 0 || !departure.trailers.empty() ||
                            headers.count("x-amz-sdk-checksum-algorithm") > 0;
  headers.remove("content-md5");
  headers.remove("x-amz-sdk-checksum-algorithm");
  remove_prefixed(headers, "x-amz-checksum-");
  if (had_checksum && signs_like_s3(departure.understood->forward.signing_name)) {
    headers.set("x-amz-sdk-checksum-algorithm", "SHA256");
    headers.set("x-amz-checksum-sha256", base64_encode(crypto::sha256(body).view()));
  }
}

Payload payload_kind(const Departure& departure) {
  const auto& payload = departure.caller->payload;
  return payload ? payload->kind : Payload::kDigest;
}

// What the upstream signature names as its payload.
std::string payload_text(const Departure& departure) {
  const Forward& forward = departure.understood->forward;
  if (forward.body) return crypto::sha256(*forward.body).hex();
  if (departure.caller->payload) return departure.caller->payload->text;
  return departure.spooled == nullptr ? std::string(kEmptyDigest)
                                      : crypto::sha256(departure.spooled->text()).hex();
}

// The body's way out: its parts in the order they stand on one another.
struct Outlet {
  std::unique_ptr<ChunkedReader> reader;
  std::unique_ptr<http::Body> last;  // what is sent
};

struct Signature {
  std::string seed;
  std::string timestamp;
};

Checked<Outlet> open_outlet(const Departure& departure, const Signature& signature,
                            const UpstreamScope& scope,
                            std::shared_ptr<const vault::Signer> signer) {
  Outlet outlet;
  const Forward& forward = departure.understood->forward;
  if (forward.body) {
    outlet.last = std::make_unique<http::StringBody>(*forward.body);
    return outlet;
  }
  http::Body* source =
      departure.spooled != nullptr ? &departure.spooled->again() : departure.streamed;
  CHECK(source != nullptr);
  const Payload kind = payload_kind(departure);
  if (!is_streaming(kind)) {
    if (kind == Payload::kUnsigned) {
      outlet.last = std::make_unique<CountingBody>(*source);
    } else {
      outlet.last = make_digest_checking_body(*source, payload_text(departure));
    }
    return outlet;
  }
  auto options = read_chunked_options(forward.headers, kind);
  if (!options) return tl::unexpected<Refused>(std::move(options).error());
  ChunkedOptions upstream = *options;
  options->seed = {.timestamp = departure.caller->claim.timestamp,
                   .scope = departure.caller->claim.scope(),
                   .signature = departure.caller->claim.signature};
  options->key = departure.caller->key;
  outlet.reader = ChunkedReader::create(*source, std::move(*options));
  const std::string date = signature.timestamp.substr(0, 8);
  upstream.seed = {.timestamp = signature.timestamp,
                   .scope = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service),
                   .signature = signature.seed};
  outlet.last =
      make_chunked_writer(*outlet.reader, std::move(upstream), date, scope, std::move(signer));
  return outlet;
}

Arrival not_sent(Fault fault, std::string message) {
  Arrival arrival;
  arrival.outcome.kind = gate::Outcome::Kind::kNotSent;
  arrival.outcome.detail = message;
  arrival.refused = Refused{fault, std::move(message)};
  return arrival;
}

// Sending failed: whose fault it was, and whether upstream may have acted.
Arrival failed(const http::ClientFailure& failure, std::string_view request_id) {
  Arrival arrival;
  const bool maybe = failure.sent == http::Sent::kMaybe;
  arrival.outcome.kind = maybe ? gate::Outcome::Kind::kUnknown : gate::Outcome::Kind::kNotSent;
  arrival.outcome.detail = failure.error.message;
  const Code code = failure.error.code;
  if (code == Code::kDenied || code == Code::kInvalid) {
    arrival.refused = refusal_of_body(failure.error);
    return arrival;
  }
  arrival.refused =
      Refused{code == Code::kTimeout ? Fault::kUpstreamTimeout : Fault::kUpstreamFailed,
              fmt::format("upstream did not answer ({}); {} (request {})",
                          code == Code::kTimeout ? "timeout" : "connection failed",
                          maybe ? "the request may have been executed" : "the request was not sent",
                          request_id)};
  return arrival;
}

void note(Arrival& arrival, std::string_view what) {
  std::string& detail = arrival.outcome.detail;
  detail = detail.empty() ? std::string(what) : fmt::format("{} ({})", detail, what);
}

// Reads an error answer whole, so that it can be looked at before it is passed on.
boost::asio::awaitable<Arrival> pass_error(Shared& shared, http::Exchange& exchange,
                                           http::ClientResponse response,
                                           const Departure& departure) {
  Arrival arrival;
  arrival.outcome.status = response.head.status;
  arrival.outcome.detail = upstream_request_id(response.head.headers);
  auto body = co_await http::read_all(*response.body, kErrorBytesMax);
  if (!body) {
    arrival.outcome.detail = body.error().message;
    arrival.refused = Refused{Fault::kUpstreamFailed, "upstream's answer could not be read"};
    co_return arrival;
  }
  if (concerns_own_credentials(response.head, *body, *departure.signer)) {
    arrival.refused =
        refusal_of_credentials(shared, exchange, *departure.caller, response.head.status);
    co_return arrival;
  }
  arrival.outcome.response_bytes = body->size();
  auto answered = co_await exchange.respond(std::move(response.head), std::move(*body));
  if (!answered) note(arrival, "the client had left");
  co_return arrival;
}

// An answer that is told in other words. Nothing of one that cannot be is passed on.
boost::asio::awaitable<Arrival> pass_rewritten(Shared& shared, http::Exchange& exchange,
                                               http::ClientResponse response,
                                               const Departure& departure) {
  Arrival arrival;
  arrival.outcome.status = response.head.status;
  arrival.outcome.detail = upstream_request_id(response.head.headers);
  auto body = co_await http::read_all(*response.body, kDiscoveryBytesMax);
  Result<std::string> text = body ? departure.rewrite(response.head, *body)
                                  : Result<std::string>(tl::unexpected(body.error()));
  if (!text) {
    const std::string why =
        fmt::format("upstream's answer cannot be told anew: {}", text.error().message);
    shared.needs.log.warning("gateway.answer_dropped",
                             {{"request", exchange.request_id()}, {"why", why}});
    note(arrival, why);
    arrival.refused = Refused{
        Fault::kUpstreamFailed,
        fmt::format("{}; the request was executed (request {})", why, exchange.request_id())};
    co_return arrival;
  }
  for (const std::string_view name : {"content-length", "content-md5", "x-amz-crc32"}) {
    response.head.headers.remove(name);
  }
  arrival.outcome.response_bytes = text->size();
  auto answered = co_await exchange.respond(std::move(response.head), std::move(*text));
  if (!answered) note(arrival, "the client had left");
  co_return arrival;
}

boost::asio::awaitable<Arrival> pass_answer(Shared& shared, http::Exchange& exchange,
                                            http::ClientResponse response,
                                            const Departure& departure) {
  drop_private_fields(response.head.headers);
  if (response.head.status >= 400 && exchange.head().method != "HEAD") {
    co_return co_await pass_error(shared, exchange, std::move(response), departure);
  }
  if (departure.rewrite && response.head.status == 200) {
    co_return co_await pass_rewritten(shared, exchange, std::move(response), departure);
  }
  Arrival arrival;
  arrival.outcome.status = response.head.status;
  arrival.outcome.detail = upstream_request_id(response.head.headers);
  CountingBody counting(*response.body);
  auto answered = co_await exchange.respond(std::move(response.head), counting);
  arrival.outcome.response_bytes = counting.bytes();
  if (!answered) {
    note(arrival, fmt::format("answer cut: {}", answered.error().message));
    if (exchange.answered()) {  // the connection is gone
      shared.needs.log.warning("gateway.answer_cut", {{"request", exchange.request_id()},
                                                      {"error", answered.error().message}});
      co_return arrival;
    }
    arrival.refused = Refused{Fault::kUpstreamFailed,
                              fmt::format("upstream's answer broke off; the request was executed "
                                          "(request {})",
                                          exchange.request_id())};
  }
  co_return arrival;
}

http::RequestHead outgoing_head(const Departure& departure) {
  const Forward& forward = departure.understood->forward;
  http::RequestHead head{
      .method = forward.method, .target = forward.target, .headers = forward.headers};
  drop_private_fields(head.headers);
  if (forward.body) settle_whole_body(head.headers, departure);
  head.headers.remove("x-amz-content-sha256");
  // Services other than S3 that take the field (Glacier, Lex) get it when the client sent it.
  if (departure.caller->claim.content_sha256) {
    head.headers.set("x-amz-content-sha256", payload_text(departure));
  }
  return head;
}

}  // namespace

std::string upstream_request_id(const http::Headers& headers) {
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    if (const auto value = headers.find(name)) return printable(*value, 128);
  }
  return {};
}

Refused refusal_of_credentials(Shared& shared, const http::Exchange& exchange, const Caller& caller,
                               int status) {
  const std::string& acts_as = caller.holder->session.acts_as;
  const std::string status_text = std::to_string(status);
  if (!acts_as.empty()) {
    shared.needs.log.warning(
        "gateway.upstream_refused_role",
        {{"request", exchange.request_id()}, {"status", status_text}, {"acts_as", acts_as}});
    return {Fault::kExpiredToken,
            fmt::format("upstream no longer takes the credentials of {}; assume the role again "
                        "(request {})",
                        acts_as, exchange.request_id())};
  }
  shared.needs.log.error("gateway.upstream_refused_credentials",
                         {{"request", exchange.request_id()},
                          {"status", status_text},
                          {"vault", shared.needs.vault.describe()}});
  return {Fault::kUpstreamFailed,
          fmt::format("upstream refused the gateway's own credentials; an operator must look "
                      "(request {})",
                      exchange.request_id())};
}

std::string host_of(const http::Origin& origin) {
  const bool address = origin.host.find(':') != std::string::npos;
  std::string host = address ? fmt::format("[{}]", origin.host) : origin.host;
  const std::uint16_t usual = origin.scheme == "https" ? 443 : 80;
  if (origin.port != usual) host += fmt::format(":{}", origin.port);
  return host;
}

void drop_private_fields(http::Headers& headers) {
  for (const std::string_view name :
       {"authorization", "x-amz-security-token", "x-amz-date", "host", "expect",
        "proxy-authorization", "proxy-authenticate", "www-authenticate", "cookie", "set-cookie"}) {
    headers.remove(name);
  }
  remove_prefixed(headers, "x-keyturn-");
}

bool concerns_own_credentials(const http::ResponseHead& head, std::string_view body,
                              const vault::Signer& signer) {
  const std::string_view token = signer.session_token().substr(0, kTokenPieceBytes);
  if (!token.empty() && body.find(token) != std::string_view::npos) return true;
  constexpr std::string_view kCodes[] = {"SignatureDoesNotMatch",
                                         "InvalidSignatureException",
                                         "InvalidAccessKeyId",
                                         "InvalidClientTokenId",
                                         "UnrecognizedClientException",
                                         "ExpiredToken",
                                         "ExpiredTokenException",
                                         "InvalidToken",
                                         "TokenRefreshRequired",
                                         "RequestTimeTooSkewed",
                                         "RequestExpired",
                                         "AuthorizationHeaderMalformed",
                                         "IncompleteSignature",
                                         "IncompleteSignatureException",
                                         "AuthFailure",
                                         "MissingAuthenticationToken",
                                         "MissingAuthenticationTokenException",
                                         "InvalidSecurityToken",
                                         "AuthorizationQueryParametersError"};
  const std::string_view type = head.headers.find("x-amzn-errortype").value_or("");
  for (const std::string_view code : kCodes) {
    if (type.substr(0, type.find(':')) == code) return true;
    for (std::size_t at = body.find(code); at != std::string_view::npos;
         at = body.find(code, at + 1)) {
      const char before = at == 0 ? ' ' : body[at - 1];
      const char after = at + code.size() < body.size() ? body[at + code.size()] : ' ';
      if ((before == '>' && after == '<') ||
          ((before == '"' || before == '#') && (after == '"' || after == ':'))) {
        return true;
      }
    }
  }
  return false;
}

boost::asio::awaitable<Arrival> forward(Shared& shared, http::Exchange& exchange,
                                        Departure departure) {
  Instant since = shared.needs.clock.monotonic();
  CHECK(departure.signer != nullptr);
  const UpstreamScope scope{.region = departure.understood->forward.region,
                            .service = departure.understood->forward.signing_name,
                            .with = signed_with(departure.understood->forward.signing_name)};
  http::RequestHead head = outgoing_head(departure);
  const std::string host = host_of(departure.origin);
  const std::string payload = payload_text(departure);
  auto seed =
      sign_for_upstream(head, host, payload, scope, shared.needs.clock.now(), *departure.signer);
  if (!seed) co_return not_sent(Fault::kUnavailable, seed.error().message);
  const Signature signature{.seed = *seed,
                            .timestamp = std::string(*head.headers.find("x-amz-date"))};
  auto outlet = open_outlet(departure, signature, scope, departure.signer);
  if (!outlet) {
    Refused refused = std::move(outlet).error();
    co_return not_sent(refused.fault, std::move(refused.message));
  }
  shared.observe(Stage::kSign, since);

  since = shared.needs.clock.monotonic();
  http::ClientFailure failure;
  auto response =
      co_await shared.needs.client.send(departure.origin, std::move(head), *outlet->last, &failure);
  shared.observe(Stage::kUpstream, since);
  if (!response) {
    failure.error = response.error();
    co_return failed(failure, exchange.request_id());
  }
  since = shared.needs.clock.monotonic();
  Arrival arrival;
  if (departure.take) {
    arrival = co_await departure.take(std::move(*response), *departure.signer);
  } else {
    arrival = co_await pass_answer(shared, exchange, std::move(*response), departure);
  }
  shared.observe(Stage::kAnswer, since);
  co_return arrival;
}

}  // namespace keyturn::aws
