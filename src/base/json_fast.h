// The two readers behind parse_strict(). The fast one takes the common case in one pass and gives
// up on whatever is wrong or rare; the careful one then decides, and has the messages. What the
// fast one accepts, the careful one accepts as the same value.
#pragma once

#include <optional>

#include "base/json.h"

namespace keyturn {

std::optional<Json> parse_fast(std::string_view text, const JsonLimits& limits);
Result<Json> parse_careful(std::string_view text, const JsonLimits& limits);

}  // namespace keyturn
