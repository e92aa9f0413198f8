// A change as reviewers read it in a terminal. Pure functions from the API's JSON to text;
// everything an agent may have written is escaped, nothing is left out.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "cli/screen.h"

namespace keyturn::cli {

std::string change_table(const Json& changes, const Style& style, Time now);
std::string change_view(const Json& change, const Style& style, Time now);
// What a review led to.
std::string review_result(const Json& answer, const Style& style, Time now);

}  // namespace keyturn::cli
