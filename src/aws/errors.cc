#include "aws/errors.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json.h"

namespace keyturn::aws {
namespace {

// Room for a reviewer's words (4,000 bytes) and ours around them.
constexpr std::size_t kMessageBytesMax = 8'192;

struct Row {
  Fault fault;
  int status;
  std::string_view xml;   // query, ec2 and rest-xml
  std::string_view json;  // json, rest-json and cbor
  std::string_view s3;
};
// Codes as AWS documents them under "Common errors" of each service, and in "Amazon S3 error
// responses".
constexpr Row kRows[] = {
    {Fault::kMalformed, 400, "ValidationError", "ValidationException", "InvalidRequest"},
    {Fault::kUnsupported, 400, "InvalidRequest", "InvalidRequestException", "InvalidRequest"},
    {Fault::kMissingToken, 403, "MissingAuthenticationToken", "MissingAuthenticationTokenException",
     "AccessDenied"},
    {Fault::kIncompleteSignature, 403, "IncompleteSignature", "IncompleteSignatureException",
     "AccessDenied"},
    {Fault::kUnknownKey, 403, "InvalidClientTokenId", "InvalidClientTokenId", "InvalidAccessKeyId"},
    {Fault::kWrongToken, 403, "InvalidClientTokenId", "InvalidClientTokenId", "InvalidToken"},
    {Fault::kExpiredToken, 403, "ExpiredToken", "ExpiredTokenException", "ExpiredToken"},
    {Fault::kWrongSignature, 403, "SignatureDoesNotMatch", "SignatureDoesNotMatch",
     "SignatureDoesNotMatch"},
    {Fault::kRequestExpired, 403, "RequestExpired", "RequestExpired", "RequestExpired"},
    {Fault::kTimeSkewed, 403, "RequestExpired", "RequestExpired", "RequestTimeTooSkewed"},
    {Fault::kAccessDenied, 403, "AccessDenied", "AccessDeniedException", "AccessDenied"},
    {Fault::kTooLarge, 413, "RequestEntityTooLarge", "RequestEntityTooLargeException",
     "EntityTooLarge"},
    {Fault::kSlowDown, 503, "SlowDown", "SlowDown", "SlowDown"},
    {Fault::kUnavailable, 503, "ServiceUnavailable", "ServiceUnavailableException",
     "ServiceUnavailable"},
    {Fault::kUpstreamFailed, 502, "BadGateway", "BadGatewayException", "BadGateway"},
    {Fault::kUpstreamTimeout, 504, "GatewayTimeout", "GatewayTimeoutException", "GatewayTimeout"},
};

const Row& row_of(Fault fault) {
  const auto* found = std::ranges::find(kRows, fault, &Row::fault);
  CHECK(found != std::end(kRows));
  return *found;
}

bool is_xml(ErrorShape shape) {
  return shape == ErrorShape::kQuery || shape == ErrorShape::kEc2 || shape == ErrorShape::kRestXml;
}

// A CBOR text string (RFC 8949 section 3.1, major type 3).
void append_cbor_text(std::string& out, std::string_view text) {
  const std::size_t size = text.size();
  CHECK(size <= 0xFFFF);
  if (size < 24) {
    out += static_cast<char>(0x60 + size);
  } else if (size <= 0xFF) {
    out += '\x78';
    out += static_cast<char>(size);
  } else {
    out += '\x79';
    out += static_cast<char>(size >> 8U);
    out += static_cast<char>(size & 0xFFU);
  }
  out += text;
}

std::string xml_body(ErrorShape shape, std::string_view code, std::string_view message, int status,
                     std::string_view request_id) {
  constexpr std::string_view kProlog = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const std::string text = xml_text(message);
  if (shape == ErrorShape::kS3) {
    return fmt::format(
        "{}<Error><Code>{}</Code><Message>{}</Message><RequestId>{}</RequestId>"
        "<HostId>keyturn</HostId></Error>",
        kProlog, code, text, request_id);
  }
  if (shape == ErrorShape::kEc2) {
    return fmt::format(
        "{}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>"
        "<RequestID>{}</RequestID></Response>",
        kProlog, code, text, request_id);
  }
  return fmt::format(
      "{}<ErrorResponse><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>"
      "<RequestId>{}</RequestId></ErrorResponse>",
      kProlog, status < 500 ? "Sender" : "Receiver", code, text, request_id);
}

void add_json_or_cbor(ErrorAnswer& answer, ErrorShape shape, std::string_view code,
                      std::string_view message) {
  answer.head.headers.add("x-amzn-errortype", code);
  if (shape == ErrorShape::kCbor) {
    answer.head.headers.add("content-type", "application/cbor");
    answer.head.headers.add("smithy-protocol", "rpc-v2-cbor");
    answer.body = "\xA2";  // a map of two
    append_cbor_text(answer.body, "__type");
    append_cbor_text(answer.body, code);
    append_cbor_text(answer.body, "message");
    append_cbor_text(answer.body, message);
    return;
  }
  answer.head.headers.add("content-type",
                          shape == ErrorShape::kJson10   ? "application/x-amz-json-1.0"
                          : shape == ErrorShape::kJson11 ? "application/x-amz-json-1.1"
                                                         : "application/json");
  answer.body = "{\"__type\":";
  append_json_string(answer.body, code);
  answer.body += ",\"message\":";
  append_json_string(answer.body, message);
  answer.body += '}';
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      out += '?';
    } else {
      out += c;
    }
  }
  return out;
}

int status_of(Fault fault) { return row_of(fault).status; }

std::string_view code_of(Fault fault, ErrorShape shape) {
  const Row& row = row_of(fault);
  if (shape == ErrorShape::kS3) return row.s3;
  return is_xml(shape) ? row.xml : row.json;
}

ErrorShape guess_error_shape(const http::RequestHead& head, std::string_view service) {
  if (head.headers.find("smithy-protocol").value_or("").starts_with("rpc-v2-cbor")) {
    return ErrorShape::kCbor;
  }
  const std::string type = to_lower(head.headers.find("content-type").value_or(""));
  if (head.headers.count("x-amz-target") > 0) {
    return type.starts_with("application/x-amz-json-1.1") ? ErrorShape::kJson11
                                                          : ErrorShape::kJson10;
  }
  if (service.starts_with("s3")) return ErrorShape::kS3;
  if (service == "ec2") return ErrorShape::kEc2;
  if (service == "route53" || service == "cloudfront") return ErrorShape::kRestXml;
  if (type.starts_with("application/x-www-form-urlencoded") ||
      head.target.find("Action=") != std::string::npos) {
    return ErrorShape::kQuery;
  }
  return ErrorShape::kRestJson;
}

ErrorAnswer render_error(ErrorShape shape, const Refused& refused, std::string_view request_id) {
  const int status = status_of(refused.fault);
  const std::string_view code = code_of(refused.fault, shape);
  const std::string message = printable(refused.message, kMessageBytesMax);
  ErrorAnswer answer;
  answer.head.status = status;
  if (is_xml(shape) || shape == ErrorShape::kS3) {
    answer.head.headers.add("content-type",
                            shape == ErrorShape::kS3 ? "application/xml" : "text/xml");
    answer.body = xml_body(shape, code, message, status, request_id);
  } else {
    add_json_or_cbor(answer, shape, code, message);
  }
  if (shape == ErrorShape::kS3) {
    answer.head.headers.add("x-amz-request-id", request_id);
  } else {
    answer.head.headers.add("x-amzn-requestid", request_id);
  }
  return answer;
}

}  // namespace keyturn::aws
