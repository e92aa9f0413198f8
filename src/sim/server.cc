#include "sim/server.h"

#include <boost/asio/co_spawn.hpp>

namespace keyturn::sim {
namespace {

constexpr Duration kFirstTagsWait = std::chrono::seconds(10);  // as the real server's

std::optional<std::string> environment(std::string_view name) {
  if (name == "AWS_ACCESS_KEY_ID") return "ASIAVAULTVAULTVAULT1";
  if (name == "AWS_SECRET_ACCESS_KEY") return "vaultSecret/wJalrXUtnFEMI+K7MDENGbPxRfi0";
  return std::nullopt;
}

}  // namespace

Server::Server(const Outside& outside, Schedule::Owner owner)
    : outside_(outside),
      owner_(owner),
      loop_(std::make_unique<Loop>(outside.schedule, owner, outside.dice, outside.trace)) {}

Server::~Server() {
  outside_.schedule.drop(owner_);
  outside_.trace.mute();
  loop_.reset();
  // What is queued refers to the rooms.
  if (rooms_) rooms_->core().store->close();
  rooms_.reset();
  outside_.trace.unmute();
}

Result<std::unique_ptr<Server>> Server::start(const Outside& outside, Schedule::Owner owner,
                                              const app::Config& config) {
  auto server = std::make_unique<Server>(outside, owner);
  const app::Needs needs{.clock = outside.clock,
                         .random = outside.random,
                         .log = outside.trace,
                         .metrics = server->metrics_,
                         .environment = environment,
                         .open_store = [&outside, &server](const app::Needs& its) {
                           return outside.open_store(its, *server->loop_);
                         }};
  TRY(server->rooms_, app::Rooms::open(config, needs));
  TRY_VOID(server->rooms_->open_gateways({.loops = *server->loop_,
                                          .client = outside.upstream,
                                          .api_executor = server->loop_->executor(0),
                                          .model = outside.model}));
  Server& self = *server;
  self.rooms_->refresh_tags([&self] { self.listening_ = true; });
  self.loop_->after(kFirstTagsWait, [&self] { self.listening_ = true; });
  self.keep(self.rooms_->upkeep());
  self.keep(self.rooms_->publishing());
  self.keep(self.rooms_->following());
  self.loop_->run_ready();
  return server;
}

void Server::keep(std::vector<app::Job> jobs) {
  for (app::Job& job : jobs) repeat(std::move(job));
}

void Server::repeat(app::Job job) {
  const Duration interval = job.interval;
  loop_->after(interval, [this, job = std::move(job)]() mutable {
    job.work();
    repeat(std::move(job));
  });
}

Visit* Server::visit(Door door, http::RequestHead head, std::string body, Answered answered) {
  if (!listening_) return nullptr;
  std::string id = fmt::format("req-{}-{}", owner_, ++requests_);
  visits_.push_back(
      {std::make_unique<Visit>(std::move(head), std::move(body), std::move(id), loop_->executor(0)),
       std::move(answered)});
  const auto guest = std::prev(visits_.end());
  Visit* visit = guest->visit.get();
  handle(door, guest);
  loop_->after(Duration(1), [] {});
  return visit;
}

namespace {

http::Task<> handle_whole(http::Task<> handling, Visit& visit) {
  CO_TRY_VOID(co_await std::move(handling));
  co_return co_await visit.run_parked();
}

}  // namespace

void Server::handle(Door door, std::list<Guest>::iterator guest) {
  Visit& visit = *guest->visit;
  http::Task<> handling =
      door == Door::kAws ? rooms_->gateway().handle(visit) : rooms_->api().handle(visit);
  boost::asio::co_spawn(
      loop_->executor(0), handle_whole(std::move(handling), visit),
      [this, guest](const std::exception_ptr& thrown, const Result<void>& handled) {
        CHECK(!thrown);
        ended(guest, handled);
      });
}

void Server::ended(std::list<Guest>::iterator guest, const Result<void>& handled) {
  const Guest gone = std::move(*guest);
  visits_.erase(guest);
  if (!handled) {
    outside_.trace.add(
        "server", fmt::format("{} ended: {}", gone.visit->request_id(), handled.error().message));
  }
  if (gone.answered) gone.answered(*gone.visit);
}

std::map<std::string, std::size_t, std::less<>> Server::waiting() const {
  std::map<std::string, std::size_t, std::less<>> counts;
  for (const Guest& guest : visits_) {
    if (!guest.visit->waiting()) continue;
    ++counts[std::string(guest.visit->head().headers.find("x-amz-security-token").value_or(""))];
  }
  return counts;
}

void Server::drain() {
  listening_ = false;
  for (Guest& guest : visits_) guest.visit->drain();
  loop_->after(Duration(1), [] {});
}

void Server::close() { rooms_->close(); }

}  // namespace keyturn::sim
