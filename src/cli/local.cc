// Commands that work on the data folder itself, while no server does.
#include "cli/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/folder.h"
#include "cli/cli.h"
#include "ledger/check.h"

namespace keyturn::cli {

app::Needs needs_of(Outside& outside, const Context& context) {
  return {.clock = outside.clock,
          .random = outside.random,
          .log = outside.log,
          .metrics = outside.metrics,
          .environment = context.environment};
}

Result<std::unique_ptr<app::Core>> open_core(const app::Config& config, Outside& outside,
                                             const Context& context) {
  auto core = app::Core::open(config, needs_of(outside, context));
  if (!core && core.error().code == Code::kConflict) {
    return fail(Code::kConflict,
                "{}: this command works on the folder itself, so `keyturn serve` must not run",
                core.error().message);
  }
  return core;
}

namespace {

Result<void> write_config(const std::string& path, const std::string& account) {
  const std::string text = app::initial_config(account);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return fail(Code::kUnavailable, "create `{}`: {}", path, std::strerror(errno));
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const int closed = ::close(descriptor);
  if (written != static_cast<ssize_t>(text.size()) || closed != 0) {
    return fail(Code::kUnavailable, "write `{}`: {}", path, std::strerror(errno));
  }
  return {};
}

Result<vault::Credentials> credentials_of(const Environment& environment) {
  const std::string id = environment("AWS_ACCESS_KEY_ID").value_or("");
  std::string secret = environment("AWS_SECRET_ACCESS_KEY").value_or("");
  std::string token = environment("AWS_SESSION_TOKEN").value_or("");
  if (id.empty() || secret.empty()) {
    return fail(Code::kNotFound,
                "no credentials to seal: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and "
                "AWS_SESSION_TOKEN for temporary ones); for a profile, "
                "`eval \"$(aws configure export-credentials --format env)\"` sets them");
  }
  vault::Credentials credentials{.access_key_id = id,
                                 .secret_access_key = crypto::Secret(secret),
                                 .session_token = crypto::Secret(token),
                                 .expiry = std::nullopt};
  crypto::wipe(secret);
  crypto::wipe(token);
  if (const auto expiry = environment("AWS_CREDENTIAL_EXPIRATION")) {
    if (const auto time = parse_time(*expiry)) credentials.expiry = *time;
  }
  return credentials;
}

Result<void> seal(app::Core& core, const app::Config& config,
                  const vault::Credentials& credentials) {
  return core.store->run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(core.vault->seal(transaction, credentials));
    const Json entry = Json::object({{"name", config.vault.name},
                                     {"access_key_id", credentials.access_key_id},
                                     {"by", "operator of this machine"}});
    TRY_VOID(core.ledger->append(transaction, "vault.sealed", entry));
    return {};
  });
}

// Without persons nobody can add one; after that, administrators do.
Result<crypto::Secret> create_first_person(app::Core& core, const std::string& name) {
  crypto::Secret token;
  TRY_VOID(core.store->run([&](store::Transaction& transaction) -> Result<void> {
    TRY(const std::string id, check_handle(name));
    TRY(const auto persons, core.identity->persons(transaction));
    if (!persons.empty()) {
      return fail(
          Code::kConflict,
          "there are persons already; an administrator adds more with `keyturn person add`");
    }
    TRY(token, core.identity->create_person(transaction,
                                            {PersonId(id), name, identity::Role::kAdministrator}));
    const Json entry = Json::object(
        {{"person", id}, {"name", name}, {"role", "administrator"}, {"by", "keyturn init"}});
    TRY_VOID(core.ledger->append(transaction, "person.created", entry));
    return {};
  }));
  return token;
}

// The key that signs the published ledger.
Result<void> prepare_ledger_key(const app::Config& config, const std::string& origin,
                                Random& random, std::string& report) {
  if (app::has_ledger_key(config.data_path)) return {};
  TRY_VOID(app::create_ledger_key(config.data_path, origin, random));
  TRY(const ledger::LogKey key, app::read_ledger_key(config.data_path));
  report += fmt::format("ledger         give this key to whoever verifies it:\n               {}\n",
                        key.verifier().text());
  return {};
}

