// `keyturn serve`: the server in the foreground, its log on standard output, until a signal ends
// it.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/app.h"
#include "app/config.h"
#include "cli/cli.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

constexpr Duration kDrainTimeout =
    std::chrono::seconds(20);  // below systemd's 90 s before it kills

void reload(app::App& app, Log& log) {
  if (const auto reloaded = app.reload_policies(); !reloaded) {
    log.error("policies.refused", {{"error", reloaded.error().message},
                                   {"note", "the policies in force before stay in force"}});
  }
}

}  // namespace

Result<int> serve(const Context& context) {
  TRY(app::Config config, app::read_config(context.options.config));
  config.aws.model_path = context.options.aws_model;
  config.accept_clock = context.options.accept_clock;
  // The vault's secrets are in this memory: no other process of the user reads it, no core holds
  // it.
  const rlimit no_core{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0) != 0 || ::setrlimit(RLIMIT_CORE, &no_core) != 0) {
    return fail(Code::kUnavailable, "close this process's memory to others: {}",
                std::strerror(errno));
  }
  // Before any thread exists, so that signals come to this one alone.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is an error like a full disk

  const SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  StreamLog log(STDOUT_FILENO, Level::kInfo, clock);
  TRY(const auto app, app::App::start(config, {.clock = clock,
                                               .random = random,
                                               .log = log,
                                               .metrics = metrics,
                                               .environment = context.environment}));
  for (;;) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    reload(*app, log);
  }
  log.info("server.draining");
  app->stop(kDrainTimeout);
  log.info("server.stopped");
  return kDone;
}

}  // namespace keyturn::cli
