// What a refused AWS request is answered with: a fault, and its rendering in the error shape of the
// protocol the client speaks. Pure.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/result.h"
#include "http/http.h"

namespace keyturn::aws {

// Why a request is not answered by AWS. Each has an HTTP status and a code that SDKs know.
enum class Fault {
  kMalformed,            // 400: ambiguous or unreadable
  kUnsupported,          // 400: a way to sign that the gateway does not verify
  kMissingToken,         // 403: not signed at all
  kIncompleteSignature,  // 403: the signature's own syntax, or a header that must be signed is not
  kUnknownKey,           // 403
  kWrongToken,           // 403: the session token is not the key's
  kExpiredToken,         // 403: the session has ended
  kWrongSignature,       // 403
  kRequestExpired,       // 403: signed too long ago, or executed already
  kTimeSkewed,           // 403: the clocks differ by too much (S3 has a code of its own)
  kAccessDenied,         // 403: denied or held
  kTooLarge,             // 413
  kSlowDown,             // 503: a bound of ours is reached
  kUnavailable,          // 503: the decision could not be made or recorded
  kUpstreamFailed,       // 502
  kUpstreamTimeout,      // 504
};

struct Refused {
  Fault fault = Fault::kAccessDenied;
  std::string message;
};
// A value, or why the client is refused. Errors of our own surroundings stay Result.
template <class T>
using Checked = tl::expected<T, Refused>;

template <class... Args>
[[nodiscard]] tl::unexpected<Refused> refuse(Fault fault, fmt::format_string<Args...> format,
                                             Args&&... args) {
  return tl::unexpected<Refused>(Refused{fault, fmt::format(format, std::forward<Args>(args)...)});
}

// The shapes of errors. kS3 is rest-xml without the envelope.
enum class ErrorShape { kJson10, kJson11, kRestJson, kQuery, kEc2, kRestXml, kS3, kCbor };

// What a request looks like before it is understood: by its protocol markers and the service of its
// scope.
ErrorShape guess_error_shape(const http::RequestHead& head, std::string_view service);

int status_of(Fault fault);
// `AccessDeniedException` for JSON and CBOR, `InvalidAccessKeyId` for S3, and so on.
std::string_view code_of(Fault fault, ErrorShape shape);

// Text that is safe inside an XML element; what XML 1.0 cannot hold becomes a question mark.
std::string xml_text(std::string_view text);

struct ErrorAnswer {
  http::ResponseHead head;
  std::string body;
};
// `message` may hold hostile text; it is escaped for the shape and cut at 8 KiB.
ErrorAnswer render_error(ErrorShape shape, const Refused& refused, std::string_view request_id);

}  // namespace keyturn::aws
