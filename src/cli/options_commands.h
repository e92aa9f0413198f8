// Adding subcommands, for the files that describe the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/options.h"

namespace keyturn::cli {

// Adds subcommands whose callbacks say which command was asked for.
class Commands {
 public:
  explicit Commands(Options& options) : options_(options) {}

  CLI::App* add(CLI::App& parent, const char* name, const char* description, Command command) {
    CLI::App* sub = parent.add_subcommand(name, description);
    sub->callback([this, command] { options_.command = command; });
    return sub;
  }
  CLI::App* group(CLI::App& parent, const char* name, const char* description) {
    CLI::App* sub = parent.add_subcommand(name, description);
    sub->require_subcommand(1);
    return sub;
  }
  void json(CLI::App* sub) { sub->add_flag("--json", options_.json, "print JSON"); }
  void config(CLI::App* sub) {
    sub->add_option("--config", options_.config, "the configuration file")
        ->envname("KEYTURN_CONFIG")
        ->capture_default_str();
  }
  void id(CLI::App* sub, const char* what) { sub->add_option("ID", options_.id, what)->required(); }
  void lifetime(CLI::App* sub) {
    sub->add_option_function<std::string>(
        "--ttl",
        [this](const std::string& text) {
          const auto duration = parse_duration(text);
          if (!duration) throw CLI::ValidationError("--ttl", duration.error().message);
          options_.lifetime = *duration;
        },
        "how long the session lasts, like 30m or 8h (default 8h, at most 24h)");
  }
  void limit(CLI::App* sub) {
    sub->add_option("--limit", options_.limit, "at most this many")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
  }

 private:
  Options& options_;
};

void add_policy(CLI::App& app, Commands& commands, Options& options);  // options_policy.cc

}  // namespace keyturn::cli
