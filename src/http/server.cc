#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "base/bytes.h"
#include "base/random.h"
#include "http/connection.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 1024;
// After accept failed for want of descriptors or memory: long enough for some to be freed.
constexpr Duration kAcceptRetry = std::chrono::milliseconds(100);
// How long cut connections may take to end.
constexpr Duration kCutTimeout = std::chrono::seconds(2);
// Descriptors for the store, logs, listeners and spooled bodies.
constexpr std::size_t kReservedFiles = 256;
constexpr std::size_t kRunIdBytes = 8;
constexpr std::string_view kOverloaded =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    "connection: close\r\n\r\n";

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
enum class Sharing { kAlone, kShared };

std::size_t file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<std::size_t>(limit.rlim_cur);
}

Result<tcp::acceptor> open_acceptor(const Executor& executor, const Endpoint& endpoint,
                                    Sharing sharing) {
  tcp::acceptor acceptor(executor);
  error_code error;
  const auto done = [&error] { return error.failed(); };
  acceptor.open(endpoint.protocol(), error);
  if (!done()) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!done() && sharing == Sharing::kShared) acceptor.set_option(ReusePort(true), error);
  if (!done()) acceptor.bind(endpoint, error);
  if (!done() && sharing == Sharing::kShared) acceptor.listen(kBacklog, error);
  if (!done()) return acceptor;
  return fail(Code::kUnavailable, "cannot listen on {} port {}: {}", endpoint.address().to_string(),
              endpoint.port(), to_lower(error.message()));
}

void refuse_connection(ServerState& state, Socket socket) {
  state.metrics.refused_connections.add();
  if (state.tls) return;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.send(asio::buffer(kOverloaded), 0, ignored);
  socket.shutdown(asio::socket_base::shutdown_send, ignored);
  // What the client has sent already would turn our close into a reset before it read the answer.
  std::array<char, 4096> discarded{};
  while (socket.receive(asio::buffer(discarded), 0, ignored) == discarded.size()) {
  }
}

asio::awaitable<void> accept_connections(std::shared_ptr<ServerState> state, LoopState& loop,
                                         tcp::acceptor acceptor) {
  struct Registration {
    ServerState& state;
    LoopState& loop;
    ~Registration() {
      error_code ignored;
      loop.acceptor->close(ignored);
      loop.acceptor = nullptr;
      state.stop_listening();
    }
  };
  const Registration registration{*state, loop};
  loop.acceptor = &acceptor;
  while (!state->draining && acceptor.is_open()) {
    error_code error;
    Socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open()) break;
    if (error) {
      state->log.warning("http.accept_failed", {{"error", error.message()}});
      co_await sleep(kAcceptRetry);
    } else if (!state->admit()) {
      refuse_connection(*state, std::move(socket));
    } else {
      socket.set_option(tcp::no_delay(true), error);
      std::make_shared<Connection>(state, loop, std::move(socket))->start();
    }
  }
}

class ListeningServer final : public Server {
 public:
  explicit ListeningServer(std::shared_ptr<ServerState> state) : state_(std::move(state)) {}
  ~ListeningServer() override { drain(Duration(0)); }

  Result<void> start(Loops& loops) {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(state_->options.address, error);
    if (error) {
      return fail(Code::kInvalid, "`{}` is not an IP address to listen on",
                  printable(state_->options.address, 100));
    }
    Endpoint endpoint(address, state_->options.port);
    // Alone first: with SO_REUSEPORT a second server would share the port without a word.
    TRY(tcp::acceptor probe, open_acceptor(loops.executor(0), endpoint, Sharing::kAlone));
    probe.close(error);
    std::vector<tcp::acceptor> acceptors;
    for (std::size_t i = 0; i < loops.size(); ++i) {
      TRY(tcp::acceptor acceptor, open_acceptor(loops.executor(i), endpoint, Sharing::kShared));
      endpoint = acceptor.local_endpoint(error);
      acceptors.push_back(std::move(acceptor));
      state_->loops.push_back(std::make_unique<LoopState>(loops.executor(i)));
      state_->loops.back()->index = i;
    }
    state_->port = endpoint.port();
    for (std::size_t i = 0; i < loops.size(); ++i) {
      LoopState& loop = *state_->loops[i];
      state_->listening.fetch_add(1);
      asio::awaitable<void> accepting = accept_connections(state_, loop, std::move(acceptors[i]));
      asio::co_spawn(loop.executor, std::move(accepting), asio::detached);
    }
    return {};
  }

  std::uint16_t port() const override { return state_->port; }

  void drain(Duration timeout) override {
    state_->draining = true;
    on_every_loop([](LoopState& loop) {
      error_code ignored;
      if (loop.acceptor != nullptr) loop.acceptor->close(ignored);
      // A connection removes itself from the set later, from its own coroutine.
      for (Connection* connection : loop.connections) connection->begin_drain();
    });
    // Closing takes a turn of each loop; who drains wants the port free when this returns.
    wait_until_zero(state_->listening, std::min(timeout, kCutTimeout));
    if (wait_until_zero(state_->open, timeout)) return;
    on_every_loop([](LoopState& loop) {
      for (Connection* connection : loop.connections) connection->cut();
    });
    if (!wait_until_zero(state_->open, kCutTimeout)) {
      state_->log.warning("http.drain_incomplete",
                          {{"connections", fmt::format("{}", state_->open.load())}});
    }
  }

 private:
  void on_every_loop(void (*act)(LoopState&)) {
    for (const auto& loop : state_->loops) {
      asio::post(loop->executor, [state = state_, &loop = *loop, act] { act(loop); });
    }
  }

  bool wait_until_zero(const std::atomic<std::size_t>& count, Duration timeout) {
    std::unique_lock lock(state_->mutex);
    return state_->none_left.wait_for(lock, timeout, [&count] { return count == 0; });
  }

  const std::shared_ptr<ServerState> state_;
};

}  // namespace

std::size_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);  // the old limit stays when this fails
  }
  return file_limit();
}

Result<std::unique_ptr<Server>> Server::listen(Loops& loops, ServerOptions options, Handler handler,
                                               Log& log, Metrics& metrics) {
  const std::size_t files = file_limit();
  const std::size_t fitting = files > 2 * kReservedFiles ? (files - kReservedFiles) / 2 : files / 4;
  if (options.connections_max > fitting) {
    log.warning("http.fewer_connections",
                {{"server", fmt::format("{}:{}", options.address, options.port)},
                 {"wanted", fmt::format("{}", options.connections_max)},
                 {"admitted", fmt::format("{}", fitting)},
                 {"file_limit", fmt::format("{}", files)}});
    options.connections_max = fitting;
  }
  std::shared_ptr<TlsContext> tls;
  if (options.tls) {
    TRY(tls, TlsContext::server(*options.tls));
  }
  auto state = std::make_shared<ServerState>(std::move(options), std::move(handler), log, metrics);
  state->tls = std::move(tls);
  state->run_id = hex_encode(SystemRandom().bytes(kRunIdBytes));
  auto server = std::make_unique<ListeningServer>(std::move(state));
  TRY_VOID(server->start(loops));
  return server;
}

}  // namespace keyturn::http
