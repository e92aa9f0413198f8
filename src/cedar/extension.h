// Cedar's extension types: decimal, ipaddr, datetime, duration. Parsing and calling; pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "cedar/value.h"

namespace keyturn::cedar {

enum class Function : std::uint8_t {
  kDecimal,
  kLessThan,
  kLessThanOrEqual,
  kGreaterThan,
  kGreaterThanOrEqual,
  kIp,
  kIsIpv4,
  kIsIpv6,
  kIsLoopback,
  kIsMulticast,
  kIsInRange,
  kDatetimeOf,
  kDurationOf,
  kOffset,
  kDurationSince,
  kToDate,
  kToTime,
  kToMilliseconds,
  kToSeconds,
  kToMinutes,
  kToHours,
  kToDays,
};

enum class CallStyle { kFunction, kMethod };

struct Signature {
  std::string_view name;
  Function function;
  CallStyle style;
  // The receiver of a method counts.
  std::uint8_t arity;
  Kind argument;         // of the first
  Kind second_argument;  // when arity is 2
  Kind result;
};

std::span<const Signature> all_signatures();
const Signature& signature_of(Function function);
// Null when there is none of that name.
const Signature* find_signature(std::string_view name);
// The constructor whose results are of `kind`; null for other kinds.
const Signature* find_constructor(Kind kind);

// What went wrong in an extension function; never the whole message of an evaluation.
struct ExtensionError {
  std::string message;
};
template <class T>
using ExtensionResult = tl::expected<T, ExtensionError>;

ExtensionResult<std::int64_t> parse_decimal(std::string_view text);
ExtensionResult<Ip> parse_ip(std::string_view text);
ExtensionResult<std::int64_t> parse_datetime(std::string_view text);
ExtensionResult<std::int64_t> parse_duration(std::string_view text);

std::string decimal_text(std::int64_t value);
// With the prefix always: `10.0.0.1/32`.
std::string ip_text(const Ip& ip);

bool is_loopback(const Ip& ip);
bool is_multicast(const Ip& ip);
bool is_in_range(const Ip& inner, const Ip& outer);

// Calls a constructor on text.
ExtensionResult<Value> construct(Arena& arena, Function constructor, std::string_view text);
// Calls a method on arguments of the right kinds and number.
ExtensionResult<Value> call_method(Function method, std::span<const Value> arguments);

}  // namespace keyturn::cedar