Result<void> prepare_files(const app::Config& config, Outside& outside, const Context& context,
                           std::string& report) {
  TRY_VOID(app::create_folder(config.data_path));
  if (app::has_sealing_key(config.data_path)) return {};
  // A new key for old data would open nothing of it.
  TRY(const bool has_records, app::has_records(config, needs_of(outside, context)));
  if (has_records) {
    return fail(Code::kConflict,
                "`{}` has a database but no sealing key; put the key back as `{}` (or move the "
                "database away and begin anew)",
                config.data_path, app::kSealingKeyFile);
  }
  TRY_VOID(app::create_sealing_key(config.data_path, outside.random));
  report +=
      fmt::format("data folder    {}, with a new sealing key: back it up apart from the data\n",
                  config.data_path);
  return {};
}

}  // namespace

Result<int> init(const Context& context) {
  const Options& options = context.options;
  Outside outside;
  std::string report;
  // What is not there must not leave half a beginning behind.
  std::optional<vault::Credentials> credentials;
  if (options.upstream_from_environment) {
    TRY(credentials, credentials_of(context.environment));
  }
  std::error_code error;
  if (!std::filesystem::exists(options.config, error)) {
    TRY_VOID(write_config(options.config, options.account));
    report += fmt::format("configuration  {}\n", options.config);
  }
  TRY(const app::Config config, app::read_config(options.config));
  TRY_VOID(prepare_files(config, outside, context, report));
  TRY_VOID(prepare_ledger_key(config, options.origin, outside.random, report));
  TRY(const auto core, open_core(config, outside, context));
  if (credentials) {
    TRY_VOID(seal(*core, config, *credentials));
    report += fmt::format("credentials    {} is sealed in the vault\n", credentials->access_key_id);
  }
  if (options.person.empty()) {
    print(report.empty() ? "nothing to do; name the first person with --person\n" : report);
    return kDone;
  }
  auto token = create_first_person(*core, options.person);
  if (!token) {
    print(report);
    return fail(std::move(token.error()));
  }
  print(
      fmt::format("{}person         {}, an administrator. The token is shown this once:\n\n"
                  "  export KEYTURN_TOKEN={}\n\nNext: keyturn serve\n",
                  report, options.person, token->view()));
  return kDone;
}

Result<int> seal_credentials(const Context& context) {
  Outside outside;
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const vault::Credentials credentials, credentials_of(context.environment));
  TRY(const auto core, open_core(config, outside, context));
  TRY_VOID(seal(*core, config, credentials));
  print(fmt::format("{} is sealed in the vault as `{}`\n", credentials.access_key_id,
                    config.vault.name));
  return kDone;
}

Result<int> show_credentials(const Context& context) {
  Outside outside;
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const auto core, open_core(config, outside, context));
  TRY_VOID(core->vault->refresh());
  print(core->vault->describe() + "\n");
  return kDone;
}

Result<int> check_ledger_files(const Context& context) {
  Outside outside;
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const auto core, open_core(config, outside, context));
  TRY(const ledger::LogKey key, app::read_ledger_key(config.data_path));
  ledger::LogFolder folder(app::ledger_folder(config.data_path));
  TRY(const ledger::Fsck report,
      ledger::fsck(*core->ledger, folder, key.verifier(),
                   context.options.repair ? ledger::Repair::kYes : ledger::Repair::kNo));
  for (const std::string& problem : report.problems) print(problem + "\n");
  if (report.problems.size() == ledger::Fsck::kProblemsMax) print("… and perhaps more\n");
  if (report.problems.empty()) {
    print(fmt::format("{} {} entries and {} files agree with the checkpoint\n",
                      context.style.paint(Ink::kGreen, "good:"), report.tree.size, report.files));
    return kDone;
  }
  if (report.repaired == 0) {
    return fail(Code::kCorrupt,
                "the database is sound, and files differ from it; write them again with "
                "`keyturn ledger fsck --repair`, and find out who changed them");
  }
  print(fmt::format("{} files were written again\n", report.repaired));
  return kDone;
}

}  // namespace keyturn::cli
