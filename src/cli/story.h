// Ledger entries as a story: one line says what happened to whom and why. Pure functions;
// everything an agent may have written is escaped.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/screen.h"

namespace keyturn::cli {

// The lines of one entry, whose `text` is the canonical JSON; ends with a line feed.
std::string story_of(const Json& entry, const Style& style);
std::string story_heading(const Style& style);

}  // namespace keyturn::cli
