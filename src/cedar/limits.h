// The limits on what is read. What passes one is an error, kExhausted or kInvalid, before it costs
// memory or stack.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/result.h"

namespace keyturn::cedar {

// Policies, schemas and entities alike. More than any of them written by people; a bound on memory
// and on offsets.
inline constexpr std::size_t kTextBytesMax = 8U << 20U;
// Of expressions, types and their printing: far beyond what people write, and a few hundred bytes
// of stack a level stay well inside a thread's stack, sanitizers included.
inline constexpr unsigned kDepthMax = 400;

// One operator takes up to three levels of JSON, one type up to two; the rest is around them.
inline constexpr JsonLimits kPolicyJsonLimits = {.bytes_max = kTextBytesMax,
                                                 .depth_max = 3 * kDepthMax + 20};
inline constexpr JsonLimits kSchemaJsonLimits = {.bytes_max = kTextBytesMax,
                                                 .depth_max = 2 * kDepthMax + 20};
// Entities, contexts and requests. The reference's reader stops at 128 as well.
inline constexpr JsonLimits kValueJsonLimits = {.bytes_max = kTextBytesMax, .depth_max = 128};

// Size, UTF-8 and byte-order mark; every reader of text begins with it. kExhausted, kInvalid.
Result<std::monostate> check_text(std::string_view source);

}  // namespace keyturn::cedar
