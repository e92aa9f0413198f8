#include "app/app.h"

#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "api/api.h"
#include "app/folder.h"
#include "app/keeper.h"
#include "app/metadata_fetch.h"
#include "app/policies.h"
#include "aws/aws.h"
#include "gate/gate.h"
#include "http/http.h"
#include "ledger/publisher.h"
#include "ledger/witness.h"
#include "review/review.h"

namespace keyturn::app {
namespace {

constexpr Duration kSweepInterval = std::chrono::seconds(10);  // of expired changes
constexpr Duration kTagNewsInterval = std::chrono::seconds(2);
constexpr Duration kVaultInterval =
    std::chrono::seconds(30);  // it refreshes 5 minutes before expiry
constexpr Duration kFirstTagsWait =
    std::chrono::seconds(10);  // then we serve; unknown is production
constexpr Duration kTagsStopWait = std::chrono::seconds(5);

constexpr Duration kPublishInterval = std::chrono::seconds(1);
constexpr Duration kWitnessInterval = std::chrono::seconds(2);
constexpr Duration kWitnessTimeout = std::chrono::seconds(5);  // also delays a stop

std::string text_of(std::uint64_t number) { return fmt::to_string(number); }

class Server final : public App {
 public:
  Server(Config config, const Needs& needs) : config_(std::move(config)), needs_(needs) {}
  ~Server() override { stop(std::chrono::seconds(0)); }

  Result<void> open();
  std::uint16_t api_port() const override { return api_server_->port(); }
  std::uint16_t aws_port() const override { return aws_server_->port(); }
  Result<void> reload_policies() override;
  void stop(Duration timeout) override;

 private:
  Result<void> open_gate();
  Result<void> settle();
  Result<void> open_publisher();
  void publish();
  Result<void> open_witnesses();
  void ask_witnesses();
  Result<void> open_gateway();
  Result<void> serve_api();
  Result<void> serve_aws();
  http::ServerOptions server_options(const std::string& address, std::uint16_t port) const;
  void keep();
  void sweep();
  void refresh_credentials();
  bool begin_tags();
  http::Task<> run_tags(http::Task<> asking, std::function<void()> done);
  // Starts a refresh unless one is running; `done` is called when it ends.
  void refresh_tags(std::function<void()> done);
  void follow_tags();

  const Config config_;
  const Needs needs_;
  std::mutex tags_mutex_;
  std::condition_variable tags_ended_;
  bool refreshing_tags_ = false;  // under tags_mutex_
  std::atomic<bool> credentials_missing_{false};
  bool stopped_ = false;

