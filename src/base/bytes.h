// Bytes as text: hex, base64 and percent encodings. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn {

// SHA-256 of something. A type of its own, so that no other 32 bytes pass for one.
struct Digest {
  std::array<unsigned char, 32> bytes{};

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // 64 lower-case hex digits.
  std::string hex() const;
  static Result<Digest> from_hex(std::string_view hex);
  static Result<Digest> from_bytes(std::string_view raw);
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// Lower-case hex.
std::string hex_encode(std::string_view bytes);
// Both cases accepted; odd length or another character: kInvalid.
Result<std::string> hex_decode(std::string_view hex);

// RFC 4648 section 4, padded.
std::string base64_encode(std::string_view bytes);
// Strict: padding required, no white space, no bits left over.
Result<std::string> base64_decode(std::string_view text);
// RFC 4648 section 5 (URL-safe), without padding.
std::string base64url_encode(std::string_view bytes);

// RFC 3986: everything but unreserved characters becomes %XX; `keep` names further characters to
// leave.
std::string percent_encode(std::string_view bytes, std::string_view keep = "");
// `%` must be followed by two hex digits. A `+` stays a plus.
Result<std::string> percent_decode(std::string_view text);

bool is_valid_utf8(std::string_view text);
// ASCII only: header names, schemes.
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// Without leading and trailing spaces and tabs.
std::string_view trim(std::string_view text);

// `*` matches any run of characters, `?` one; everything else itself. Linear in text times stars.
bool glob_match(std::string_view pattern, std::string_view text);

// For terminals and logs: control, escape and bidirectional characters become visible escapes, and
// the text is cut at `bytes_max` with an ellipsis. Agent text is hostile.
std::string printable(std::string_view text, std::size_t bytes_max = 4'096);

// Cut at `bytes_max` between characters of UTF-8, with an ellipsis; nothing else is changed.
std::string shortened(std::string text, std::size_t bytes_max);

}  // namespace keyturn
