#include <arpa/inet.h>

#include <algorithm>
#include <set>

#include "app/anchor_bucket.h"
#include "app/config.h"
#include "app/section.h"
#include "ledger/anchors.h"

namespace keyturn::app {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const toml::table* table_of(Section& top, std::string_view key) {
  const toml::node* node = top.find(key);
  if (node == nullptr) return nullptr;
  const toml::table* table = node->as_table();
  if (table == nullptr) top.fault(key, fmt::format("`{}` must be a section: [{}]", key, key));
  return table;
}

void check_address(Section& section, std::string_view key, const std::string& address) {
  in6_addr parsed{};
  if (inet_pton(AF_INET, address.c_str(), &parsed) == 1) return;
  if (inet_pton(AF_INET6, address.c_str(), &parsed) == 1) return;
  section.fault(key, fmt::format("`{}` in [server] is `{}` but must be an IP address to listen on, "
                                 "such as 127.0.0.1 or ::",
                                 key, printable(address, 100)));
}

void read_server(Section section, ServerConfig& server) {
  constexpr Section::Range kPort{1, 65'535};
  section.read("api_address", server.api_address);
  section.read("api_port", server.api_port, kPort);
  section.read("aws_address", server.aws_address);
  section.read("aws_port", server.aws_port, kPort);
  section.read("tls_certificate", server.tls_certificate);
  section.read("tls_key", server.tls_key);
  section.read("host_names", server.host_names);
  section.finish();
  check_address(section, "api_address", server.api_address);
  check_address(section, "aws_address", server.aws_address);
  if (server.tls_certificate.empty() != server.tls_key.empty()) {
    section.fault(server.tls_key.empty() ? "tls_certificate" : "tls_key",
                  "`tls_certificate` and `tls_key` in [server] belong together; set both or none");
  }
  if (server.api_port == server.aws_port && server.api_address == server.aws_address) {
    section.fault(section.find("aws_port") == nullptr ? "api_port" : "aws_port",
                  fmt::format("`api_port` and `aws_port` in [server] are both {}; they must differ",
                              server.api_port));
  }
}

bool is_account(std::string_view text) {
  return text.size() == 12 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_url(Section& section, std::string_view key, std::string_view url) {
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  if (web && url.find(' ') == std::string_view::npos) return;
  section.fault(key, fmt::format("`{}` in {} is `{}` but must be a URL like http://127.0.0.1:5000",
                                 key, section.name(), printable(url, 200)));
}

void read_aws(Section section, AwsConfig& aws) {
  section.read("account", aws.account);
  section.read("partition", aws.partition);
  section.read("regions", aws.regions);
  section.read("upstream", aws.upstream);
  section.read("upstreams", aws.upstreams);
  section.read("hold_wait", aws.hold_wait, {seconds(0), minutes(10)});
  section.read("tag_refresh", aws.tag_refresh, {seconds(10), hours(24)});
  section.finish();
  if (!aws.account.empty() && !is_account(aws.account)) {
    section.fault("account", fmt::format("`account` in [aws] is `{}` but must be 12 digits",
                                         printable(aws.account, 100)));
  }
  if (aws.partition != "aws" && aws.partition != "aws-cn" && aws.partition != "aws-us-gov") {
    section.fault("partition",
                  fmt::format("`partition` in [aws] is `{}` but must be aws, aws-cn or aws-us-gov",
                              printable(aws.partition, 100)));
  }
  if (aws.upstream) check_url(section, "upstream", *aws.upstream);
  for (const auto& [service, url] : aws.upstreams) check_url(section, "upstreams", url);
}

void read_vault(Section section, VaultConfig& vault) {
  std::vector<std::string> sources;
  section.read("name", vault.name);
  section.read("sources", sources);
  section.read("profile", vault.profile);
  section.finish();
  if (const auto handle = check_handle(vault.name); !handle) {
    section.fault("name", fmt::format("`name` in [vault]: {}", handle.error().message));
  }
  if (sources.empty()) return;
  vault.sources.clear();
  for (const std::string& name : sources) {
    const auto source = vault::parse_source(name);
    if (!source) {
      return section.fault("sources",
                           fmt::format("`sources` in [vault]: `{}` is not one of sealed, "
                                       "environment, profile, container, instance",
                                       printable(name, 100)));
    }
    vault.sources.push_back(*source);
  }
}

void read_review(Section section, ReviewConfig& review) {
  section.read("change_lifetime", review.change_lifetime, {minutes(1), hours(24 * 30)});
  section.read("grant_lifetime", review.grant_lifetime, {minutes(1), hours(24 * 7)});
  section.finish();
}

void read_ledger(Section section, LedgerConfig& ledger) {
  std::string observe = "recorded";
  section.read("policy", ledger.policy_path);
  section.read("anchors", ledger.anchors);
  for (const std::string& file : ledger.anchors) {
    if (is_bucket_anchor(file)) {
      const auto anchor = parse_bucket_anchor(file);
      if (!anchor) section.fault("anchors", anchor.error().message);
    } else if (file.empty() || file.back() == '/') {
      section.fault("anchors", "`anchors` in [ledger] names files, such as \"/mnt/usb/anchor\"");
    }
  }
  if (ledger.anchors.size() > ledger::Anchors::kPlacesMax) {
    section.fault("anchors", fmt::format("`anchors` in [ledger] may name {} places at most",
                                         ledger::Anchors::kPlacesMax));
  }
  section.read("observe", observe);
  section.finish();
  if (observe == "decided") {
    ledger.observe = gate::ObserveLeaves::kDecided;
  } else if (observe != "recorded") {
    section.fault("observe", fmt::format("`observe` in [ledger] is \"recorded\" or \"decided\", "
                                         "not `{}`",
                                         printable(observe, 100)));
  }
}

void read_limits(Section section, LimitConfig& limits) {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20U;
  section.read_bytes("body_memory", limits.body_memory_bytes, {kMiB, 1'024 * kMiB});
  section.read_bytes("body", limits.body_bytes, {kMiB, 5 * 1'024 * kMiB});
  section.read("connections", limits.connections, {16, 500'000});
  section.read("held_requests", limits.held_requests, {1, 100'000});
  section.read("held_requests_per_session", limits.held_requests_per_session, {1, 10'000});
  section.read("event_loops", limits.event_loops, {0, 256});
  section.finish();
}

bool is_empty(const EnvironmentSelector& selector) {
  return selector.accounts.empty() && selector.regions.empty() && selector.arns.empty() &&
         selector.tags.empty();
}

EnvironmentSelector read_selector(Section& section) {
  EnvironmentSelector selector;
  section.read("accounts", selector.accounts);
  section.read("regions", selector.regions);
  section.read("arns", selector.arns);
  section.read("tags", selector.tags);
  for (const std::string& account : selector.accounts) {
    if (!is_account(account)) {
      section.fault("accounts", fmt::format("`accounts` in {}: `{}` is not 12 digits",
                                            section.name(), printable(account, 100)));
    }
  }
  return selector;
}

Environment read_environment(const toml::table& table, Faults& faults) {
  Environment environment;
  Section section("[[environment]]", &table, faults);
  std::string tier;
  section.read("name", environment.name);
  section.read("tier", tier);
  EnvironmentSelector own = read_selector(section);
  for (const toml::table* match : section.tables("match")) {
    Section inner("[[environment]] match", match, faults);
    environment.selectors.push_back(read_selector(inner));
    inner.finish();
    if (is_empty(environment.selectors.back())) {
      faults.add(match->source(),
                 "a `match` in [[environment]] selects nothing; give it accounts, "
                 "regions, arns or tags");
    }
  }
  section.finish();
  if (!is_empty(own)) environment.selectors.insert(environment.selectors.begin(), std::move(own));
  if (const auto handle = check_handle(environment.name); !handle) {
    section.fault("name", fmt::format("`name` in [[environment]]: {}", handle.error().message));
  }
  if (const auto parsed = parse_tier(tier)) {
    environment.tier = *parsed;
  } else {
    section.fault("tier",
                  fmt::format("`tier` of the environment `{}` is `{}` but must be production, "
                              "staging or development",
                              environment.name, printable(tier, 100)));
  }
  if (environment.selectors.empty()) {
    faults.add(table.source(),
               fmt::format("the environment `{}` selects nothing; give it accounts, "
                           "regions, arns or tags",
                           environment.name));
  }
  return environment;
}

void read_environments(Section& top, Config& config) {
  std::set<std::string, std::less<>> names;
  for (const toml::table* table : top.tables("environment")) {
    config.environments.push_back(read_environment(*table, top.faults()));
    const std::string& name = config.environments.back().name;
    if (!names.insert(name).second) {
      top.faults().add(table->source(),
                       fmt::format("the environment `{}` is described twice; put "
                                   "both under one name with two [[environment.match]]",
                                   name));
    }
  }
}

}  // namespace

void read_sections(const toml::table& root, Faults& faults, Config& config) {
  Section top("the top level", &root, faults);
  read_server({"[server]", table_of(top, "server"), faults}, config.server);
  Section data("[data]", table_of(top, "data"), faults);
  data.read("path", config.data_path);
  data.read("postgres", config.postgres);
  data.finish();
  if (config.data_path.empty()) data.fault("path", "`path` in [data] must not be empty");
  Section policies("[policies]", table_of(top, "policies"), faults);
  policies.read("path", config.policies_path);
  policies.finish();
  read_ledger({"[ledger]", table_of(top, "ledger"), faults}, config.ledger);
  read_aws({"[aws]", table_of(top, "aws"), faults}, config.aws);
  read_vault({"[vault]", table_of(top, "vault"), faults}, config.vault);
  read_review({"[review]", table_of(top, "review"), faults}, config.review);
  read_limits({"[limits]", table_of(top, "limits"), faults}, config.limits);
  read_environments(top, config);
  top.finish();
}

}  // namespace keyturn::app
