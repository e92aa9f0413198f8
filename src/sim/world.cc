#include "sim/world.h"

#include <filesystem>
#include <fstream>

#include "app/folder.h"
#include "app/policies.h"
#include "sim/broken.h"

namespace keyturn::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Longer than everything a request may wait for: reviewers, the store twice, upstream.
constexpr Duration kVisitMax = minutes(4);
constexpr Duration kRestartPause = seconds(1);
constexpr std::size_t kStartsMax = 60;  // a gateway that does not start by then never will
constexpr std::size_t kCallsMax = 200;  // of one API route that must succeed
constexpr Duration kCallAgain = seconds(1);
constexpr std::size_t kHeldPerSession = 3;
constexpr Schedule::Owner kSecond = 1'000'000;  // no life of the first one has this number

using Opened = Result<std::unique_ptr<store::Store>>;

app::Config config_of(const std::string& folder, const std::string& policies, Dice& dice) {
  app::Config config;
  config.data_path = folder;
  config.aws.account = "123456789012";
  config.aws.upstream = "http://127.0.0.1:5000";
  config.aws.regions = {"us-east-1"};
  config.aws.hold_wait = dice.between(seconds(5), seconds(40));
  config.vault.sources = {vault::Source::kEnvironment};
  config.review.change_lifetime = minutes(4);
  config.review.grant_lifetime = minutes(2);
  config.limits.held_requests_per_session = kHeldPerSession;
  config.policies_path = policies;
  const EnvironmentSelector by_arn{.arns = {"*:table/dev-*"}};
  const EnvironmentSelector by_tag{.tags = {{"env", "dev"}}};
  config.environments = {
      {.name = "dev", .tier = Tier::kDevelopment, .selectors = {by_arn, by_tag}}};
  return config;
}

}  // namespace

World::World(const Options& options, const std::string& folder)
    : options_(options),
      dice_(options.seed),
      random_(options.seed + 1),
      trace_(schedule_, folder),
      disk_(options.seed + 2),
      config_(config_of(folder + "/0", folder + "/policies", dice_)),
      folder_(folder),
      database_(app::database_file(config_.data_path)) {
  upstream_.on_call([this](const UpstreamCall& call) {
    if (server_) checks_.upstream_called(server_->rooms(), call);
  });
}

World::~World() = default;

void World::set_up() {
  const auto prepare = [this]() -> Result<void> {
    TRY_VOID(app::create_folder(config_.policies_path));
    for (const auto& file : app::embedded_policies().files) {
      std::ofstream(config_.policies_path + "/" + file.name) << file.text;
    }
    TRY_VOID(app::create_folder(config_.data_path));
    TRY_VOID(app::create_sealing_key(config_.data_path, random_));
    return app::create_ledger_key(config_.data_path, "ledger.example/sim", random_);
  };
  if (const auto prepared = prepare(); !prepared) return checks_.fault(prepared.error().message);
  start();
  if (!server_) return;
  app::Core& core = server_->rooms().core();
  const auto created = core.store->run([&](store::Transaction& transaction) -> Result<void> {
    TRY(const crypto::Secret token,
        core.identity->create_person(
            transaction,
            {.id = PersonId("root"), .name = "root", .role = identity::Role::kAdministrator}));
    root_token_ = token.view();
    return {};
  });
  if (!created) return checks_.fault(created.error().message);
  if (const auto known = core.identity->refresh(); !known) checks_.fault(known.error().message);
}

Server::Outside World::outside() {
  return {
      .schedule = schedule_,
      .dice = dice_,
      .clock = clock_,
      .random = options_.broken == Broken::kUnseeded ? static_cast<Random&>(unseeded_) : random_,
      .trace = trace_,
      .upstream = upstream_,
      .model = options_.model,
      .open_store = [this](const app::Needs& needs, Loop& loop) {
        return open_store(needs, loop);
      }};
}

