// Which request and response heads we admit, and how their bodies are framed. Stricter than RFC
// 9112 where two readers could differ: a head that one server reads as one request and another as
// two is how requests are smuggled. Pure functions.
#pragma once

#include "http/http.h"

namespace keyturn::http {

struct Framing {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // for kLength
  bool keep_alive = true;
};

struct ParsedRequest {
  RequestHead head;
  int version = 11;  // 10 or 11
};

struct ParsedResponse {
  ResponseHead head;
  int version = 11;
};

struct HeadEnd {
  enum class Kind { kMore, kFound, kBad };
  Kind kind = Kind::kMore;
  std::size_t size = 0;  // of the head with its empty line, for kFound
};
// Looks for the empty line that ends a head, from `scanned` bytes on. A line feed without a
// carriage return before it is bad at once, so that nobody waits for an end that will not come.
HeadEnd find_head_end(std::string_view bytes, std::size_t scanned);

// The raw bytes of a head up to and with its empty line: every line ends in CRLF, no other control
// character but a tab in a value, no folded line, names are tokens with the colon right behind.
// kInvalid.
Result<void> check_head_bytes(std::string_view head);

// HTTP/1.1 with exactly one well-formed Host, an origin-form target of visible ASCII, no
// Transfer-Encoding or exactly one that is `chunked`, at most one Content-Length of digits, never
// both, and a Connection that names no field of the message (a hop that drops it would send on
// another request than was judged).
Result<Framing> check_framing(const ParsedRequest& request);

// What was asked for decides whether a response has a body.
enum class Method { kHead, kOther };
// The same for an answer; HTTP/1.0 is admitted without Transfer-Encoding. kCorrupt.
Result<Framing> check_framing(const ParsedResponse& response, Method asked);

bool is_token(std::string_view text);
// No control character but the tab, so that a value cannot end its line.
bool is_field_value(std::string_view text);
// `Connection`-listed option, compared without regard to case, over all Connection fields.
bool has_connection_option(const Headers& headers, std::string_view option);
// RFC 9110 section 7.6.1 and what frames a message: never passed from one hop to the next.
bool is_hop_by_hop(std::string_view name, const Headers& headers);

}  // namespace keyturn::http
