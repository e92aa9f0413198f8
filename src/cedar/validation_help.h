// What to do about a validation error, where that is known.
#pragma once

#include <string>
#include <string_view>

#include "cedar/schema_content.h"

namespace keyturn::cedar {

// For the messages of the validator; empty when there is nothing to say.
std::string validation_help(const SchemaContent& schema, std::string_view message);

}  // namespace keyturn::cedar
