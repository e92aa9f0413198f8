#include "http/head_writer.h"

#include "base/bytes.h"

namespace keyturn::http {

Result<void> check_fields(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) {
      return fail(Code::kInvalid, "`{}` is not a field name", printable(name, 100));
    }
    if (!is_field_value(value)) {
      return fail(Code::kInvalid, "the value of `{}` holds a control character", name);
    }
  }
  return {};
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_end_to_end(std::string& out, const Headers& headers,
                       std::span<const std::string_view> except) {
  for (const auto& [name, value] : headers) {
    if (is_hop_by_hop(name, headers)) continue;
    const bool skipped = std::any_of(except.begin(), except.end(), [&](std::string_view other) {
      return equal_ignoring_case(name, other);
    });
    if (!skipped) append_field(out, name, value);
  }
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

std::string http_date(Time time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

std::string host_field(const Origin& origin) {
  const bool address = origin.host.find(':') != std::string::npos;
  std::string host = address ? fmt::format("[{}]", origin.host) : origin.host;
  const std::uint16_t usual = origin.scheme == "https" ? 443 : 80;
  if (origin.port != usual) host += fmt::format(":{}", origin.port);
  return host;
}

}  // namespace keyturn::http
