// What commands need that work on the data folder itself, while no server does.
#pragma once

#include <unistd.h>

#include <memory>

#include "app/app.h"
#include "app/config.h"
#include "cli/commands.h"

namespace keyturn::cli {

// The world as it is; warnings go to the error stream.
struct Outside {
  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  StreamLog log{STDERR_FILENO, Level::kWarning, clock};
};

app::Needs needs_of(Outside& outside, const Context& context);

// kConflict says that the server must not run.
Result<std::unique_ptr<app::Core>> open_core(const app::Config& config, Outside& outside,
                                             const Context& context);

}  // namespace keyturn::cli
