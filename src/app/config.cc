#include "app/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/anchor_bucket.h"
#include "app/section.h"

namespace keyturn::app {
namespace {

constexpr std::uintmax_t kConfigBytesMax = std::uintmax_t{1} << 20U;  // written by hand

// Paths in the file begin at the file's folder, wherever the program was started.
void anchor(std::string& path, const std::filesystem::path& folder) {
  if (path.empty() || path.front() == '/') return;
  path = (folder / path).lexically_normal().string();
}

std::string url(const ServerConfig& server, const std::string& address, std::uint16_t port) {
  std::string host = server.host_names.empty() ? address : server.host_names.front();
  if (host == "0.0.0.0" || host == "::") host = "127.0.0.1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", server.tls_key.empty() ? "http" : "https", host, port);
}

// The line whose header toml++ cannot even refuse.
std::uint32_t find_bad_header(std::string_view text) {
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    try {
      static_cast<void>(toml::parse(text.substr(0, end)));
    } catch (const toml::parse_error&) {
      // A line may be no document of its own.
    } catch (const std::logic_error&) {
      return number;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 1;
}

void note_places(const toml::node& node, const std::string& path, const std::string& file,
                 Config& config) {
  const toml::source_position begin = node.source().begin;
  config.places.emplace(path, fmt::format("{}:{}:{}", file, begin.line, begin.column));
  const auto below = [&](std::string_view name, const toml::node& child) {
    note_places(child, path.empty() ? std::string(name) : fmt::format("{}.{}", path, name), file,
                config);
  };
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, child] : *table) below(key.str(), child);
  } else if (const toml::array* array = node.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) below(fmt::to_string(i), (*array)[i]);
  }
}

}  // namespace

std::string Config::where(std::string_view section, std::string_view key) const {
  const auto place = places.find(fmt::format("{}.{}", section, key));
  return fmt::format("{}`{}` in [{}]", place == places.end() ? "" : place->second + ": ", key,
                     section);
}

std::string Config::where_environment(std::size_t index) const {
  const auto place = places.find(fmt::format("environment.{}", index));
  return fmt::format("{}the environment `{}`", place == places.end() ? "" : place->second + ": ",
                     environments.at(index).name);
}

Result<Config> parse_config(std::string_view text, const std::string& file) {
  Config config;
  Faults faults(file);
  try {
    const toml::table root = toml::parse(text, std::string_view(file));
    read_sections(root, faults, config);
    note_places(root, "", file, config);
  } catch (const toml::parse_error& error) {
    faults.add(
        error.source(),
        fmt::format("{}; values are \"text\", 12, true or [\"lists\"], one `key = value` a line",
                    error.description()));
  } catch (const std::logic_error&) {
    const toml::source_position place{find_bad_header(text), 1};
    faults.add({place, place, {}}, "this is no TOML; write sections as [name] or [[name]]");
  }
  if (faults.first()) return fail(*faults.first());
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  anchor(config.data_path, folder);
  anchor(config.policies_path, folder);
  anchor(config.ledger.policy_path, folder);
  for (std::string& path : config.ledger.anchors) {
    if (!is_bucket_anchor(path)) anchor(path, folder);
  }
  anchor(config.server.tls_certificate, folder);
  anchor(config.server.tls_key, folder);
  return config;
}

Result<Config> read_config(const std::string& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error == std::errc::no_such_file_or_directory) {
    return fail(Code::kNotFound,
                "no configuration at `{}`; make one with `keyturn init`, or name it with --config",
                file);
  }
  if (error) return fail(Code::kInvalid, "read `{}`: {}", file, error.message());
  if (size > kConfigBytesMax) return fail(Code::kInvalid, "`{}` is larger than 1 MiB", file);
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(Code::kInvalid, "read `{}`: it cannot be opened", file);
  return parse_config(text.str(), file);
}

std::string initial_config(std::string_view account) {
  const std::string line = account.empty()
                               ? "# account = \"123456789012\"  # of the upstream credentials"
                               : fmt::format("account = \"{}\"", account);
  std::string text =
      R"(# Keyturn's configuration. An unknown key refuses to start.
# Relative paths begin in this file's folder.

[server]
# api_address = "127.0.0.1"
# api_port = 7311            # console, API, metrics
# aws_address = "127.0.0.1"
# aws_port = 7312            # where agents send AWS requests
# host_names = ["keyturn.example.com"]  # and `bucket.keyturn.example.com` for S3
# tls_certificate = "keyturn.pem"
# tls_key = "keyturn-key.pem"

[data]
path = "keyturn-data"
# postgres = "host=db.example.com dbname=keyturn user=keyturn"  # instead of SQLite

[aws]
{account}
# partition = "aws"          # aws-cn, aws-us-gov
# regions = ["eu-west-1"]    # whose resource tags are read, to know environments by tag
# hold_wait = "20s"          # how long a held request waits for reviewers before it is answered

[vault]
# sources = ["sealed", "environment", "profile", "container", "instance"]   # tried in order
sources = ["sealed"]

# What matches no environment is production.
# [[environment]]
# name = "dev"
# tier = "development"
# accounts = ["210987654321"]
#
# [[environment]]
# name = "staging"
# tier = "staging"
# match = [{ tags = { env = "staging" } }, { arns = ["arn:aws:s3:::staging-*"] }]

# [ledger]
# policy = "witnesses.txt"    # a tlog-policy file: who cosigns the published checkpoints
# observe = "recorded"        # or "decided": reads need not wait for the disk
# anchors = ["/mnt/other-disk/keyturn.anchor"]   # the newest checkpoint is kept there too, or in
#                                                # "s3://BUCKET/PREFIX?region=eu-central-1"

# [policies]
# path = "policies"          # *.cedar and keyturn.cedarschema; without it the built-in pack

# [review]
# change_lifetime = "24h"
# grant_lifetime = "1h"
)";
  constexpr std::string_view kPlace = "{account}";
  text.replace(text.find(kPlace), kPlace.size(), line);
  return text;
}

std::string api_url(const ServerConfig& server) {
  return url(server, server.api_address, server.api_port);
}

std::string aws_url(const ServerConfig& server) {
  return url(server, server.aws_address, server.aws_port);
}

}  // namespace keyturn::app
