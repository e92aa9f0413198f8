#include "api/door.h"

#include "base/bytes.h"

namespace keyturn::api {
namespace {

// `host`, `host:port` or `[v6]:port` without its port, in lower case; empty when it is none of
// them.
std::string host_name(std::string_view authority) {
  std::size_t end = std::min(authority.find(':'), authority.size());
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) return "";
    ++end;
  }
  const std::string_view rest = authority.substr(end);
  const bool has_port =
      rest.starts_with(':') && rest.substr(1).find_first_not_of("0123456789") == rest.npos;
  if (!rest.empty() && !has_port) return "";
  return to_lower(authority.substr(0, end));
}

bool is_loopback(std::string_view name) {
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

}  // namespace

std::optional<Refusal> check_host(const http::Headers& headers,
                                  std::span<const std::string> names) {
  const auto host = headers.find("host");
  if (host && headers.count("host") == 1) {
    const std::string name = host_name(*host);
    if (is_loopback(name)) return std::nullopt;
    for (const std::string& known : names) {
      if (equal_ignoring_case(name, known)) return std::nullopt;
    }
  }
  return Refusal{
      403, "host_not_allowed",
      fmt::format("the host name `{}` is not one of this server's; add it to `host_names` "
                  "in [server] if it is",
                  printable(host.value_or(""), 200))};
}

std::optional<Refusal> check_origin(const http::Headers& headers) {
  const Refusal refusal{403, "origin_not_allowed",
                        "a page of another origin may not change anything here"};
  if (const auto site = headers.find("sec-fetch-site")) {
    if (*site != "same-origin" && *site != "none") return refusal;
  }
  const std::size_t count = headers.count("origin");
  if (count == 0) return std::nullopt;
  const std::string_view origin = *headers.find("origin");
  // The Host field has been checked to be ours.
  const std::string_view host = headers.find("host").value_or("");
  const bool ours = count == 1 && !host.empty() &&
                    (equal_ignoring_case(origin, fmt::format("http://{}", host)) ||
                     equal_ignoring_case(origin, fmt::format("https://{}", host)));
  if (ours) return std::nullopt;
  return refusal;
}

std::optional<std::string> bearer_token(const http::Headers& headers) {
  if (headers.count("authorization") != 1) return std::nullopt;
  const std::string_view value = *headers.find("authorization");
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  if (!equal_ignoring_case(value.substr(0, space), "bearer")) return std::nullopt;
  const std::string_view token = trim(value.substr(space));
  if (token.empty() || token.size() > 256) return std::nullopt;
  return std::string(token);
}

std::optional<Refusal> check_content_type(const http::Headers& headers) {
  const std::string_view given = headers.find("content-type").value_or("");
  const std::string_view type = trim(given.substr(0, given.find(';')));
  if (headers.count("content-type") == 1 && equal_ignoring_case(type, "application/json")) {
    return std::nullopt;
  }
  return Refusal{415, "unsupported_media_type",
                 "send the body with `Content-Type: application/json`"};
}

http::Headers security_headers() {
  return {{"cache-control", "no-store"},
          {"x-content-type-options", "nosniff"},
          {"content-security-policy",
           "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
          {"referrer-policy", "no-referrer"},
          {"cross-origin-resource-policy", "same-origin"},
          {"cross-origin-opener-policy", "same-origin"}};
}

Answer error_answer(const Refusal& refusal, const std::string& request_id) {
  const Json error = Json::object(
      {{"code", refusal.code}, {"message", refusal.message}, {"request_id", request_id}});
  return json_answer(Json::object({{"error", error}}), refusal.status);
}

}  // namespace keyturn::api
