// Runs a credential process: no shell, a time limit, a bounded answer, nothing inherited but
// standard streams and the environment. Blocks; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace keyturn::vault {

struct ProcessLimits {
  Duration timeout = std::chrono::seconds(30);  // one-time password prompts take no longer
  std::size_t output_bytes_max = 64U << 10U;
};

// Splits a command line into words as a POSIX shell does with quotes and backslashes, and does
// nothing else that a shell would. kInvalid on an open quote or an empty line.
Result<std::vector<std::string>> split_command(std::string_view line);

// Standard output of the program when it exits with 0. kTimeout, kUnavailable (cannot start, exits
// with another status) and kExhausted name the program, never its output.
Result<std::string> run_process(const std::vector<std::string>& words, const ProcessLimits& limits,
                                const Clock& clock);

}  // namespace keyturn::vault
