#include "http/framing.h"

#include <charconv>

#include "base/bytes.h"

namespace keyturn::http {
namespace {

// Longer numbers would overflow what sizes are counted in.
constexpr std::size_t kLengthDigitsMax = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_character(char c) {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_visible_ascii(char c) { return c > 0x20 && c < 0x7f; }

Result<void> check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return fail(Code::kInvalid, "a header line is folded");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return fail(Code::kInvalid, "a header line has no field name followed by a colon");
  }
  if (!is_field_value(line.substr(colon + 1))) {
    return fail(Code::kInvalid, "a control character in the value of `{}`",
                printable(line.substr(0, colon), 100));
  }
  return {};
}

// Calls visit(option) for each element of every Connection field.
template <class Visit>
void for_each_connection_option(const Headers& headers, Visit visit) {
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "connection")) continue;
    std::string_view rest = value;
    while (true) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      visit(trim(rest.substr(0, comma)));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
}

Result<void> check_host(const Headers& headers) {
  if (headers.count("host") != 1) {
    return fail(Code::kInvalid, "exactly one host field is needed, got {}", headers.count("host"));
  }
  const std::string_view host = *headers.find("host");
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || std::string_view("-._:[]").find(c) != std::string_view::npos;
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), allowed)) {
    return fail(Code::kInvalid, "the host field is not a host with an optional port");
  }
  return {};
}

// Body framing from Transfer-Encoding and Content-Length alone; kUntilClose when neither is there.
Result<Framing> body_framing(const Headers& headers) {
  const std::size_t encodings = headers.count("transfer-encoding");
  const std::size_t lengths = headers.count("content-length");
  Framing framing;
  framing.kind = Framing::Kind::kUntilClose;
  if (encodings > 0 && lengths > 0) {
    return fail(Code::kInvalid, "both transfer-encoding and content-length");
  }
  if (encodings > 1) return fail(Code::kInvalid, "more than one transfer-encoding");
  if (lengths > 1) return fail(Code::kInvalid, "more than one content-length");
  if (encodings == 1) {
    if (!equal_ignoring_case(*headers.find("transfer-encoding"), "chunked")) {
      return fail(Code::kInvalid, "a transfer-encoding other than `chunked`");
    }
    framing.kind = Framing::Kind::kChunked;
  }
  if (lengths == 1) {
    const std::string_view text = *headers.find("content-length");
    if (text.empty() || text.size() > kLengthDigitsMax ||
        !std::all_of(text.begin(), text.end(), is_digit)) {
      return fail(Code::kInvalid, "content-length is not a number of 1 to {} digits",
                  kLengthDigitsMax);
    }
    framing.kind = Framing::Kind::kLength;
    std::from_chars(text.data(), text.data() + text.size(), framing.length);
  }
  return framing;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool has_connection_option(const Headers& headers, std::string_view option) {
  bool found = false;
  for_each_connection_option(headers, [&found, option](std::string_view element) {
    found = found || equal_ignoring_case(element, option);
  });
  return found;
}

bool is_hop_by_hop(std::string_view name, const Headers& headers) {
  constexpr std::array<std::string_view, 10> kNames = {
      "connection",     "keep-alive",    "proxy-connection", "te",
      "trailer",        "upgrade",       "expect",           "transfer-encoding",
      "content-length", "http2-settings"};
  for (const std::string_view known : kNames) {
    if (equal_ignoring_case(name, known)) return true;
  }
  return has_connection_option(headers, name);
}

HeadEnd find_head_end(std::string_view bytes, std::size_t scanned) {
  std::size_t from = scanned;
  while (true) {
    const std::size_t feed = bytes.find('\n', from);
    if (feed == std::string_view::npos) return {HeadEnd::Kind::kMore, 0};
    if (feed == 0 || bytes[feed - 1] != '\r') return {HeadEnd::Kind::kBad, 0};
    if (feed == 1) return {HeadEnd::Kind::kBad, 0};  // an empty line where a head must start
    if (feed >= 3 && bytes[feed - 2] == '\n') return {HeadEnd::Kind::kFound, feed + 1};
    from = feed + 1;
  }
}

Result<void> check_head_bytes(std::string_view head) {
  bool first = true;
  while (true) {
    const std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return fail(Code::kInvalid, "the head has no end");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (first) {
      first = false;
      if (line.empty() || line.front() == ' ' || !is_field_value(line) ||
          line.find('\t') != std::string_view::npos) {
        return fail(Code::kInvalid, "the first line is empty or holds a control character");
      }
      continue;
    }
    if (line.empty()) {
      if (!head.empty()) return fail(Code::kInvalid, "an empty line inside the head");
      return {};
    }
    TRY_VOID(check_field_line(line));
  }
}

Result<Framing> check_framing(const ParsedRequest& request) {
  const RequestHead& head = request.head;
  if (request.version != 11) return fail(Code::kInvalid, "only version 1.1 of HTTP is spoken here");
  if (!is_token(head.method) || head.method == "CONNECT") {
    return fail(Code::kInvalid, "the method `{}` is not served here", printable(head.method, 40));
  }
  if (!head.target.starts_with('/') ||
      !std::all_of(head.target.begin(), head.target.end(), is_visible_ascii) ||
      head.target.find('#') != std::string::npos) {
    return fail(Code::kInvalid, "the request target must be a path of visible ASCII");
  }
  TRY_VOID(check_host(head.headers));
  bool known = true;
  for_each_connection_option(head.headers, [&known](std::string_view option) {
    constexpr std::array<std::string_view, 5> kKnown = {"close", "keep-alive", "te", "upgrade",
                                                        "http2-settings"};
    known = known && std::any_of(kKnown.begin(), kKnown.end(), [option](std::string_view name) {
              return equal_ignoring_case(name, option);
            });
  });
  if (!known) return fail(Code::kInvalid, "a connection option names another field");
  TRY(Framing framing, body_framing(head.headers));
  if (framing.kind == Framing::Kind::kUntilClose) framing.kind = Framing::Kind::kNone;
  framing.keep_alive = !has_connection_option(head.headers, "close");
  return framing;
}

Result<Framing> check_framing(const ParsedResponse& response, Method asked) {
  const Headers& headers = response.head.headers;
  const int status = response.head.status;
  Result<Framing> framing = body_framing(headers);
  if (!framing) {
    framing.error().code = Code::kCorrupt;
    return framing;
  }
  if (response.version != 11 && framing->kind == Framing::Kind::kChunked) {
    return fail(Code::kCorrupt, "transfer-encoding in an HTTP/1.0 answer");
  }
  if (status < 100 || status > 599 || status == 101) {
    return fail(Code::kCorrupt, "the answer's status {} was not asked for", status);
  }
  framing->keep_alive = response.version == 11 && !has_connection_option(headers, "close") &&
                        framing->kind != Framing::Kind::kUntilClose;
  const bool bodiless = status < 200 || status == 204 || status == 304;
  if (bodiless || asked == Method::kHead) {
    // A server that frames a body where none may be is not trusted to send none.
    const bool framed = framing->kind == Framing::Kind::kChunked ||
                        (framing->kind == Framing::Kind::kLength && framing->length > 0);
    const bool close_said = response.version != 11 || has_connection_option(headers, "close");
    framing->keep_alive = !close_said && (asked == Method::kHead || status == 304 || !framed);
    framing->kind = Framing::Kind::kNone;
  }
  return framing;
}

}  // namespace keyturn::http
