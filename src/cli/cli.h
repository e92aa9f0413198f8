// The command line `keyturn`: people's way to a running server, and the operator's way to start
// one. Subcommands are clients of the API; `init`, `serve`, `vault`, `policy` and `aws explain`
// work on this machine's files. Single-threaded but for `serve`.
#pragma once

namespace keyturn::cli {

// Exit codes, as scripts rely on them.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kDenied = 3;
inline constexpr int kHeld = 4;

// Parses the command line, runs the command, prints, and returns the exit code.
int run(int count, char** arguments);

}  // namespace keyturn::cli