Result<std::unique_ptr<faulty::Store>> World::open_database(const app::Needs& needs,
                                                            store::WriterHost& host) {
  const std::string file = shared_ ? database_ : app::database_file(config_.data_path);
  TRY(auto store, store::open_sqlite({.path = file, .host = &host}, needs.clock, needs.log,
                                     shared_ ? metrics_ : needs.metrics));
  auto failing =
      std::make_unique<faulty::Store>(break_store(std::move(store), broken_),
                                      options_.seed + lives_, faulty::Store::Commits::kHosted);
  failing->set_faults(store_faults_);
  faulty_ = failing.get();
  return failing;
}

Opened World::open_store(const app::Needs& needs, Loop& loop) {
  if (!shared_) return open_database(needs, loop);
  auto sharing = sharing_.lock();
  if (sharing == nullptr) {
    TRY(auto database, open_database(needs, host_));
    sharing = std::make_shared<SharedDatabase>(std::move(database), host_, clock_, writers_);
    sharing_ = sharing;
  }
  return sharing->join(loop, broken_ != Broken::kUnaware);
}

void World::start() {
  trace_.unmute();
  for (std::size_t tries = 0; tries < kStartsMax; ++tries) {
    trace_.add("server", fmt::format("starts, life {}", ++lives_));
    auto started = Server::start(outside(), lives_, config_);
    if (started) {
      server_ = std::move(*started);
      if (broken_ == Broken::kHeldForEver) server_->loop().lose_alarms();
      server_->rooms().core().ledger->on_appended([this](std::uint64_t) { appended_ = true; });
      return checks_.restarted(server_->rooms());
    }
    trace_.add("server", fmt::format("does not start: {}", started.error().message));
    trace_.unmute();
    if (started.error().code == Code::kCorrupt) {
      refused_ = true;
      if (!checks_.may_lose()) checks_.fault("a sound database is refused");
      return;
    }
    run_for(kRestartPause);
  }
  checks_.fault("the gateway does not start any more");
}

void World::start_second() {
  if (!server_ || shared_) return;
  app::Config config = config_;
  if (broken_ == Broken::kNotLocked) {
    config.data_path = folder_ + "/second";
    std::filesystem::copy(config_.data_path, config.data_path,
                          std::filesystem::copy_options::recursive);
  }
  std::swap(config, config_);
  faulty::Store* const faulty = faulty_;
  const auto second = Server::start(outside(), kSecond, config_);
  faulty_ = faulty;
  std::swap(config, config_);
  if (second) return checks_.fault("two gateways run on one data folder");
  trace_.add("second", fmt::format("does not start: {}", second.error().message));
}

void World::lose_what_follows() {
  trace_.add("disk", "keeps nothing from here on");
  checks_.forgive_lost_entries();
  disk_lies_ = true;
  disk_.set_faults({.sync_lies_percent = 100});
}

void World::set_store_faults(const faulty::Faults& faults) {
  store_faults_ = faults;
  if (server_) faulty_->set_faults(faults);
}

void World::crash_at_commit() {
  if (!server_) return;
  dying_ = true;
  trace_.expect_error("gateway.outcome_not_recorded");
  faulty_->set_faults({.doubtful_percent = 100});
}

void World::change_policies() {
  if (!server_) return;
  std::ofstream(config_.policies_path + "/10-observe.cedar", std::ios::app)
      << fmt::format("// edited {} times\n", ++policy_edits_);
  if (const auto loaded = server_->rooms().reload_policies(); !loaded) {
    trace_.add("operator", fmt::format("policies not loaded: {}", loaded.error().message));
  }
  server_->loop().after(Duration(1), [] {});
}

void World::break_now() {
  broken_ = options_.broken;
  if (broken_ == Broken::kErrorLogged) trace_.error("sim.broken", {});
  if (broken_ == Broken::kAcknowledgesEarly) {
    disk_lies_ = true;
    disk_.set_faults({.sync_lies_percent = 100});
    return;
  }
  if (broken_ == Broken::kLimitless) config_.limits.held_requests_per_session = 1'000;
  // The store is broken from its next start on.
  if (broken_ != Broken::kNothing) crash(kRestartPause);
}

