#include "http/client_pool.h"

#include <boost/asio/ip/tcp.hpp>

#include "base/bytes.h"
#include "http/client_request.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Below the keep-alive of the servers we know, so that they seldom close a connection as we use it.
constexpr Duration kIdleTimeout = std::chrono::seconds(15);
// Origins remembered per loop. An agent cannot name origins; this bounds a mistake.
constexpr std::size_t kOriginsMax = 256;
constexpr std::size_t kAddressesMax = 8;

}  // namespace

ClientPool::ClientPool(Executor executor, ClientOptions options, std::shared_ptr<TlsContext> tls)
    : executor_(std::move(executor)), options_(std::move(options)), tls_(std::move(tls)) {}

ClientPool::Idle& ClientPool::idle_of(const Origin& origin) {
  if (idle_.size() >= kOriginsMax && !idle_.contains(origin)) idle_.clear();
  return idle_[origin];
}

void ClientPool::give_back(std::unique_ptr<Upstream> upstream) {
  // More than the answer was sent: what follows would be read as the next answer.
  if (!upstream->buffer.empty() || !upstream->stream.is_quiet()) return;
  upstream->buffer.release();
  Idle& idle = idle_of(upstream->origin);
  if (upstream->stream.is_tls()) {
    if (TlsSession session = upstream->stream.session()) idle.session = std::move(session);
  }
  if (options_.idle_connections_max == 0) return;
  if (idle.connections.size() >= options_.idle_connections_max) {
    idle.connections.erase(idle.connections.begin());
  }
  upstream->stream.close_at(deadline_after(kIdleTimeout));
  upstream->reused = true;
  idle.connections.push_back(std::move(upstream));
}

Task<std::unique_ptr<Upstream>> ClientPool::acquire(Origin origin, Reuse reuse) {
  std::vector<std::unique_ptr<Upstream>>& idle = idle_of(origin).connections;
  while (reuse == Reuse::kAllowed && !idle.empty()) {
    std::unique_ptr<Upstream> upstream = std::move(idle.back());
    idle.pop_back();
    if (upstream->stream.is_quiet()) co_return upstream;
  }
  co_return co_await connect(std::move(origin));
}

Task<std::vector<Endpoint>> ClientPool::resolve(Origin origin, Instant deadline) {
  std::vector<Endpoint> endpoints;
  boost::system::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(origin.host, not_an_address);
  if (!not_an_address) {
    endpoints.emplace_back(address, origin.port);
    co_return endpoints;
  }
  // The system's resolver cannot be interrupted, only left behind.
  const auto resolver = std::make_shared<tcp::resolver>(executor_);
  std::function<void(Done<std::vector<Endpoint>>)> start =
      [resolver, &origin](Done<std::vector<Endpoint>> done) {
        resolver->async_resolve(
            origin.host, std::to_string(origin.port),
            [resolver, done = std::move(done), host = origin.host](
                const boost::system::error_code& error, const tcp::resolver::results_type& found) {
              if (error) {
                done(fail(Code::kUnavailable, "cannot resolve `{}`: {}", host, error.message()));
                return;
              }
              std::vector<Endpoint> list;
              for (const auto& entry : found) {
                if (list.size() < kAddressesMax) list.push_back(entry.endpoint());
              }
              done(std::move(list));
            });
      };
  const Duration left = deadline - SystemClock().monotonic();
  co_return co_await await_callback<std::vector<Endpoint>>(std::move(start), left);
}

Task<std::unique_ptr<Upstream>> ClientPool::connect(Origin origin) {
  const Instant deadline = deadline_after(options_.connect_timeout);
  CO_TRY(const std::vector<Endpoint> endpoints, co_await resolve(origin, deadline));
  auto upstream = std::make_unique<Upstream>(executor_, origin);
  Result<void> connected = fail(Code::kUnavailable, "no address");
  for (std::size_t i = 0; i < endpoints.size() && !connected; ++i) {
    // A silent address may take its share of the time only.
    const Duration left = deadline - SystemClock().monotonic();
    const Instant share = deadline_after(left / static_cast<int>(endpoints.size() - i));
    connected = co_await upstream->stream.connect(endpoints[i], share);
  }
  if (connected && origin.scheme == "https") {
    SSL_SESSION* session = idle_of(origin).session.get();
    connected = co_await upstream->stream.connect_tls(*tls_, origin.host, session, deadline);
  }
  if (!connected) {
    co_return fail(
        std::move(connected.error())
            .context(fmt::format("{}://{}:{}", origin.scheme, origin.host, origin.port)));
  }
  co_return upstream;
}

Task<std::unique_ptr<Upstream>> ClientPool::write_start(Request& request) {
  for (Reuse reuse = Reuse::kAllowed;; reuse = Reuse::kFresh) {
    CO_TRY(std::unique_ptr<Upstream> upstream, co_await acquire(request.origin, reuse));
    Stream& stream = upstream->stream;
    const std::uint64_t before = stream.bytes_written();
    const std::array<std::string_view, 4> pieces = request.first_pieces();
    // From here on TLS may have sent something even when it reports nothing.
    if (stream.is_tls()) request.sent = Sent::kMaybe;
    const Result<void> written =
        co_await stream.write(pieces, deadline_after(options_.body_timeout));
    const bool untouched = stream.bytes_written() == before && !stream.is_tls();
    if (!untouched) request.sent = Sent::kMaybe;
    if (written) co_return upstream;
    if (untouched && upstream->reused && reuse == Reuse::kAllowed) continue;
    if (untouched) co_return fail(written.error());
    request.write_error = written.error();
    co_return upstream;
  }
}

Task<> ClientPool::write_body(Request& request, Upstream& upstream) {
  while (!request.body_done) {
    CO_TRY_VOID(co_await request.read_piece());
    const std::array<std::string_view, 4> pieces = request.next_pieces();
    const Result<void> written =
        co_await upstream.stream.write(pieces, deadline_after(options_.body_timeout));
    if (!written) {
      request.write_error = written.error();
      co_return Result<void>();
    }
  }
  co_return Result<void>();
}

Task<ClientResponse> ClientPool::attempt(Request& request) {
  CO_TRY_VOID(request.check());
  if (request.origin.scheme == "https" && !tls_) {
    co_return fail(Code::kInternal, "this client was made without tls");
  }
  CO_TRY_VOID(co_await request.read_piece());
  request.render();
  CO_TRY(std::unique_ptr<Upstream> upstream, co_await write_start(request));
  if (!request.write_error) {
    const Result<void> sent = co_await write_body(request, *upstream);
    if (!sent) {
      upstream->stream.abort();  // upstream must not take the part it has for the whole
      co_return fail(sent.error());
    }
  }
  co_return co_await read_answer(request, std::move(upstream));
}

Task<ClientResponse> ClientPool::send(Origin origin, RequestHead head, Body& body,
                                      ClientFailure* failure) {
  Request request(std::move(origin), std::move(head), body);
  Result<ClientResponse> response = co_await attempt(request);
  if (!response && failure != nullptr) {
    failure->error = response.error();
    failure->sent = request.sent;
  }
  co_return response;
}

}  // namespace keyturn::http
