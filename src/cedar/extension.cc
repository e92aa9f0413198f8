#include "cedar/extension.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace keyturn::cedar {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

constexpr std::array<Signature, 22> kSignatures = {{
    {"decimal", Function::kDecimal, CallStyle::kFunction, 1, Kind::kString, Kind::kString,
     Kind::kDecimal},
    {"lessThan", Function::kLessThan, CallStyle::kMethod, 2, Kind::kDecimal, Kind::kDecimal,
     Kind::kBool},
    {"lessThanOrEqual", Function::kLessThanOrEqual, CallStyle::kMethod, 2, Kind::kDecimal,
     Kind::kDecimal, Kind::kBool},
    {"greaterThan", Function::kGreaterThan, CallStyle::kMethod, 2, Kind::kDecimal, Kind::kDecimal,
     Kind::kBool},
    {"greaterThanOrEqual", Function::kGreaterThanOrEqual, CallStyle::kMethod, 2, Kind::kDecimal,
     Kind::kDecimal, Kind::kBool},
    {"ip", Function::kIp, CallStyle::kFunction, 1, Kind::kString, Kind::kString, Kind::kIp},
    {"isIpv4", Function::kIsIpv4, CallStyle::kMethod, 1, Kind::kIp, Kind::kIp, Kind::kBool},
    {"isIpv6", Function::kIsIpv6, CallStyle::kMethod, 1, Kind::kIp, Kind::kIp, Kind::kBool},
    {"isLoopback", Function::kIsLoopback, CallStyle::kMethod, 1, Kind::kIp, Kind::kIp, Kind::kBool},
    {"isMulticast", Function::kIsMulticast, CallStyle::kMethod, 1, Kind::kIp, Kind::kIp,
     Kind::kBool},
    {"isInRange", Function::kIsInRange, CallStyle::kMethod, 2, Kind::kIp, Kind::kIp, Kind::kBool},
    {"datetime", Function::kDatetimeOf, CallStyle::kFunction, 1, Kind::kString, Kind::kString,
     Kind::kDatetime},
    {"duration", Function::kDurationOf, CallStyle::kFunction, 1, Kind::kString, Kind::kString,
     Kind::kDuration},
    {"offset", Function::kOffset, CallStyle::kMethod, 2, Kind::kDatetime, Kind::kDuration,
     Kind::kDatetime},
    {"durationSince", Function::kDurationSince, CallStyle::kMethod, 2, Kind::kDatetime,
     Kind::kDatetime, Kind::kDuration},
    {"toDate", Function::kToDate, CallStyle::kMethod, 1, Kind::kDatetime, Kind::kDatetime,
     Kind::kDatetime},
    {"toTime", Function::kToTime, CallStyle::kMethod, 1, Kind::kDatetime, Kind::kDatetime,
     Kind::kDuration},
    {"toMilliseconds", Function::kToMilliseconds, CallStyle::kMethod, 1, Kind::kDuration,
     Kind::kDuration, Kind::kLong},
    {"toSeconds", Function::kToSeconds, CallStyle::kMethod, 1, Kind::kDuration, Kind::kDuration,
     Kind::kLong},
    {"toMinutes", Function::kToMinutes, CallStyle::kMethod, 1, Kind::kDuration, Kind::kDuration,
     Kind::kLong},
    {"toHours", Function::kToHours, CallStyle::kMethod, 1, Kind::kDuration, Kind::kDuration,
     Kind::kLong},
    {"toDays", Function::kToDays, CallStyle::kMethod, 1, Kind::kDuration, Kind::kDuration,
     Kind::kLong},
}};

tl::unexpected<ExtensionError> error(std::string message) {
  return tl::unexpected<ExtensionError>(ExtensionError{std::move(message)});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

ExtensionResult<Value> call_datetime(Function method, std::span<const Value> arguments) {
  const std::int64_t first = arguments[0].number;
  std::int64_t result = 0;
  switch (method) {
    case Function::kOffset:
      if (__builtin_add_overflow(first, arguments[1].number, &result)) {
        return error(fmt::format("overflows when adding an offset: {}+({}ms)",
                                 to_text(arguments[0]), arguments[1].number));
      }
      return Value::of(Kind::kDatetime, result);
    case Function::kDurationSince:
      if (__builtin_sub_overflow(first, arguments[1].number, &result)) {
        return error(fmt::format("overflows when computing the duration between {} and {}",
                                 to_text(arguments[0]), to_text(arguments[1])));
      }
      return Value::of(Kind::kDuration, result);
    default:
      break;
  }
  std::int64_t rest = first % kDayMs;
  if (rest < 0) rest += kDayMs;
  if (method == Function::kToTime) return Value::of(Kind::kDuration, rest);
  if (__builtin_sub_overflow(first, rest, &result)) {
    return error(fmt::format("overflows when computing the date of {}", to_text(arguments[0])));
  }
  return Value::of(Kind::kDatetime, result);
}

std::int64_t duration_unit(Function method) {
  switch (method) {
    case Function::kToSeconds:
      return 1'000;
    case Function::kToMinutes:
      return 60'000;
    case Function::kToHours:
      return 3'600'000;
    case Function::kToDays:
      return kDayMs;
    default:
      return 1;
  }
}

}  // namespace

