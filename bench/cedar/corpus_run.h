// The public conformance corpus, measured in its parts.
#pragma once

#include <string>

namespace keyturn::bench {

// Prints one line of JSON with the CPU seconds of reading policies and entities, of deciding, and
// of strict validation, schemas read included.
void run_corpus(const std::string& folder);

}  // namespace keyturn::bench
