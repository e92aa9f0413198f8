// What a statement of DynamoDB's PartiQL would do, and to which table. Pure; any thread.
// (Amazon DynamoDB Developer Guide, "PartiQL statements for DynamoDB".)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/bind.h"

namespace keyturn::aws {

// By its first word: SELECT reveals, since it may read a whole table; INSERT and UPDATE change; all
// else destroys.
Effect effect_of_partiql(std::string_view statement);

// `table/Orders` or `table/Orders/index/ByDay`, as the last part of its ARN has it. Nothing when
// that is not certain: a comment, a second FROM, a name that no table can have.
std::optional<std::string> target_of_partiql(std::string_view statement);

// The statements of a request, or nothing for operations that carry none. One that is missing
// or no text is null.
std::optional<std::vector<const std::string*>> partiql_of(std::string_view operation,
                                                          const Input& input);

}  // namespace keyturn::aws
