// IP addresses and ranges as Cedar reads them: Rust's std::net grammar without embedded IPv4.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cedar/extension.h"

namespace keyturn::cedar {
namespace {

constexpr std::size_t kTextMax = 43;  // the longest IPv6 address with a prefix

tl::unexpected<ExtensionError> error(std::string message) {
  return tl::unexpected<ExtensionError>(ExtensionError{std::move(message)});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Four decimal octets, each without a leading zero.
bool parse_v4(std::string_view text, std::uint8_t* out) {
  for (int part = 0; part < 4; ++part) {
    std::size_t size = 0;
    unsigned value = 0;
    while (size < text.size() && is_digit(text[size])) {
      if (size == 3) return false;
      value = value * 10 + static_cast<unsigned>(text[size] - '0');
      ++size;
    }
    if (size == 0 || value > 255 || (size > 1 && text[0] == '0')) return false;
    out[part] = static_cast<std::uint8_t>(value);
    text.remove_prefix(size);
    if (part < 3) {
      if (text.empty() || text[0] != '.') return false;
      text.remove_prefix(1);
    }
  }
  return text.empty();
}

std::optional<unsigned> take_group(std::string_view& text) {
  unsigned value = 0;
  std::size_t size = 0;
  for (; size < text.size() && size < 4; ++size) {
    const char c = text[size];
    unsigned digit = 0;
    if (is_digit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A' + 10);
    } else {
      break;
    }
    value = value * 16 + digit;
  }
  if (size == 0) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

// Eight groups, or fewer around one `::`.
bool parse_v6(std::string_view text, std::uint8_t* out) {
  unsigned groups[8] = {};
  int count = 0;
  int gap = -1;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (count == 8) return false;
    const std::optional<unsigned> group = take_group(text);
    if (!group) return false;
    groups[count++] = *group;
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap >= 0) return false;
      gap = count;
      text.remove_prefix(2);
      continue;
    }
    if (text[0] != ':' || text.size() == 1) return false;
    text.remove_prefix(1);
  }
  if (gap < 0 ? count != 8 : count > 7) return false;
  const int tail = gap < 0 ? 0 : count - gap;
  for (int i = 0; i < count; ++i) {
    const int at = gap >= 0 && i >= gap ? 8 - tail + (i - gap) : i;
    out[2 * at] = static_cast<std::uint8_t>(groups[i] >> 8U);
    out[2 * at + 1] = static_cast<std::uint8_t>(groups[i] & 0xffU);
  }
  return true;
}

ExtensionResult<std::uint8_t> parse_prefix(std::string_view text, unsigned max) {
  const std::size_t size_max = max == 32 ? 2 : 3;
  if (text.size() > size_max) {
    return error(fmt::format("error parsing prefix: string length {} is too large", text.size()));
  }
  if (!std::all_of(text.begin(), text.end(), is_digit)) {
    return error(fmt::format("error parsing prefix `{}`: encountered non-digit", text));
  }
  if (text.starts_with('0') && text != "0") {
    return error(fmt::format("error parsing prefix `{}`: leading zero(s)", text));
  }
  if (text.empty()) {
    return error("error parsing prefix from the string ``: cannot parse integer from empty string");
  }
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  if (value > max) {
    return error(fmt::format("error parsing prefix: {} is larger than the limit {}", value, max));
  }
  return static_cast<std::uint8_t>(value);
}

bool parse_address(std::string_view text, Ip& ip) {
  if (parse_v4(text, ip.bytes + 12)) {
    ip.is_v4 = true;
    return true;
  }
  std::fill(std::begin(ip.bytes), std::end(ip.bytes), std::uint8_t{0});
  return parse_v6(text, ip.bytes);
}

// The bits of byte `i` that the prefix fixes.
unsigned mask_byte(const Ip& ip, unsigned i) {
  const unsigned fixed = ip.prefix + (ip.is_v4 ? 96U : 0U);
  const unsigned start = 8 * i;
  if (fixed >= start + 8) return 0xffU;
  if (fixed <= start) return 0;
  return 0xffU << (8 - (fixed - start)) & 0xffU;
}

}  // namespace

ExtensionResult<Ip> parse_ip(std::string_view text) {
  if (text.size() > kTextMax) {
    return error(
        fmt::format("error parsing IP address from string `{}`: string length is too large", text));
  }
  if (std::count(text.begin(), text.end(), ':') > 1 &&
      std::count(text.begin(), text.end(), '.') > 1) {
    return error(
        fmt::format("error parsing IP address from string: We do not accept IPv4 embedded "
                    "in IPv6 (e.g., ::ffff:127.0.0.1). Found: `{}`",
                    text));
  }
  Ip ip;
  const std::size_t slash = text.find('/');
  if (!parse_address(text.substr(0, slash), ip)) {
    return error(slash == std::string_view::npos
                     ? fmt::format("invalid IP address: {}", text)
                     : fmt::format("error parsing IP address from the string `{}`: invalid IP "
                                   "address syntax",
                                   text.substr(0, slash)));
  }
  const unsigned max = ip.is_v4 ? 32 : 128;
  ip.prefix = static_cast<std::uint8_t>(max);
  if (slash == std::string_view::npos) return ip;
  const auto prefix = parse_prefix(text.substr(slash + 1), max);
  if (!prefix) return tl::unexpected<ExtensionError>(prefix.error());
  ip.prefix = *prefix;
  return ip;
}

bool is_loopback(const Ip& ip) {
  if (ip.is_v4) return ip.bytes[12] == 127 && ip.prefix >= 8;
  return std::all_of(ip.bytes, ip.bytes + 15, [](std::uint8_t byte) { return byte == 0; }) &&
         ip.bytes[15] == 1 && ip.prefix == 128;
}

bool is_multicast(const Ip& ip) {
  if (ip.is_v4) return (ip.bytes[12] & 0xf0U) == 0xe0U && ip.prefix >= 4;
  return ip.bytes[0] == 0xff && ip.prefix >= 8;
}

bool is_in_range(const Ip& inner, const Ip& outer) {
  if (inner.is_v4 != outer.is_v4 || inner.prefix < outer.prefix) return false;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned mask = mask_byte(outer, i);
    if ((inner.bytes[i] & mask) != (outer.bytes[i] & mask)) return false;
  }
  return true;
}

std::string ip_text(const Ip& ip) {
  if (ip.is_v4) {
    return fmt::format("{}.{}.{}.{}/{}", ip.bytes[12], ip.bytes[13], ip.bytes[14], ip.bytes[15],
                       ip.prefix);
  }
  std::string out;
  for (unsigned i = 0; i < 8; ++i) {
    out += fmt::format("{}{:x}", i == 0 ? "" : ":", ip.bytes[2 * i] << 8U | ip.bytes[2 * i + 1]);
  }
  return out + fmt::format("/{}", ip.prefix);
}

}  // namespace keyturn::cedar