// What a process that is killed has written stays; when the power is cut, of what was not synced
// some sectors do.
void World::die() {
  // The database is another machine's, and may live on with the other gateway.
  if (shared_ && old_ && !disk_lies_ && !dying_ && dice_.chance(50)) return die_alone();
  if (shared_ && old_) end_old();
  const bool power = disk_lies_ || dice_.chance(50);
  const unsigned kept = disk_lies_ ? 0 : power ? static_cast<unsigned>(dice_.below(101)) : 100;
  trace_.add("server", power ? "dies, with the power" : "dies");
  if (disk_lies_) checks_.must_keep(published_size());
  disk_.cut_power();
  std::unique_ptr<Server> dead = std::move(server_);
  orphan(dead.get());
  dead.reset();
  // It was closed in order here, which nobody does who dies.
  const std::filesystem::path marked = shared_ ? database_ : config_.data_path + "/.";
  std::ofstream(marked.parent_path() / "store.in-use").put(' ');
  const auto lost = disk_.restore_power(kept);
  if (!lost) checks_.fault(lost.error().message);
  disk_.set_faults({});
  store_faults_ = {};
  disk_lies_ = false;
  dying_ = false;
  paused_ = false;
}

void World::die_alone() {
  trace_.add("server", "dies, and the other one lives on");
  const std::unique_ptr<Server> dead = std::move(server_);
  orphan(dead.get());
  faulty_->set_faults(store_faults_);  // not those of a death at a commit
  paused_ = false;
}

void World::orphan(const Server* server) {
  std::map<std::uint64_t, Guest> orphans;
  for (auto it = visits_.begin(); it != visits_.end();) {
    const auto here = it++;
    if (here->second.server == server) orphans.insert(visits_.extract(here));
  }
  for (const auto& [number, guest] : orphans) guest.answered(Reply());
}

void World::start_beside() {
  if (!server_ || old_ || paused_ || dying_) return;
  trace_.add("server", "stands still, and another is started beside it");
  // What is removed for its silence cannot record how its requests ended.
  trace_.expect_error("gateway.outcome_not_recorded");
  const Schedule::Owner owner = server_->owner();
  schedule_.pause(owner);
  old_ = std::move(server_);
  const std::string next = fmt::format("{}/{}", folder_, lives_);
  if (shared_) {
    std::filesystem::create_directories(next);
    for (const char* key : {"sealing.key", "ledger.key"}) {
      std::filesystem::copy(config_.data_path + "/" + key, next + "/" + key);
    }
  } else {
    std::filesystem::copy(config_.data_path, next, std::filesystem::copy_options::recursive);
  }
  config_.data_path = next;
  start();
  after(dice_.between(seconds(1), seconds(30)), [this, owner] {
    trace_.add("server", "the old one goes on");
    schedule_.resume(owner);
  });
  after(dice_.between(seconds(40), seconds(90)), [this] {
    if (old_) end_old();
  });
}

void World::end_old() {
  trace_.add("server", "the old one dies");
  const std::unique_ptr<Server> dead = std::move(old_);
  orphan(dead.get());
}

// The second line of the checkpoint (C2SP tlog-checkpoint).
std::uint64_t World::published_size() const {
  std::ifstream file(app::ledger_folder(config_.data_path) + "/checkpoint");
  std::string origin;
  std::uint64_t size = 0;
  std::getline(file, origin);
  file >> size;
  return size;
}

// No more of one session's requests wait for reviewers than may.
void World::check_waiting() {
  if (!server_) return;
  for (const auto& [session, count] : server_->waiting()) {
    if (count > kHeldPerSession) {
      checks_.fault(
          fmt::format("{} requests of one session wait, more than {}", count, kHeldPerSession));
    }
  }
}

void World::step() {
  ++steps_;
  if (!schedule_.step()) return;
  if (server_ && std::exchange(appended_, false)) checks_.look(server_->rooms());
  check_waiting();
  if (dying_ && server_ && faulty_->counts().doubtful > 0) {
    dying_ = false;
    trace_.mute();
    crash(dice_.between(seconds(0), seconds(5)));
  }
  if (!crash_) return;
  const Duration pause = *std::exchange(crash_, std::nullopt);
  if (!server_) return;
  die();
  after(pause, [this] {
    if (!server_) start();
  });
}

void World::run_for(Duration duration) {
  bool over = false;
  after(duration, [&over] { over = true; });
  while (!over) step();
}

