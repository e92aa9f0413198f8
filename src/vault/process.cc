#include "vault/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 declares no linkage in it
}

#include <cerrno>
#include <cstring>
#include <system_error>

#include "crypto/crypto.h"

namespace keyturn::vault {
namespace {

constexpr std::size_t kCommandBytesMax = 8'192;  // of a line in a config file
constexpr std::size_t kReadBytes = 4'096;        // one pipe buffer page

std::string reason(int error) { return std::generic_category().message(error); }

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int number() const { return number_; }
  void reset(int number = -1) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }

 private:
  int number_;
};

// A running program in a process group of its own; killed with its children unless it was awaited.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (id_ <= 0) return;
    ::kill(-id_, SIGKILL);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  Result<void> start(const std::vector<std::string>& words, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    // What a credential program complains about may hold secrets; it goes nowhere.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> copies = words;
    std::vector<char*> arguments;
    for (std::string& word : copies) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int error =
        ::posix_spawnp(&id_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      id_ = 0;
      return fail(Code::kUnavailable, "cannot start `{}`: {}", words[0], reason(error));
    }
    return {};
  }

  pid_t id() const { return id_; }

  // The exit status of a program that has ended.
  int reap() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    ::kill(-id_, SIGKILL);  // what it left behind in its group
    id_ = 0;
    return status;
  }

 private:
  pid_t id_ = 0;
};

// Waits until the descriptor is readable; false when the deadline passed.
bool await_readable(int descriptor, Instant deadline, const Clock& clock) {
  for (;;) {
    const Duration left = deadline - clock.monotonic();
    if (left <= Duration::zero()) return false;
    pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(&entry, 1, static_cast<int>(wait_ms));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<void> read_output(int descriptor, Instant deadline, const ProcessLimits& limits,
                         const Clock& clock, const std::string& program, std::string& output) {
  std::array<char, kReadBytes> buffer;
  for (;;) {
    if (!await_readable(descriptor, deadline, clock)) {
      return fail(Code::kTimeout, "`{}` did not answer within {}", program,
                  format_duration(limits.timeout));
    }
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::kUnavailable, "read from `{}`: {}", program, reason(errno));
    if (count == 0) return {};
    const auto size = static_cast<std::size_t>(count);
    if (output.size() + size > limits.output_bytes_max) {
      return fail(Code::kExhausted, "`{}` wrote more than {} bytes", program,
                  limits.output_bytes_max);
    }
    output.append(buffer.data(), size);
    ::explicit_bzero(buffer.data(), buffer.size());
  }
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view line) {
  if (line.size() > kCommandBytesMax) {
    return fail(Code::kInvalid, "a command of more than {} bytes", kCommandBytesMax);
  }
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\0') return fail(Code::kInvalid, "a command with a NUL byte");
    if (quote == '\'') {
      if (c == '\'')
        quote = 0;
      else
        word += c;
    } else if (c == '\\') {
      if (i + 1 == line.size()) return fail(Code::kInvalid, "a command that ends in a backslash");
      const char next = line[++i];
      if (quote == '"' && next != '"' && next != '\\') word += '\\';
      word += next;
      in_word = true;
    } else if (quote == '"') {
      if (c == '"')
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return fail(Code::kInvalid, "a command with an open quote");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words[0].empty()) return fail(Code::kInvalid, "an empty command");
  return words;
}

Result<std::string> run_process(const std::vector<std::string>& words, const ProcessLimits& limits,
                                const Clock& clock) {
  CHECK(!words.empty());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Code::kUnavailable, "cannot open a pipe: {}", reason(errno));
  }
  const Descriptor input(ends[0]);
  Descriptor output_end(ends[1]);
  Child child;
  TRY_VOID(child.start(words, output_end.number()));
  output_end.reset();
  const Descriptor ended(::pidfd_open(child.id(), 0));
  if (ended.number() < 0) {
    return fail(Code::kUnavailable, "cannot watch `{}`: {}", words[0], reason(errno));
  }

  const Instant deadline = clock.monotonic() + limits.timeout;
  std::string output;
  auto read = read_output(input.number(), deadline, limits, clock, words[0], output);
  if (read && !await_readable(ended.number(), deadline, clock)) {
    read = fail(Code::kTimeout, "`{}` did not end within {}", words[0],
                format_duration(limits.timeout));
  }
  if (!read) {
    crypto::wipe(output);
    return fail(std::move(read).error());
  }
  const int status = child.reap();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  crypto::wipe(output);
  if (WIFSIGNALED(status)) {
    return fail(Code::kUnavailable, "`{}` was ended by signal {}", words[0], WTERMSIG(status));
  }
  return fail(Code::kUnavailable, "`{}` exited with status {}", words[0], WEXITSTATUS(status));
}

}  // namespace keyturn::vault
