// Commands that need neither server nor data folder.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "app/app.h"
#include "app/config.h"
#include "app/model.h"
#include "app/policies.h"
#include "aws/aws.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/policy_input.h"

namespace keyturn::cli {
namespace {

Result<gate::Policies::File> read_file(const std::string& path) {
  TRY(std::string text, read_input(path));
  return gate::Policies::File{path, std::move(text)};
}

}  // namespace

Result<int> check_policies(const Context& context) {
  const Options& options = context.options;
  app::PolicyPack pack = app::embedded_policies();
  if (!options.files.empty()) pack.files.clear();
  for (const std::string& path : options.files) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      TRY(const app::PolicyPack folder, app::read_policies(path));
      pack.files.insert(pack.files.end(), folder.files.begin(), folder.files.end());
      pack.schema = folder.schema;
      continue;
    }
    TRY(gate::Policies::File file, read_file(path));
    pack.files.push_back(std::move(file));
  }
  if (!options.schema.empty()) {
    TRY(pack.schema, read_file(options.schema));
  }
  TRY(const auto policies, gate::Policies::load(pack.files, pack.schema));
  for (const cedar::Diagnostic& one :
       cedar::validate(policies->set(), policies->schema(), cedar::ValidationMode::kStrict)
           .warnings) {
    print(safe_lines(
        fmt::format("warning: policy `{}`: {}", policies->name(one.policy), one.message), 0));
    if (!one.help.empty()) print(safe_lines("help: " + one.help, 2));
  }
  print(fmt::format("good: {} policy file{} against {}, digest {}\n", pack.files.size(),
                    pack.files.size() == 1 ? "" : "s", pack.schema.name, policies->digest().hex()));
  return kDone;
}

Result<int> explain_requests(const Context& context) {
  app::Config config;
  std::error_code error;
  if (std::filesystem::exists(context.options.config, error)) {
    TRY(config, app::read_config(context.options.config));
  }
  const Environments environments(config.environments);
  TRY(const auto model, app::load_aws_model(context.options.aws_model));
  const std::string account = config.aws.account.empty() ? "123456789012" : config.aws.account;
  aws::ExplainedSessions sessions;
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty()) continue;
    print(aws::explain(*model, environments, account, line, sessions) + "\n");
    std::fflush(stdout);
  }
  return kDone;
}

Result<int> print_version(const Context& context) {
  static_cast<void>(context);
  print(fmt::format("keyturn {}\n", app::version()));
  return kDone;
}

}  // namespace keyturn::cli
