#include <charconv>

#include "base/bytes.h"
#include "http/http.h"

namespace keyturn::http {
namespace {

// RFC 1035: no name is longer.
constexpr std::size_t kHostBytesMax = 253;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view url) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65'535) {
    return fail(Code::kInvalid, "`{}`: `{}` is not a port; use 1 to 65535", printable(url, 200),
                printable(text, 20));
  }
  return static_cast<std::uint16_t>(port);
}

// The host without brackets, and what follows it.
Result<std::string_view> split_host(std::string_view& rest, std::string_view url) {
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return fail(Code::kInvalid, "`{}`: `[` without `]`", printable(url, 200));
    }
    const std::string_view host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!std::all_of(host.begin(), host.end(), is_ipv6_character) ||
        host.find(':') == std::string_view::npos) {
      return fail(Code::kInvalid, "`{}`: not an IPv6 address in brackets", printable(url, 200));
    }
    return host;
  }
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const std::string_view host = rest.substr(0, colon);
  rest.remove_prefix(colon);
  if (!std::all_of(host.begin(), host.end(), is_host_character)) {
    return fail(Code::kInvalid, "`{}`: the host may hold letters, digits, `.`, `-` and `_` only",
                printable(url, 200));
  }
  return host;
}

}  // namespace

Result<Origin> parse_origin(std::string_view url) {
  const std::string lower = to_lower(url);
  std::string_view rest = lower;
  Origin origin;
  if (rest.starts_with("https://")) {
    origin.scheme = "https";
    origin.port = 443;
  } else if (rest.starts_with("http://")) {
    origin.scheme = "http";
    origin.port = 80;
  } else {
    return fail(Code::kInvalid, "`{}`: write http://host:port or https://host",
                printable(url, 200));
  }
  rest.remove_prefix(origin.scheme.size() + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  TRY(const std::string_view host, split_host(rest, url));
  if (host.empty() || host.size() > kHostBytesMax) {
    return fail(Code::kInvalid, "`{}`: a host of 1 to {} characters is needed", printable(url, 200),
                kHostBytesMax);
  }
  origin.host = host;
  if (rest.empty()) return origin;
  if (!rest.starts_with(':')) {
    return fail(Code::kInvalid, "`{}`: a path, query or user is not allowed here",
                printable(url, 200));
  }
  TRY(origin.port, parse_port(rest.substr(1), url));
  return origin;
}

}  // namespace keyturn::http
