// What HTTP asks before a route is reached: whose page sent this, who calls, what must every answer
// carry. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/route.h"
#include "http/http.h"

namespace keyturn::api {

// The Host field must name this machine's loopback or one of `names`, with any port or none.
std::optional<Refusal> check_host(const http::Headers& headers, std::span<const std::string> names);

// A browser's request that would change something must come from a page of our own origin.
std::optional<Refusal> check_origin(const http::Headers& headers);

// The token of `Authorization: Bearer …`, or nothing when the field is missing, repeated or of
// another scheme.
std::optional<std::string> bearer_token(const http::Headers& headers);

// A body is JSON and says so; without a body no content type is needed.
std::optional<Refusal> check_content_type(const http::Headers& headers);

// For every answer: nothing is cached, sniffed, framed or run.
http::Headers security_headers();

Answer error_answer(const Refusal& refusal, const std::string& request_id);

}  // namespace keyturn::api
