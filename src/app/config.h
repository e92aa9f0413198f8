// keyturn.toml: what an operator may say, read strictly. An unknown key, a wrong type or a value
// out of its range refuses to start, with file, line, column and what to write instead. Values
// only; nothing is opened.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/clock.h"
#include "base/result.h"
#include "gate/gate.h"
#include "vault/vault.h"

namespace keyturn::app {

struct ServerConfig {
  std::string api_address = "127.0.0.1";
  std::uint16_t api_port = 7311;
  std::string aws_address = "127.0.0.1";
  std::uint16_t aws_port = 7312;
  std::string tls_certificate;  // PEM file for both ports; empty: plain HTTP
  std::string tls_key;
  // Names under which clients reach the ports besides localhost; the first one is used in URLs.
  std::vector<std::string> host_names;
};

struct AwsConfig {
  std::string model_path;  // a model instead of the one in the binary; `--aws-model`, not the file
  std::string account;     // empty: unknown, and then no environment is recognised by account
  std::string partition = "aws";
  std::vector<std::string> regions;                           // whose resource tags are read
  std::optional<std::string> upstream;                        // one URL instead of AWS
  std::map<std::string, std::string, std::less<>> upstreams;  // by service
  Duration hold_wait = std::chrono::seconds(0);
  Duration tag_refresh = std::chrono::minutes(5);
};

struct VaultConfig {
  std::string name = "default";
  std::vector<vault::Source> sources = {vault::Source::kSealed};
  std::string profile = "default";
};

struct ReviewConfig {
  Duration change_lifetime = std::chrono::hours(24);
  Duration grant_lifetime = std::chrono::hours(1);
};

struct LedgerConfig {
  std::string policy_path;  // a tlog-policy file whose witnesses cosign; empty: none
  gate::ObserveLeaves observe = gate::ObserveLeaves::kRecorded;
  std::vector<std::string> anchors;  // files and s3:// places that keep the newest checkpoint
};

struct LimitConfig {
  std::uint64_t body_memory_bytes = std::uint64_t{64}
                                    << 20U;            // of one request, before it goes to disk
  std::uint64_t body_bytes = std::uint64_t{5} << 30U;  // S3's largest single PUT
  std::size_t connections = 20'000;                    // per port
  std::size_t held_requests = 10'000;
  std::size_t held_requests_per_session = 100;
  std::size_t event_loops = 0;  // 0: one per core
};

struct Config {
  ServerConfig server;
  std::string data_path = "keyturn-data";
  std::string postgres;  // a libpq connection string; empty: SQLite in the data folder
  AwsConfig aws;
  VaultConfig vault;
  ReviewConfig review;
  LedgerConfig ledger;
  LimitConfig limits;
  std::string policies_path;  // empty: the built-in pack
  bool accept_clock = false;  // `serve --accept-clock`
  std::vector<Environment> environments;
  // Where the file says what, `FILE:LINE:COLUMN` by path: `server.api_port`, `environment.0`.
  std::map<std::string, std::string, std::less<>> places;

  // For faults that show only when a value is used: "keyturn.toml:3:8: `policy` in [ledger]". The
  // place is left out where the file says nothing of it.
  std::string where(std::string_view section, std::string_view key) const;
  std::string where_environment(std::size_t index) const;
};

// `file` is used in messages, and its folder is where relative paths begin. Errors: kInvalid.
Result<Config> parse_config(std::string_view text, const std::string& file);
// kNotFound says how to make one.
Result<Config> read_config(const std::string& file);
// What `keyturn init` writes when there is no configuration yet: the defaults, explained. An empty
// `account` stays a comment.
std::string initial_config(std::string_view account);

// `http://127.0.0.1:7311`, with the first host name if there is one.
std::string api_url(const ServerConfig& server);
std::string aws_url(const ServerConfig& server);

}  // namespace keyturn::app
