// What to do about a validation error, where that is known.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cedar/schema_content.h"

namespace keyturn::cedar {

// Names of the schema that one validation compares with unknown ones, each of up to 128 bytes: a
// second at the most, and more than anybody reads.
inline constexpr std::size_t kHelpNamesMax = 100'000;

// For the messages of the validator; empty when there is nothing to say. `names_left` begins as
// kHelpNamesMax.
std::string validation_help(const SchemaContent& schema, std::string_view message,
                            std::size_t& names_left);

}  // namespace keyturn::cedar