  // In the order they are opened; taken down in reverse.
  std::unique_ptr<Core> core_;
  std::unique_ptr<review::Reviews> reviews_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<ledger::Publisher> publisher_;
  std::unique_ptr<ledger::Witnesses> witnesses_;  // null without a trust policy
  std::unique_ptr<Environments> environments_;
  std::unique_ptr<http::Loops> loops_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<aws::Gateway> gateway_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> api_server_;
  std::unique_ptr<http::Server> aws_server_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Keeper> publishing_;  // apart, so that nothing else delays it
  std::string publish_error_;           // the last one; the publishing thread's
  std::unique_ptr<Keeper> witnessing_;  // apart from both: witnesses may be slow or away
  std::string witness_faults_;          // the last ones; the witnessing thread's
};

Result<void> Server::open() {
  raise_file_limit(config_.limits.connections);
  TRY(core_, Core::open(config_, needs_));
  TRY_VOID(open_gate());
  TRY_VOID(settle());
  TRY_VOID(open_publisher());
  TRY_VOID(open_gateway());
  refresh_credentials();
  TRY_VOID(serve_api());
  TRY_VOID(serve_aws());
  keep();
  return {};
}

Result<void> Server::open_gate() {
  TRY(reviews_, review::Reviews::open(*core_->store, *core_->identity, needs_.clock, needs_.random,
                                      {.change_lifetime = config_.review.change_lifetime,
                                       .grant_lifetime = config_.review.grant_lifetime}));
  gate_ = std::make_unique<gate::Gate>(*core_->store, *core_->ledger, *core_->identity, *reviews_,
                                       needs_.clock, needs_.log, needs_.metrics,
                                       gate::GateOptions{.console_url = api_url(config_.server)});
  return reload_policies();
}

Result<void> Server::reload_policies() {
  TRY(auto policies, load_policies(config_.policies_path));
  const std::string digest = policies->digest().hex();
  TRY_VOID(gate_->set_policies(std::move(policies)));
  needs_.log.info("policies.loaded",
                  {{"from", config_.policies_path.empty() ? "built in" : config_.policies_path},
                   {"digest", digest}});
  return {};
}

Result<void> Server::settle() {
  TRY(const std::vector<std::uint64_t> unsettled, gate_->settle_after_crash());
  for (const std::uint64_t index : unsettled) {
    needs_.log.warning("action.outcome_unknown",
                       {{"ledger_index", text_of(index)},
                        {"note",
                         "sent, outcome unknown: it was allowed before the last stop and "
                         "never answered; look upstream, it will not be sent again"}});
  }
  return {};
}

Result<void> Server::open_publisher() {
  if (!has_ledger_key(config_.data_path)) {
    TRY_VOID(create_ledger_key(config_.data_path, "", needs_.random));
  }
  TRY(ledger::LogKey key, read_ledger_key(config_.data_path));
  needs_.log.info("ledger.key", {{"verifier_key", key.verifier().text()}});
  TRY(publisher_, ledger::Publisher::open(*core_->ledger, std::move(key),
                                          ledger_folder(config_.data_path), needs_.log));
  publish();
  return open_witnesses();
}

void Server::publish() {
  const auto tree = publisher_->publish();
  std::string error = tree ? "" : tree.error().message;
  // Said when it begins, when it changes and when it ends.
  if (error == publish_error_) return;
  publish_error_ = std::move(error);
  if (tree) return needs_.log.info("ledger.published_again", {{"size", text_of(tree->size)}});
  if (tree.error().code == Code::kCorrupt) {
    return needs_.log.error("ledger.not_published", {{"error", publish_error_}});
  }
  needs_.log.warning("ledger.not_published", {{"error", publish_error_}});
}

// A trust policy names some hundred keys at most.
Result<std::string> read_text_file(const std::string& path) {
  constexpr std::size_t kBytesMax = std::size_t{1} << 20U;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::kUnavailable, "read `{}`: {}", path, std::strerror(errno));
  std::string text(kBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(Code::kUnavailable, "read `{}`", path);
  return text;
}

Result<void> Server::open_witnesses() {
  const std::string& path = config_.ledger.policy_path;
  if (path.empty()) return {};
  TRY(const std::string text, read_text_file(path));
  TRY(auto policy, context(ledger::TrustPolicy::parse(text), fmt::format("`{}`", path)));
  const auto post = [](const std::string& url,
                       const std::string& body) -> Result<ledger::Witnesses::Answer> {
    const std::size_t slash = url.find('/', url.find("://") + 3);
    TRY(const http::Origin origin, http::parse_origin(url.substr(0, slash)));
    http::RequestHead head;
    head.method = "POST";
    head.target = slash == std::string::npos ? "/" : url.substr(slash);
    head.headers.add("content-type", "text/plain; charset=utf-8");
    TRY(auto answer, http::fetch(origin, std::move(head), body, kWitnessTimeout));
    return ledger::Witnesses::Answer{answer.status, std::move(answer.body)};
  };
  witnesses_ = std::make_unique<ledger::Witnesses>(*publisher_, std::move(policy), post);
  return {};
}

void Server::ask_witnesses() {
  const auto round = witnesses_->ask();
  std::string faults =
      round ? fmt::format("{}", fmt::join(round->faults, "; ")) : round.error().message;
  if (faults == witness_faults_) return;
  witness_faults_ = std::move(faults);
  if (witness_faults_.empty()) return needs_.log.info("ledger.witnesses_back", {});
  if (round && round->contradicted) {
    return needs_.log.error("ledger.witness_contradicts", {{"error", witness_faults_}});
  }
  needs_.log.warning("ledger.witnesses_missing", {{"error", witness_faults_}});
}

Result<void> Server::open_gateway() {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t count = config_.limits.event_loops == 0 ? cores : config_.limits.event_loops;
  TRY(loops_, http::Loops::start(count, needs_.log));
  TRY(client_, http::Client::create(*loops_, {}, needs_.log));
  TRY(auto model, aws::load_embedded_model());
  environments_ = std::make_unique<Environments>(config_.environments);
  aws::GatewayOptions options;
  options.account = config_.aws.account;
  options.partition = config_.aws.partition;
  options.upstream = config_.aws.upstream;
  options.upstream_by_service = config_.aws.upstreams;
  options.host_names = config_.server.host_names;
  options.hold_wait = config_.aws.hold_wait;
  options.held_requests_max = config_.limits.held_requests;
  options.held_requests_per_session_max = config_.limits.held_requests_per_session;
  options.body.memory_bytes_max = config_.limits.body_memory_bytes;
  options.body.bytes_max = config_.limits.body_bytes;
  TRY(const auto decided, gate_->last_decided());
  // After a clock that went back, at most what was signed before now is refused.
  if (decided) options.decided_until = std::min(*decided, needs_.clock.now());
  options.body.directory = config_.data_path;  // private, and where the operator planned for space
  TRY(gateway_, aws::Gateway::create({.model = std::move(model),
                                      .gate = *gate_,
                                      .identity = *core_->identity,
                                      .vault = *core_->vault,
                                      .client = *client_,
                                      .environments = *environments_,
                                      .clock = needs_.clock,
                                      .random = needs_.random,
                                      .log = needs_.log,
                                      .metrics = needs_.metrics},
                                     std::move(options)));
  return {};
}

http::ServerOptions Server::server_options(const std::string& address, std::uint16_t port) const {
  http::ServerOptions options;
  options.address = address;
  options.port = port;
  options.connections_max = config_.limits.connections;
  if (!config_.server.tls_key.empty()) {
    options.tls = http::TlsFiles{config_.server.tls_certificate, config_.server.tls_key};
  } else if (address != "127.0.0.1" && address != "::1") {
    needs_.log.warning("server.plain_http",
                       {{"address", address},
                        {"note",
                         "tokens and requests cross the network unencrypted; set "
                         "tls_certificate and tls_key in [server]"}});
  }
  return options;
}

Result<void> Server::serve_api() {
  api::ApiOptions options;
  options.host_names = config_.server.host_names;
  options.host_names.push_back(config_.server.api_address);
  options.aws_endpoint_url = aws_url(config_.server);
  options.version = version();
  options.ledger_folder = ledger_folder(config_.data_path);
  TRY(api_, api::Api::create({.store = *core_->store,
                              .ledger = *core_->ledger,
                              .identity = *core_->identity,
                              .reviews = *reviews_,
                              .gate = *gate_,
                              .vault = *core_->vault,
                              .clock = needs_.clock,
                              .log = needs_.log,
                              .metrics = needs_.metrics},
                             std::move(options)));
  http::Handler handler = [this](http::Exchange& exchange) { return api_->handle(exchange); };
  TRY(api_server_, http::Server::listen(
                       *loops_, server_options(config_.server.api_address, config_.server.api_port),
                       std::move(handler), needs_.log, needs_.metrics));
  needs_.log.info("server.api", {{"url", api_url(config_.server)}, {"version", version()}});
  return {};
}

Result<void> Server::serve_aws() {
  // Tags tell environments apart, so the first requests had better find them. Until they are known,
  // everything is production.
  auto known = std::make_shared<std::promise<void>>();
  std::future<void> tags = known->get_future();
  refresh_tags([known] { known->set_value(); });
  if (tags.wait_for(kFirstTagsWait) != std::future_status::ready) {
    needs_.log.warning("tags.late", {{"note",
                                      "resource tags are not known yet; resources count as "
                                      "production until they are"}});
  }
  http::Handler handler = [this](http::Exchange& exchange) { return gateway_->handle(exchange); };
  TRY(aws_server_, http::Server::listen(
                       *loops_, server_options(config_.server.aws_address, config_.server.aws_port),
                       std::move(handler), needs_.log, needs_.metrics));
  needs_.log.info("server.aws", {{"url", aws_url(config_.server)}});
  return {};
}

void Server::keep() {
  std::vector<Keeper::Job> jobs;
  jobs.push_back({kSweepInterval, [this] { sweep(); }});
  jobs.push_back({kVaultInterval, [this] { refresh_credentials(); }});
  jobs.push_back({config_.aws.tag_refresh, [this] { refresh_tags([] {}); }});
  jobs.push_back({kTagNewsInterval, [this] { follow_tags(); }});
  keeper_ = std::make_unique<Keeper>(std::move(jobs), needs_.clock);
  std::vector<Keeper::Job> publishing;
  publishing.push_back({kPublishInterval, [this] { publish(); }});
  publishing_ = std::make_unique<Keeper>(std::move(publishing), needs_.clock);
  if (!witnesses_) return;
  std::vector<Keeper::Job> witnessing;
  witnessing.push_back({kWitnessInterval, [this] { ask_witnesses(); }});
  witnessing_ = std::make_unique<Keeper>(std::move(witnessing), needs_.clock);
}

void Server::sweep() {
  const auto swept = gate_->sweep();
  if (!swept) needs_.log.warning("changes.sweep_failed", {{"error", swept.error().message}});
}

void Server::refresh_credentials() {
  const auto refreshed = core_->vault->refresh();
  const bool missing = !refreshed;
  // Said once when it starts and once when it ends.
  if (credentials_missing_.exchange(missing) == missing) return;
  if (missing) {
    needs_.log.warning("vault.no_credentials", {{"error", refreshed.error().message}});
  } else {
    needs_.log.info("vault.credentials", {{"from", core_->vault->describe()}});
  }
}

// At most one of these at a time: what each learns replaces what was known.
bool Server::begin_tags() {
  if (config_.aws.regions.empty() || credentials_missing_.load()) return false;
  const std::lock_guard lock(tags_mutex_);
  return !std::exchange(refreshing_tags_, true);
}

http::Task<> Server::run_tags(http::Task<> asking, std::function<void()> done) {
  auto result = co_await std::move(asking);
  if (!result) needs_.log.warning("tags.refresh_failed", {{"error", result.error().message}});
  {
    const std::lock_guard lock(tags_mutex_);
    refreshing_tags_ = false;
  }
  tags_ended_.notify_all();
  done();
  co_return Result<void>();
}

void Server::refresh_tags(std::function<void()> done) {
  if (!begin_tags()) return done();
  loops_->spawn(0, [this, done = std::move(done)] {
    return run_tags(gateway_->refresh_tags(config_.aws.regions), done);
  });
}

void Server::follow_tags() {
  if (!begin_tags()) return;
  loops_->spawn(0, [this] { return run_tags(gateway_->follow_tags(config_.aws.regions), [] {}); });
}

void Server::stop(Duration timeout) {
  if (std::exchange(stopped_, true)) return;
  keeper_.reset();
  if (aws_server_) aws_server_->drain(timeout);
  if (api_server_) api_server_->drain(timeout);
  {
    std::unique_lock lock(tags_mutex_);
    tags_ended_.wait_for(lock, kTagsStopWait, [this] { return !refreshing_tags_; });
  }
  if (loops_) loops_->stop();
  witnessing_.reset();
  publishing_.reset();
  if (publisher_) publish();  // what the last requests have added
  if (core_) core_->store->close();
}

Result<std::unique_ptr<store::Store>> open_store(const Config& config, const Needs& needs) {
  if (config.postgres.empty()) {
    return store::open_sqlite({.path = database_file(config.data_path)}, needs.clock, needs.log,
                              needs.metrics);
  }
  return context(
      store::open_postgres({.url = config.postgres}, needs.clock, needs.log, needs.metrics),
      "`postgres` in [data]");
}

}  // namespace

std::string version() { return KEYTURN_VERSION; }

Result<bool> has_records(const Config& config, const Needs& needs) {
  if (config.postgres.empty()) return std::filesystem::exists(database_file(config.data_path));
  TRY(const auto store, open_store(config, needs));
  TRY(const auto ledger, ledger::Ledger::open(*store, needs.clock));
  TRY(const ledger::Head head, ledger->head());
  return head.size > 0;
}

Result<std::unique_ptr<Core>> Core::open(const Config& config, const Needs& needs) {
  auto core = std::make_unique<Core>();
  TRY_VOID(create_folder(config.data_path));
  TRY(const crypto::SealingKey key,
      read_sealing_key(
          {.folder = config.data_path,
           .credentials_folder = needs.environment("CREDENTIALS_DIRECTORY").value_or("")}));
  TRY(core->store, open_store(config, needs));
  TRY(core->ledger, ledger::Ledger::open(*core->store, needs.clock));
  TRY(core->identity, identity::Identity::open(*core->store, needs.clock, needs.random, key));
  TRY(core->vault, vault::Vault::open(*core->store, needs.clock, needs.random, needs.log, key,
                                      {.name = config.vault.name,
                                       .sources = config.vault.sources,
                                       .profile = config.vault.profile,
                                       .home = needs.environment("HOME").value_or("")},
                                      needs.environment, metadata_fetch()));
  return core;
}

Result<std::unique_ptr<App>> App::start(const Config& config, const Needs& needs) {
  auto server = std::make_unique<Server>(config, needs);
  TRY_VOID(server->open());
  return server;
}

void raise_file_limit(std::size_t connections) {
  // A connection from an agent may need one upstream, on two ports; the rest is for files.
  const rlim_t wanted = 4 * connections + 1'024;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  // What remains too low is the http server's to say: it admits fewer connections.
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace keyturn::app
