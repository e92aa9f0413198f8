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
  using Phrase = std::pair<int, std::string_view>;
  constexpr auto kPhrases = std::to_array<Phrase>({{100, "Continue"},
                                                   {200, "OK"},
                                                   {201, "Created"},
                                                   {202, "Accepted"},
                                                   {204, "No Content"},
                                                   {206, "Partial Content"},
                                                   {301, "Moved Permanently"},
                                                   {302, "Found"},
                                                   {303, "See Other"},
                                                   {304, "Not Modified"},
                                                   {307, "Temporary Redirect"},
                                                   {308, "Permanent Redirect"},
                                                   {400, "Bad Request"},
                                                   {401, "Unauthorized"},
                                                   {403, "Forbidden"},
                                                   {404, "Not Found"},
                                                   {405, "Method Not Allowed"},
                                                   {408, "Request Timeout"},
                                                   {409, "Conflict"},
                                                   {411, "Length Required"},
                                                   {412, "Precondition Failed"},
                                                   {413, "Content Too Large"},
                                                   {415, "Unsupported Media Type"},
                                                   {416, "Range Not Satisfiable"},
                                                   {417, "Expectation Failed"},
                                                   {422, "Unprocessable Content"},
                                                   {423, "Locked"},
                                                   {429, "Too Many Requests"},
                                                   {431, "Request Header Fields Too Large"},
                                                   {500, "Internal Server Error"},
                                                   {501, "Not Implemented"},
                                                   {502, "Bad Gateway"},
                                                   {503, "Service Unavailable"},
                                                   {504, "Gateway Timeout"}});
  const auto found =
      std::lower_bound(kPhrases.begin(), kPhrases.end(), status,
                       [](const Phrase& phrase, int wanted) { return phrase.first < wanted; });
  return found != kPhrases.end() && found->first == status ? found->second : "";
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
