// `keyturn run`: an agent's process in a session of its own.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/commands.h"

extern char** environ;

namespace keyturn::cli {
namespace {

// Instead of ~/.aws: no credentials, and bucket names in paths, because the gateway has one host
// name.
constexpr std::string_view kAwsConfig = "[default]\ns3 =\n  addressing_style = path\n";

// A private folder with one file, removed at the end.
class PrivateFile {
 public:
  static Result<std::unique_ptr<PrivateFile>> create(const std::string& parent,
                                                     std::string_view text) {
    std::string folder = parent + "/keyturn-run-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
      return fail(Code::kUnavailable, "make a folder in `{}`: {}", parent, std::strerror(errno));
    }
    auto file = std::make_unique<PrivateFile>(folder);
    const int descriptor =
        ::open(file->path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const ssize_t written = descriptor < 0 ? -1 : ::write(descriptor, text.data(), text.size());
    if (descriptor >= 0) ::close(descriptor);
    if (written != static_cast<ssize_t>(text.size())) {
      return fail(Code::kUnavailable, "write `{}`: {}", file->path(), std::strerror(errno));
    }
    return file;
  }
  explicit PrivateFile(std::string folder) : folder_(std::move(folder)) {}
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  ~PrivateFile() {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/aws-config"; }

 private:
  const std::string folder_;
};

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

std::string default_purpose(const std::vector<std::string>& command) {
  return printable(fmt::format("run {}", fmt::join(command, " ")), 200);
}

std::vector<std::string> without_separator(std::vector<std::string> command) {
  if (!command.empty() && command.front() == "--") command.erase(command.begin());
  return command;
}

}  // namespace

Result<int> run_command(const Context& context) {
  const std::vector<std::string> command = without_separator(context.options.child);
  if (command.empty()) return fail(Code::kInvalid, "name the command to run after --");
  // The agent runs as the same user: it must not read our token from /proc.
  ::prctl(PR_SET_DUMPABLE, 0);
  TRY(const Client client, Client::create(context.options.url, context.environment));
  if (!context.environment("KEYTURN_TOKEN")) {
    print_error(fmt::format(
        "keyturn: warning: the command runs as you and can read your token in `{}`; an "
        "agent that does can review as you. Run it as another user: docs/placement.md\n",
        token_file(context.environment)));
  }
  const std::string temporary = context.environment("XDG_RUNTIME_DIR")
                                    .value_or(context.environment("TMPDIR").value_or("/tmp"));
  TRY(const auto aws_config, PrivateFile::create(temporary, kAwsConfig));
  const std::string purpose =
      context.options.purpose.empty() ? default_purpose(command) : context.options.purpose;
  TRY(const Json answer, start_session(context, client, purpose));
  const Json* session = answer.find("session");
  if (session == nullptr) return fail(Code::kCorrupt, "the server's answer has no `session`");
  const std::string id = session->string_or("id", "");
  const SessionVariables variables{.endpoint_url = answer.string_or("aws_endpoint_url", ""),
                                   .access_key_id = answer.string_or("access_key_id", ""),
                                   .secret_access_key = answer.string_or("secret_access_key", ""),
                                   .session_token = answer.string_or("session_token", ""),
                                   .config_file = aws_config->path()};
  print_error(fmt::format("keyturn: session {} of {}: {}\n", safe(*session, "id"),
                          safe(*session, "agent"), safe(*session, "purpose", 200)));
  const Result<int> code = run_child(command, child_environment(own_environment(), variables));
  const auto ended = client.send("DELETE", "/v1/sessions/" + percent_encode(id), std::nullopt);
  if (!ended && ended.error().code != Code::kConflict) {
    print_error(fmt::format("keyturn: the session {} could not be ended and lasts until {}: {}\n",
                            safe(*session, "id"), safe(*session, "expiry"), ended.error().message));
  }
  return code;
}

}  // namespace keyturn::cli
