// `keyturn ledger verify TARGET`, `receipt` and `key`: the published ledger, from its files alone.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/config.h"
#include "app/folder.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "http/http.h"
#include "ledger/check.h"
#include "ledger/receipt.h"

namespace keyturn::cli {
namespace {

constexpr Duration kFetchTimeout = std::chrono::seconds(60);
constexpr const char* kDefaultSource = "http://127.0.0.1:7311";

bool is_url(std::string_view target) {
  return target.starts_with("http://") || target.starts_with("https://");
}

// --key or its variable; on the machine that runs the log, the data folder's.
Result<ledger::VerifierKey> find_key(const Context& context) {
  if (!context.options.key.empty()) return ledger::VerifierKey::parse(context.options.key);
  const auto config = app::read_config(context.options.config);
  if (config) {
    TRY(const ledger::LogKey key, app::read_ledger_key(config->data_path));
    return key.verifier();
  }
  return fail(Code::kInvalid,
              "say whose log it is: --key with the line that `keyturn ledger key` prints where the "
              "log is kept; get it from people, not from the log");
}

// Files under a URL such as http://127.0.0.1:7311/ledger.
class Remote {
 public:
  static Result<Remote> open(std::string url, const Environment& environment) {
    while (url.ends_with('/')) url.pop_back();
    const std::size_t path = url.find('/', url.find("://") + 3);
    Remote remote;
    TRY(remote.origin_, http::parse_origin(url.substr(0, path)));
    if (path != std::string::npos) remote.prefix_ = url.substr(path);
    // Hashes are for everyone; without a token the server says what it wants one for.
    remote.token_ = find_token(environment).value_or("");
    return remote;
  }
  Result<std::string> read(const std::string& name) const {
    http::RequestHead head;
    head.method = "GET";
    head.target = prefix_ + "/" + name;
    if (!token_.empty()) head.headers.add("authorization", "Bearer " + token_);
    TRY(auto answer, http::fetch(origin_, std::move(head), "", kFetchTimeout));
    if (answer.status == 200) return std::move(answer.body);
    if (answer.status == 404) return fail(Code::kNotFound, "no file `{}` there", name);
    if (answer.status == 401 || answer.status == 403) {
      return fail(Code::kDenied, "`{}`: the server wants a person's token; set KEYTURN_TOKEN",
                  name);
    }
    return fail(Code::kUnavailable, "`{}`: the server answered {}", name, answer.status);
  }

 private:
  http::Origin origin_;
  std::string prefix_;
  std::string token_;
};

Result<ledger::ReadFile> open_source(const std::string& target, const Environment& environment) {
  if (is_url(target)) {
    TRY(const Remote remote, Remote::open(target, environment));
    return [remote](const std::string& name) { return remote.read(name); };
  }
  const ledger::LogFolder folder(target);
  return [folder](const std::string& name) { return folder.read(name); };
}

Result<std::string> read_small(const std::string& path, std::size_t bytes_max) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(Code::kUnavailable, "read `{}`: {}", path, error.message());
  if (size > bytes_max) return fail(Code::kInvalid, "`{}` is longer than any of its kind", path);
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (!file) return fail(Code::kUnavailable, "read `{}`", path);
  return bytes.str();
}

void report(const Context& context, const std::string& what, const ledger::Checkpoint& checkpoint,
            const ledger::VerifierKey& key) {
  if (context.options.json) {
    print(to_pretty_text(Json::object({{"origin", checkpoint.origin},
                                       {"size", checkpoint.size},
                                       {"root", checkpoint.root.hex()},
                                       {"key", key.text()}})) +
          "\n");
    return;
  }
  print(fmt::format("{} {}\n  log   {}\n  size  {}\n  root  {}\n",
                    context.style.paint(Ink::kGreen, "good:"), what, key.text(), checkpoint.size,
                    checkpoint.root.hex()));
}

Result<int> verify_receipt_file(const Context& context, const ledger::VerifierKey& key) {
  TRY(const std::string text, read_small(context.options.target, ledger::Receipt::kBytesMax));
  TRY(const ledger::Receipt receipt, ledger::Receipt::parse(text));
  TRY(const ledger::Checkpoint checkpoint, ledger::verify_receipt(receipt, key));
  report(context, fmt::format("the log holds entry {}", receipt.index), checkpoint, key);
  if (!context.options.json) print(printable(receipt.entry, receipt.entry.size()) + "\n");
  return kDone;
}

Result<std::optional<ledger::Checkpoint>> read_kept(const Context& context,
                                                    const ledger::VerifierKey& key) {
  const std::string& path = context.options.checkpoint;
  if (path.empty()) return std::nullopt;
  TRY(const std::string note, read_small(path, ledger::Note::kBytesMax));
  TRY(const ledger::Checkpoint kept, ledger::read_checkpoint(note, key, path));
  return kept;
}

}  // namespace

Result<int> verify_published(const Context& context) {
  const std::string& target = context.options.target;
  TRY(const ledger::VerifierKey key, find_key(context));
  std::error_code error;
  const bool folder = std::filesystem::is_directory(target, error);
  if (!is_url(target) && !folder) return verify_receipt_file(context, key);
  TRY(const auto kept, read_kept(context, key));
  TRY(const ledger::ReadFile read, open_source(target, context.environment));
  TRY(const ledger::Checkpoint checkpoint, ledger::check_log(read, key, kept));
  if (folder) {
    TRY(const auto others, ledger::check_other_files(ledger::LogFolder(target), checkpoint.size));
    for (const std::string& name : others) {
      print_error(fmt::format("note: the checkpoint does not cover `{}`\n", printable(name, 200)));
    }
  }
  report(context,
         kept ? "every hash was recomputed here and agrees, and it begins with what you kept"
              : "every hash was recomputed here and agrees; keep its `checkpoint` and ask again "
                "later with --checkpoint",
         checkpoint, key);
  return kDone;
}

Result<int> write_receipt(const Context& context) {
  const Options& options = context.options;
  TRY(const ledger::VerifierKey key, find_key(context));
  std::string source = options.target;
  if (source.empty()) {
    source = options.url.empty() ? context.environment("KEYTURN_URL").value_or(kDefaultSource)
                                 : options.url;
    while (source.ends_with('/')) source.pop_back();
    source += "/ledger";
  }
  TRY(const ledger::ReadFile read, open_source(source, context.environment));
  TRY(const ledger::Receipt receipt,
      keyturn::context(ledger::make_receipt(options.index, read, key), source));
  if (options.out.empty()) {
    print(receipt.text());
    return kDone;
  }
  std::ofstream file(options.out, std::ios::binary | std::ios::trunc);
  file << receipt.text();
  file.close();
  if (!file) {
    return fail(Code::kUnavailable, "write `{}`: {}", options.out, std::strerror(errno));
  }
  return kDone;
}

Result<int> print_ledger_key(const Context& context) {
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const ledger::LogKey key, app::read_ledger_key(config.data_path));
  print(key.verifier().text() + "\n");
  return kDone;
}

}  // namespace keyturn::cli
