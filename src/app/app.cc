#include "app/app.h"

#include <sys/resource.h>

#include <future>
#include <thread>

#include "app/keeper.h"
#include "app/reserve.h"
#include "app/rooms.h"

namespace keyturn::app {
namespace {

constexpr Duration kFirstTagsWait =
    std::chrono::seconds(10);  // then we serve; unknown is production
constexpr Duration kTagsStopWait = std::chrono::seconds(5);
constexpr Duration kReserveInterval = std::chrono::minutes(1);

class Server final : public App {
 public:
  Server(Config config, const Needs& needs) : config_(std::move(config)), needs_(needs) {}
  ~Server() override { stop(std::chrono::seconds(0)); }

  Result<void> open();
  std::uint16_t api_port() const override { return api_server_->port(); }
  std::uint16_t aws_port() const override { return aws_server_->port(); }
  Result<void> reload_policies() override { return rooms_->reload_policies(); }
  void stop(Duration timeout) override;

 private:
  http::ServerOptions server_options(const std::string& address, std::uint16_t port) const;
  Result<void> open_rooms();
  Result<std::unique_ptr<http::Server>> located(Result<std::unique_ptr<http::Server>> listening,
                                                std::string_view port) const;
  Result<void> serve_api();
  Result<void> serve_aws();
  void keep();
  void set_aside();

  const Config config_;
  const Needs needs_;
  bool stopped_ = false;
  std::string reserve_error_;  // before the keeper starts, then its thread's

  // In the order they are opened; taken down in reverse.
  std::unique_ptr<Rooms> rooms_;
  std::unique_ptr<http::Loops> loops_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<http::Server> api_server_;
  std::unique_ptr<http::Server> aws_server_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Keeper> following_;
  std::unique_ptr<Keeper> publishing_;
  std::unique_ptr<Keeper> witnessing_;
  std::unique_ptr<Keeper> anchoring_;
};

Result<void> Server::open() {
  raise_file_limit(config_.limits.connections);
  TRY_VOID(open_rooms());
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t count = config_.limits.event_loops == 0 ? cores : config_.limits.event_loops;
  TRY(loops_, http::Loops::start(count, needs_.log));
  TRY(client_, http::Client::create(*loops_, {}, needs_.log));
  TRY_VOID(rooms_->open_gateways({.loops = *loops_, .client = *client_}));
  TRY_VOID(serve_api());
  TRY_VOID(serve_aws());
  keep();
  return {};
}

Result<void> Server::open_rooms() {
  auto rooms = Rooms::open(config_, needs_);
  if (!rooms && rooms.error().code == Code::kExhausted && release_reserve(config_.data_path)) {
    needs_.log.warning("disk.reserve_used",
                       {{"error", rooms.error().message},
                        {"note",
                         "the disk is full: the room that was set aside for this start is given "
                         "up; reads go on, and what cannot be recorded is denied; make room"}});
    rooms = Rooms::open(config_, needs_);
  }
  TRY(rooms_, std::move(rooms));
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

// What it cannot listen with is the fault of the files for TLS or of the port.
Result<std::unique_ptr<http::Server>> Server::located(
    Result<std::unique_ptr<http::Server>> listening, std::string_view port) const {
  const bool files = !listening && listening.error().code == Code::kInvalid;
  return context(std::move(listening), config_.where("server", files ? "tls_certificate" : port));
}

Result<void> Server::serve_api() {
  http::Handler handler = [this](http::Exchange& exchange) {
    return rooms_->api().handle(exchange);
  };
  auto listening = http::Server::listen(
      *loops_, server_options(config_.server.api_address, config_.server.api_port),
      std::move(handler), needs_.log, needs_.metrics);
  TRY(api_server_, located(std::move(listening), "api_port"));
  needs_.log.info("server.api", {{"url", api_url(config_.server)}, {"version", version()}});
  return {};
}

Result<void> Server::serve_aws() {
  // Tags tell environments apart, so the first requests had better find them. Until they are known,
  // everything is production.
  auto known = std::make_shared<std::promise<void>>();
  std::future<void> tags = known->get_future();
  rooms_->refresh_tags([known] { known->set_value(); });
  if (tags.wait_for(kFirstTagsWait) != std::future_status::ready) {
    needs_.log.warning("tags.late", {{"note",
                                      "resource tags are not known yet; resources count as "
                                      "production until they are"}});
  }
  http::Handler handler = [this](http::Exchange& exchange) {
    return rooms_->gateway().handle(exchange);
  };
  auto listening = http::Server::listen(
      *loops_, server_options(config_.server.aws_address, config_.server.aws_port),
      std::move(handler), needs_.log, needs_.metrics);
  TRY(aws_server_, located(std::move(listening), "aws_port"));
  needs_.log.info("server.aws", {{"url", aws_url(config_.server)}});
  return {};
}

void Server::keep() {
  const auto begin = [this](std::vector<Job> jobs) {
    return jobs.empty() ? nullptr : std::make_unique<Keeper>(std::move(jobs), needs_.clock);
  };
  std::vector<Job> upkeep = rooms_->upkeep();
  upkeep.push_back({kReserveInterval, [this] { set_aside(); }});
  set_aside();
  keeper_ = begin(std::move(upkeep));
  following_ = begin(rooms_->following());
  publishing_ = begin(rooms_->publishing());
  witnessing_ = begin(rooms_->witnessing());
  anchoring_ = begin(rooms_->anchoring());
}

void Server::set_aside() {
  const auto made = set_reserve_aside(config_.data_path);
  std::string error = made ? "" : made.error().message;
  if (error == reserve_error_) return;
  reserve_error_ = std::move(error);
  if (!made) needs_.log.warning("disk.no_reserve", {{"error", reserve_error_}});
}

void Server::stop(Duration timeout) {
  if (std::exchange(stopped_, true)) return;
  keeper_.reset();
  following_.reset();
  if (aws_server_) aws_server_->drain(timeout);
  if (api_server_) api_server_->drain(timeout);
  if (rooms_) rooms_->wait_for_tags(kTagsStopWait);
  if (loops_) loops_->stop();
  anchoring_.reset();
  witnessing_.reset();
  publishing_.reset();
  if (rooms_) rooms_->close();
}

}  // namespace

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