std::optional<std::uint64_t> World::visit(Server::Door door, http::RequestHead head,
                                          std::string body, Answered answered) {
  // Some still come to the one that another has taken over from.
  const bool late = old_ && door == Server::Door::kAws && dice_.chance(30);
  Server* server = late ? old_.get() : server_.get();
  if (server == nullptr) return std::nullopt;
  const std::uint64_t number = ++visits_made_;
  Visit* visit =
      server->visit(door, std::move(head), std::move(body), [this, number](const Visit& ended) {
        const auto found = visits_.find(number);
        if (found == visits_.end()) return;
        if (crash_ && found->second.server == server_.get()) return;  // it dies before this leaves
        auto node = visits_.extract(found);
        if (!node.empty() && !ended.client_left()) node.mapped().answered(ended.reply());
      });
  if (visit == nullptr) return std::nullopt;
  visits_[number] = {server, visit, std::move(answered)};
  expect_end(number);
  return number;
}

void World::expect_end(std::uint64_t number) {
  after(kVisitMax, [this, number] {
    if (!visits_.contains(number)) return;
    if (paused_ || visits_[number].server == old_.get()) return expect_end(number);
    checks_.fault(
        fmt::format("request {} has not ended after {}", number, format_duration(kVisitMax)));
  });
}

void World::leave(std::uint64_t number) {
  const auto found = visits_.find(number);
  if (found == visits_.end()) return;
  trace_.add("client", fmt::format("{} leaves", found->second.visit->request_id()));
  found->second.visit->leave();
  found->second.server->loop().after(Duration(1), [] {});
}

std::optional<std::uint64_t> World::call_api(std::string_view method, std::string_view target,
                                             const std::string& token, const Json& body,
                                             Answered answered) {
  http::RequestHead head{
      .method = std::string(method),
      .target = std::string(target),
      .headers = {{"host", "127.0.0.1:7311"}, {"authorization", "Bearer " + token}}};
  std::string text;
  if (!body.is_null()) {
    text = to_text(body);
    head.headers.add("content-type", "application/json");
  }
  return visit(Server::Door::kApi, std::move(head), std::move(text), std::move(answered));
}

Json World::must_call_api(std::string_view method, std::string_view target,
                          const std::string& token, const Json& body) {
  for (std::size_t tries = 0; tries < kCallsMax; ++tries) {
    std::optional<Reply> reply;
    const auto number =
        call_api(method, target, token, body, [&reply](const Reply& got) { reply = got; });
    while (number && !reply) step();
    if (reply && (reply->status == 200 || reply->status == 201)) {
      return parse_strict(reply->body).value_or(Json());
    }
    run_for(kCallAgain);
  }
  checks_.fault(fmt::format("`{} {}` never succeeded", method, target));
  return {};
}

void World::stop() {
  if (!server_) return;
  trace_.add("server", "stops");
  server_->drain();
  const Duration begin = schedule_.elapsed();
  while (server_ && server_->visits() > 0 && schedule_.elapsed() - begin < kVisitMax) step();
  if (!server_) return;
  if (server_->visits() > 0) checks_.fault("a stopping server has requests that do not end");
  server_->close();
  server_.reset();
  visits_.clear();
}

void World::pause_server(Duration duration) {
  if (!server_ || paused_) return;
  paused_ = true;
  const Schedule::Owner owner = server_->owner();
  trace_.add("server", fmt::format("stands still for {}", format_duration(duration)));
  schedule_.pause(owner);
  after(duration, [this, owner] {
    schedule_.resume(owner);
    if (!server_ || server_->owner() != owner) return;
    trace_.add("server", "goes on");
    paused_ = false;
  });
}

void World::step_clock(Duration by) {
  trace_.add("clock", fmt::format("steps by {} s", by.count() / 1'000'000));
  clock_.step_wall(by);
}

Report World::report() const {
  Report report;
  report.faults = checks_.faults();
  for (const std::string& line : trace_.errors()) report.faults.push_back("logged: " + line);
  report.trace = trace_.text();
  report.digest = trace_.digest();
  report.steps = steps_;
  report.lives = lives_;
  report.entries = checks_.entries();
  report.calls = checks_.calls();
  report.grants_used = checks_.grants_used();
  return report;
}

}  // namespace keyturn::sim
