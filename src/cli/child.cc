#include "cli/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace keyturn::cli {
namespace {

// AWS variables that say how to work but not as whom or where. All others are left out.
constexpr std::string_view kHarmless[] = {
    "AWS_REGION",       "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT",  "AWS_PAGER",
    "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE",     "AWS_CLI_AUTO_PROMPT", "AWS_CA_BUNDLE"};

constexpr int kLost = 126;  // somebody else waited for our child

constexpr int kForwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

bool stays(std::string_view name) {
  if (name.starts_with("KEYTURN_")) return false;
  if (name == "NO_PROXY" || name == "no_proxy") return false;  // set anew
  if (!name.starts_with("AWS_")) return true;
  return std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

std::string value_of(const std::vector<std::string>& entries, std::string_view name) {
  for (const std::string& entry : entries) {
    if (name_of(entry) == name && entry.size() > name.size()) return entry.substr(name.size() + 1);
  }
  return "";
}

// The host of `scheme://host:port`.
std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.rfind(':')));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(std::vector<char*>& command, std::vector<char*>& environment,
                         const sigset_t& mask, int failure_pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // an agent does not outlive its session's keeper
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::execvpe(command.front(), command.data(), environment.data());
  const int reason = errno;
  const ssize_t written = ::write(failure_pipe, &reason, sizeof reason);
  ::_exit(written == sizeof reason ? 127 : 126);
}

int exit_code_of(int status) {
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

// Waits for the child; signals meant for us go to it. What the terminal sent it has already.
int wait_for(pid_t child, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return exit_code_of(status);
    if (ended < 0 && errno != EINTR) return kLost;
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&signals, &info);
    if (signal > 0 && signal != SIGCHLD && info.si_code != SI_KERNEL) ::kill(child, signal);
  }
}

}  // namespace

std::vector<std::string> child_environment(const std::vector<std::string>& own,
                                           const SessionVariables& session) {
  std::vector<std::string> environment;
  for (const std::string& entry : own) {
    if (stays(name_of(entry))) environment.push_back(entry);
  }
  const auto set = [&](std::string_view name, std::string_view value) {
    environment.push_back(fmt::format("{}={}", name, value));
  };
  set("AWS_ENDPOINT_URL", session.endpoint_url);
  set("AWS_ACCESS_KEY_ID", session.access_key_id);
  set("AWS_SECRET_ACCESS_KEY", session.secret_access_key);
  set("AWS_SESSION_TOKEN", session.session_token);
  set("AWS_EC2_METADATA_DISABLED", "true");
  set("AWS_CONFIG_FILE", session.config_file);
  set("AWS_SHARED_CREDENTIALS_FILE", session.config_file);
  set("AWS_DISABLE_REQUEST_COMPRESSION", "true");  // reviewers read what is sent
  // Directory buckets without CreateSession, whose answer works outside the gate.
  set("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "true");
  set("AWS_DISABLE_HOST_PREFIX_INJECTION", "true");  // the gateway has one name
  // Some clients read the one variable, some the other.
  const std::string region = value_of(own, "AWS_REGION");
  const std::string default_region = value_of(own, "AWS_DEFAULT_REGION");
  if (region.empty() && !default_region.empty()) set("AWS_REGION", default_region);
  if (default_region.empty() && !region.empty()) set("AWS_DEFAULT_REGION", region);
  // A proxy would keep requests from reaching the gateway.
  for (const std::string_view name : {"NO_PROXY", "no_proxy"}) {
    const std::string before = value_of(own, name);
    set(name, before.empty() ? host_of(session.endpoint_url)
                             : before + "," + host_of(session.endpoint_url));
  }
  return environment;
}

Result<int> run_child(const std::vector<std::string>& command,
                      const std::vector<std::string>& environment) {
  std::vector<std::string> words = command;
  std::vector<std::string> variables = environment;
  std::vector<char*> word_pointers = pointers(words);
  std::vector<char*> variable_pointers = pointers(variables);
  std::array<int, 2> failure{-1, -1};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) {
    return fail(Code::kUnavailable, "make a pipe: {}", std::strerror(errno));
  }
  sigset_t signals;
  sigset_t before;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  for (const int signal : kForwarded) ::sigaddset(&signals, signal);
  ::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, it would never tell us
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = ::fork();
  if (child == 0) become(word_pointers, variable_pointers, before, failure[1]);
  ::close(failure[1]);
  if (child < 0) {
    ::close(failure[0]);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return fail(Code::kUnavailable, "start `{}`: {}", command.front(), std::strerror(errno));
  }
  int reason = 0;
  const ssize_t count = ::read(failure[0], &reason, sizeof reason);  // ends when exec succeeds
  ::close(failure[0]);
  const int code = wait_for(child, signals);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (count == sizeof reason) {
    return fail(Code::kNotFound, "start `{}`: {}", command.front(), std::strerror(reason));
  }
  return code;
}

}  // namespace keyturn::cli