std::span<const Signature> all_signatures() { return kSignatures; }

const Signature& signature_of(Function function) {
  return kSignatures[static_cast<std::size_t>(function)];
}

const Signature* find_signature(std::string_view name) {
  const auto at = std::find_if(kSignatures.begin(), kSignatures.end(),
                               [&](const Signature& entry) { return entry.name == name; });
  return at == kSignatures.end() ? nullptr : &*at;
}

const Signature* find_constructor(Kind kind) {
  const auto at = std::find_if(kSignatures.begin(), kSignatures.end(), [&](const Signature& entry) {
    return entry.style == CallStyle::kFunction && entry.result == kind;
  });
  return at == kSignatures.end() ? nullptr : &*at;
}

ExtensionResult<std::int64_t> parse_decimal(std::string_view text) {
  constexpr std::size_t kFractionDigits = 4;
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  const std::size_t dot = digits.find('.');
  const auto malformed = [&] {
    return error(fmt::format("`{}` is not a well-formed decimal value", text));
  };
  if (dot == std::string_view::npos) return malformed();
  const std::string_view whole = digits.substr(0, dot);
  const std::string_view fraction = digits.substr(dot + 1);
  if (whole.empty() || fraction.empty() || !std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return malformed();
  }
  if (fraction.size() > kFractionDigits) {
    return error(fmt::format("too many digits after the decimal in `{}`", text));
  }
  // Built up with its sign, so that the smallest value is reachable.
  std::int64_t value = 0;
  const auto append = [&](char c) {
    const std::int64_t digit = negative ? '0' - c : c - '0';
    return !__builtin_mul_overflow(value, std::int64_t{10}, &value) &&
           !__builtin_add_overflow(value, digit, &value);
  };
  bool fits = true;
  for (const char c : whole) fits = fits && append(c);
  for (std::size_t i = 0; i < kFractionDigits; ++i) {
    fits = fits && append(i < fraction.size() ? fraction[i] : '0');
  }
  if (!fits) return error("overflow when converting to decimal");
  return value;
}

std::string decimal_text(std::int64_t value) {
  const std::uint64_t magnitude =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  return fmt::format("{}{}.{:04}", value < 0 ? "-" : "", magnitude / 10000, magnitude % 10000);
}

ExtensionResult<Value> construct(Arena& arena, Function constructor, std::string_view text) {
  switch (constructor) {
    case Function::kDecimal: {
      const auto value = parse_decimal(text);
      if (!value) return tl::unexpected<ExtensionError>(value.error());
      return Value::of(Kind::kDecimal, *value);
    }
    case Function::kDatetimeOf: {
      const auto value = parse_datetime(text);
      if (!value) return tl::unexpected<ExtensionError>(value.error());
      return Value::of(Kind::kDatetime, *value);
    }
    case Function::kDurationOf: {
      const auto value = parse_duration(text);
      if (!value) return tl::unexpected<ExtensionError>(value.error());
      return Value::of(Kind::kDuration, *value);
    }
    default: {
      const auto value = parse_ip(text);
      if (!value) return tl::unexpected<ExtensionError>(value.error());
      return Value::of(arena.make(*value));
    }
  }
}

ExtensionResult<Value> call_method(Function method, std::span<const Value> arguments) {
  const Value& first = arguments[0];
  switch (method) {
    case Function::kLessThan:
      return Value::of(first.number < arguments[1].number);
    case Function::kLessThanOrEqual:
      return Value::of(first.number <= arguments[1].number);
    case Function::kGreaterThan:
      return Value::of(first.number > arguments[1].number);
    case Function::kGreaterThanOrEqual:
      return Value::of(first.number >= arguments[1].number);
    case Function::kIsIpv4:
      return Value::of(first.ip->is_v4);
    case Function::kIsIpv6:
      return Value::of(!first.ip->is_v4);
    case Function::kIsLoopback:
      return Value::of(is_loopback(*first.ip));
    case Function::kIsMulticast:
      return Value::of(is_multicast(*first.ip));
    case Function::kIsInRange:
      return Value::of(is_in_range(*first.ip, *arguments[1].ip));
    case Function::kOffset:
    case Function::kDurationSince:
    case Function::kToDate:
    case Function::kToTime:
      return call_datetime(method, arguments);
    default:
      return Value::of(Kind::kLong, first.number / duration_unit(method));
  }
}

}  // namespace keyturn::cedar
