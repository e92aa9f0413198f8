#include "app/rooms.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "app/anchor_bucket.h"
#include "app/folder.h"
#include "app/model.h"
#include "app/policies.h"
#include "gate/known_time.h"
#include "ledger/server_rights.h"

namespace keyturn::app {
namespace {

constexpr Duration kSweepInterval = std::chrono::seconds(10);  // of expired changes
constexpr Duration kSettleInterval =
    std::chrono::seconds(5);  // of what gateways left that are gone
constexpr Duration kFollowInterval = std::chrono::seconds(1);
constexpr Duration kTagNewsInterval = std::chrono::seconds(2);
constexpr Duration kVaultInterval =
    std::chrono::seconds(30);  // it refreshes 5 minutes before expiry
constexpr Duration kPublishInterval = std::chrono::seconds(1);
// Between two machines' clocks, and what slewing gains; not worth a line in the log.
constexpr Duration kClockNoise = std::chrono::seconds(2);
// What a stolen moment may take back without an anchor noticing.
constexpr Duration kAnchorInterval = std::chrono::minutes(1);
constexpr Duration kWitnessInterval = std::chrono::seconds(2);
constexpr Duration kWitnessTimeout = std::chrono::seconds(5);  // also delays a stop

std::string text_of(std::uint64_t number) { return fmt::to_string(number); }

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

// A name that is misspelt would match nothing, silently.
Result<void> check_regions(const Config& config, const aws::Model& model) {
  const auto check = [&](const std::vector<std::string>& regions,
                         const std::string& where) -> Result<void> {
    for (const std::string& region : regions) {
      if (aws::is_region(model, region)) continue;
      return fail(Code::kInvalid, "{}: `{}` is no region; they are written like eu-central-1",
                  where, printable(region, 64));
    }
    return {};
  };
  TRY_VOID(check(config.aws.regions, config.where("aws", "regions")));
  for (std::size_t i = 0; i < config.environments.size(); ++i) {
    for (const EnvironmentSelector& selector : config.environments[i].selectors) {
      TRY_VOID(check(selector.regions, config.where_environment(i)));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Rooms>> Rooms::open(const Config& config, const Needs& needs) {
  auto rooms = std::make_unique<Rooms>(config, needs);
  TRY(rooms->core_, Core::open(config, needs));
  TRY_VOID(rooms->look_at_rights());
  // Before anything is recorded: what is missing from the database must not be made up for.
  TRY_VOID(rooms->open_publisher());
  TRY_VOID(rooms->open_gate());
  TRY_VOID(rooms->look_at_clock());
  TRY_VOID(rooms->settle());
  TRY_VOID(rooms->open_follower());
  rooms->publish();
  TRY_VOID(rooms->check_anchors());  // again, for a log whose files were lost
  TRY_VOID(rooms->open_witnesses());
  return rooms;
}

Result<void> Rooms::open_gateways(const Outside& outside) {
  CHECK(!outside_);
  outside_.emplace(outside);
  TRY_VOID(open_gateway());
  refresh_credentials();
  return open_api();
}

Result<void> Rooms::look_at_rights() {
  if (core_->store->engine() == store::Engine::kSqlite) return {};
  TRY(const bool may_change, ledger::may_change_entries(*core_->store));
  if (!may_change) return {};
  needs_.log.warning("ledger.role_may_change_it",
                     {{"note",
                       "the database role of this server may change the ledger's entries or drop "
                       "what guards them; let another role own the tables (docs/operations.md, "
                       "\"Two roles in PostgreSQL\")"}});
  return {};
}

Result<void> Rooms::open_gate() {
  TRY(reviews_,
      review::Reviews::open(*core_->store, *core_->identity, *core_->forward, needs_.random,
                            {.change_lifetime = config_.review.change_lifetime,
                             .grant_lifetime = config_.review.grant_lifetime}));
  gate_ = std::make_unique<gate::Gate>(*core_->store, *core_->ledger, *core_->identity, *reviews_,
                                       *core_->forward, needs_.log, needs_.metrics,
                                       gate::GateOptions{.observe = config_.ledger.observe});
  return reload_policies();
}

Result<void> Rooms::look_at_clock() {
  TRY(const gate::KnownTime known, gate::read_known_time(*core_->store, *core_->ledger));
  decided_until_ = known.decided;
  const Time now = needs_.clock.now();
  if (known.latest <= now) return {};
  const std::string latest = format_time(known.latest);
  if (config_.accept_clock) {
    TRY_VOID(gate::accept_clock(*core_->store, *core_->ledger, known, now));
    if (decided_until_) decided_until_ = std::min(*decided_until_, now);
    needs_.log.info("clock.accepted", {{"latest", latest}});
    return {};
  }
  core_->forward->raise(known.latest);
  if (known.latest - now < kClockNoise) return {};
  needs_.log.warning(
      "clock.behind_record",
      {{"latest", latest},
       {"behind", format_duration(known.latest - now)},
       {"note",
        "what expired stays so, and a request that changes something must be signed after the "
        "latest decision; set the clock right, or start once with --accept-clock if it was wrong "
        "before"}});
  return {};
}

// A clock that was set back while we ran.
void Rooms::watch_clock() {
  const Duration ahead = core_->forward->ahead();
  if (ahead - clock_told_ < kClockNoise) return;
  clock_told_ = ahead;
  needs_.log.warning(
      "clock.went_back",
      {{"by", format_duration(ahead)},
       {"note", "expiries go on as if it had not; entries say what the clock says"}});
}

Result<void> Rooms::reload_policies() {
  auto policies = load_policies(config_.policies_path);
  if (!policies && policies.error().code == Code::kNotFound) {
    return fail(std::move(policies.error()).context(config_.where("policies", "path")));
  }
  if (!policies) return fail(std::move(policies.error()));
  const std::string digest = (*policies)->digest().hex();
  TRY_VOID(gate_->set_policies(std::move(*policies)));
  needs_.log.info("policies.loaded",
                  {{"from", config_.policies_path.empty() ? "built in" : config_.policies_path},
                   {"digest", digest}});
  return {};
}

bool Rooms::is_shared() const { return core_->store->is_shared(); }

Result<void> Rooms::open_follower() {
  if (!is_shared()) return {};
  TRY(const ledger::Head head, core_->ledger->head());
  follower_ = std::make_unique<Follower>(
      Follower::Needs{*core_->ledger, *core_->identity, *gate_, needs_.log}, head.size);
  // What was recorded since the accounts were read, and before the place to follow from.
  TRY_VOID(core_->identity->refresh());
  news_ = core_->store->listen_for_news();
  return {};
}

Result<void> Rooms::settle() {
  TRY(const std::vector<std::uint64_t> unsettled, gate_->settle_after_crash());
  for (const std::uint64_t index : unsettled) {
    needs_.log.warning(
        "action.outcome_unknown",
        {{"ledger_index", text_of(index)},
         {"note",
          "sent, outcome unknown: it was allowed by a gateway that has stopped since "
          "and never answered; look upstream, it will not be sent again"}});
  }
  return {};
}

Result<void> Rooms::open_publisher() {
  if (!has_ledger_key(config_.data_path)) {
    TRY_VOID(create_ledger_key(config_.data_path, "", needs_.random));
  }
  TRY(ledger::LogKey key, read_ledger_key(config_.data_path));
  needs_.log.info("ledger.key", {{"verifier_key", key.verifier().text()}});
  TRY(publisher_, ledger::Publisher::open(*core_->ledger, std::move(key),
                                          ledger_folder(config_.data_path), needs_.log));
  ledger::Anchors::Places places;
  for (const std::string& name : config_.ledger.anchors) {
    if (!is_bucket_anchor(name)) {
      places.push_back(ledger::anchor_file(name));
      continue;
    }
    TRY(auto place, anchor_bucket(name, config_.aws, *core_->vault, needs_.clock));
    places.push_back(std::move(place));
  }
  anchors_ = std::make_unique<ledger::Anchors>(*publisher_, std::move(places));
  // What another gateway has anchored may be more than we had published when we stopped.
  if (is_shared()) TRY_VOID(publisher_->publish());
  return check_anchors();
}

void Rooms::publish() {
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

Result<void> Rooms::check_anchors() const {
  ledger::Anchors::Round round = anchors_->check();
  if (round.contradicted && is_shared() && publisher_->publish()) round = anchors_->check();
  if (round.contradicted) {
    return fail(Code::kCorrupt, "{}", fmt::join(round.faults, "; "));
  }
  return {};
}

ledger::Anchors::Round Rooms::anchor(std::uint64_t unsaid) {
  ledger::Anchors::Round round = anchors_->advance(unsaid);
  // Another gateway may have published and anchored more meanwhile.
  if (round.contradicted && is_shared() && publisher_->publish()) {
    round = anchors_->advance(unsaid);
  }
  std::string faults = fmt::format("{}", fmt::join(round.faults, "; "));
  // Said when it begins, when it changes and when it ends.
  if (faults == anchor_faults_) return round;
  anchor_faults_ = std::move(faults);
  if (anchor_faults_.empty()) {
    needs_.log.info("ledger.anchors_back", {});
  } else if (round.contradicted) {
    needs_.log.error("ledger.anchor_contradicts", {{"error", anchor_faults_}});
  } else {
    needs_.log.warning("ledger.not_anchored", {{"error", anchor_faults_}});
  }
  return round;
}

void Rooms::anchor_and_record() {
  // The record of the last round is the one entry that needs no round of its own.
  const ledger::Anchors::Round round = anchor(1);
  if (round.written.empty()) return;
  Json places(Json::Array{});
  for (const std::string& name : round.written) places.push_back(recorded_text(name));
  const Json body = Json::object({{"anchors", std::move(places)},
                                  {"root", round.tree.root.hex()},
                                  {"size", static_cast<std::int64_t>(round.tree.size)}});
  const auto recorded = core_->store->run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(core_->ledger->append(transaction, "checkpoint.anchored", body));
    return {};
  });
  if (!recorded) {
    needs_.log.warning("ledger.anchor_not_recorded", {{"error", recorded.error().message}});
  }
}

Result<void> Rooms::open_witnesses() {
  const std::string& path = config_.ledger.policy_path;
  if (path.empty()) return {};
  TRY(const std::string text, context(read_text_file(path), config_.where("ledger", "policy")));
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

void Rooms::ask_witnesses() {
  auto round = witnesses_->ask();
  // Another gateway may have published and shown it more meanwhile.
  if (round && round->contradicted && is_shared() && publisher_->publish()) {
    round = witnesses_->ask();
  }
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

Result<void> Rooms::open_gateway() {
  auto model = outside_->model;
  if (model == nullptr) {
    TRY(model, load_aws_model(config_.aws.model_path));
  }
  TRY_VOID(check_regions(config_, *model));
  environments_ = std::make_unique<Environments>(config_.environments);
  aws::GatewayOptions options;
  options.account = config_.aws.account;
  options.partition = config_.aws.partition;
  options.upstream = config_.aws.upstream;
  options.upstream_by_service = config_.aws.upstreams;
  options.host_names = config_.server.host_names;
  options.url = aws_url(config_.server);
  options.hold_wait = config_.aws.hold_wait;
  options.held_requests_max = config_.limits.held_requests;
  options.held_requests_per_session_max = config_.limits.held_requests_per_session;
  options.body.memory_bytes_max = config_.limits.body_memory_bytes;
  options.body.bytes_max = config_.limits.body_bytes;
  // What several gateways have sent is in their database.
  if (decided_until_ && !is_shared()) options.decided_until = *decided_until_;
  options.body.directory = config_.data_path;  // private, and where the operator planned for space
  TRY(gateway_, aws::Gateway::create({.model = std::move(model),
                                      .gate = *gate_,
                                      .identity = *core_->identity,
                                      .vault = *core_->vault,
                                      .client = outside_->client,
                                      .environments = *environments_,
                                      .clock = needs_.clock,
                                      .random = needs_.random,
                                      .log = needs_.log,
                                      .metrics = needs_.metrics},
                                     std::move(options)));
  return {};
}

Result<void> Rooms::open_api() {
  api::ApiOptions options;
  options.host_names = config_.server.host_names;
  options.host_names.push_back(config_.server.api_address);
  options.aws_endpoint_url = aws_url(config_.server);
  options.version = version();
  options.ledger_folder = ledger_folder(config_.data_path);
  options.executor = outside_->api_executor;
  TRY(api_, api::Api::create({.store = *core_->store,
                              .ledger = *core_->ledger,
                              .identity = *core_->identity,
                              .reviews = *reviews_,
                              .gate = *gate_,
                              .vault = *core_->vault,
                              .clock = *core_->forward,
                              .log = needs_.log,
                              .metrics = needs_.metrics},
                             std::move(options)));
  return {};
}

std::vector<Job> Rooms::upkeep() {
  std::vector<Job> jobs;
  jobs.push_back({kSweepInterval, [this] { sweep(); }});
  jobs.push_back({kVaultInterval, [this] { refresh_credentials(); }});
  jobs.push_back({config_.aws.tag_refresh, [this] { refresh_tags([] {}); }});
  jobs.push_back({kTagNewsInterval, [this] { follow_tags(); }});
  if (is_shared()) jobs.push_back({kSettleInterval, [this] { settle_others(); }});
  return jobs;
}

std::vector<Job> Rooms::following() {
  if (!follower_) return {};
  if (!news_) return {{kFollowInterval, [this] { follower_->look(); }}};
  return {{Duration::zero(), [this] {
             news_->wait(kFollowInterval);
             follower_->look();
           }}};
}

void Rooms::settle_others() {
  if (const auto settled = settle(); !settled) {
    needs_.log.warning("actions.settle_failed", {{"error", settled.error().message}});
  }
}

std::vector<Job> Rooms::publishing() {
  return {{kPublishInterval, [this] { publish(); }}};
}

std::vector<Job> Rooms::witnessing() {
  if (!witnesses_) return {};
  return {{kWitnessInterval, [this] { ask_witnesses(); }}};
}

std::vector<Job> Rooms::anchoring() {
  if (config_.ledger.anchors.empty()) return {};
  return {{kAnchorInterval, [this] { anchor_and_record(); }}};
}

void Rooms::sweep() {
  watch_clock();
  const auto swept = gate_->sweep();
  if (!swept) needs_.log.warning("changes.sweep_failed", {{"error", swept.error().message}});
}

void Rooms::refresh_credentials() {
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
bool Rooms::begin_tags() {
  if (config_.aws.regions.empty() || credentials_missing_.load()) return false;
  const std::lock_guard lock(tags_mutex_);
  return !std::exchange(refreshing_tags_, true);
}

http::Task<> Rooms::run_tags(http::Task<> asking, std::function<void()> done) {
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

void Rooms::refresh_tags(std::function<void()> done) {
  if (!begin_tags()) return done();
  outside_->loops.spawn(0, [this, done = std::move(done)] {
    return run_tags(gateway_->refresh_tags(config_.aws.regions), done);
  });
}

void Rooms::follow_tags() {
  if (!begin_tags()) return;
  outside_->loops.spawn(
      0, [this] { return run_tags(gateway_->follow_tags(config_.aws.regions), [] {}); });
}

void Rooms::wait_for_tags(Duration timeout) {
  std::unique_lock lock(tags_mutex_);
  tags_ended_.wait_for(lock, timeout, [this] { return !refreshing_tags_; });
}

void Rooms::close() {
  if (publisher_) publish();
  if (anchors_) anchor(0);
  if (core_) core_->store->close();
}

}  // namespace keyturn::app
