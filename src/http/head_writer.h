// Heads as text. What frames a message and what belongs to one hop is set here and never taken
// over.
#pragma once

#include "http/framing.h"

namespace keyturn::http {

// Names are tokens, values hold no control character. kInvalid names the field.
Result<void> check_fields(const Headers& headers);

// `name: value CRLF`.
void append_field(std::string& out, std::string_view name, std::string_view value);
// Every field that may pass a hop, but those named in `except` (lower case).
void append_end_to_end(std::string& out, const Headers& headers,
                       std::span<const std::string_view> except);
// The standard phrase, or an empty one.
std::string_view reason_phrase(int status);
// RFC 9110 section 5.6.7: Mon, 23 Nov 2026 06:28:24 GMT.
std::string http_date(Time time);
// `host` or `host:port`; an IPv6 address in brackets.
std::string host_field(const Origin& origin);

}  // namespace keyturn::http
