#include "http/connection.h"

#include <boost/asio/co_spawn.hpp>

#include "base/bytes.h"
#include "http/exchange.h"
#include "http/head_parser.h"
#include "http/head_writer.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;

constexpr Duration kShutDownTimeout = std::chrono::seconds(2);
// How much of what a client still sends is read so that our last answer is not lost in a reset.
constexpr std::size_t kLingerBytesMax = 1U << 20U;
constexpr std::size_t kReadBytes = 4U << 10U;
// A client that has sent more than its request makes the socket readable all the time; then whether
// it left is looked up this often instead.
constexpr Duration kLookAgain = std::chrono::seconds(1);

std::string address_of(Socket& socket) {
  boost::system::error_code error;
  const Endpoint endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : endpoint.address().to_string();
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state, LoopState& loop, Socket socket)
    : state_(std::move(state)), loop_(loop), stream_(std::move(socket)) {
  peer_ = address_of(stream_.socket());
  loop_.connections.insert(this);
  state_->metrics.connections.add(1);
  state_->metrics.accepted.add();
}

Connection::~Connection() {
  if (place_) state_->metrics.held.add(-1);
  exchange_.reset();
  loop_.connections.erase(this);
  state_->metrics.connections.add(-1);
  stream_.close();
  state_->leave();
}

void Connection::begin_drain() {
  if (exchange_ != nullptr) {
    exchange_->wake_for_drain();
  } else if (idle_) {
    stream_.close();
  }
}

void Connection::cut() {
  stream_.abort();
  if (exchange_ != nullptr) exchange_->wake_for_drain();
}

Task<> Connection::run_held(std::shared_ptr<Connection> connection) {
  co_return co_await connection->run();
}

void Connection::start() {
  Task<> running = run_held(shared_from_this());
  asio::co_spawn(loop_.executor, std::move(running),
                 [state = state_](std::exception_ptr thrown, const Result<void>&) {
                   if (thrown) state->log.error("http.connection_threw");
                 });
}

Task<> Connection::run() {
  After after = After::kNextRequest;
  if (exchange_ != nullptr) {
    after = co_await carry_on();
  } else if (state_->tls) {
    CO_TRY_VOID(
        co_await stream_.accept_tls(*state_->tls, deadline_after(state_->options.head_timeout)));
  }
  while (after == After::kNextRequest) {
    Head head = co_await read_head();
    if (head) {
      after = co_await serve(*head);
    } else {
      after = co_await refuse(std::move(head.error()));
    }
    first_ = false;
  }
  if (after == After::kPark) {
    park();
    co_return Result<void>();
  }
  if (after == After::kLinger) co_await linger();
  if (after == After::kClose && stream_.is_tls() && stream_.socket().is_open()) {
    co_await stream_.shut_down(deadline_after(kShutDownTimeout));
  }
  stream_.close();
  co_return Result<void>();
}

asio::awaitable<Connection::Head> Connection::read_head() {
  const ServerOptions& options = state_->options;
  // A new connection must speak at once; an old one may rest between requests.
  Instant deadline =
      deadline_after(first_ || !buffer_.empty() ? options.head_timeout : options.idle_timeout);
  std::size_t scanned = 0;
  while (true) {
    const std::string_view bytes = buffer_.view();
    const HeadEnd end = find_head_end(bytes, scanned);
    if (end.kind == HeadEnd::Kind::kBad) {
      co_return tl::unexpected(Refusal{400, "a line of the head does not end in CRLF"});
    }
    const std::size_t known = end.kind == HeadEnd::Kind::kFound ? end.size : bytes.size();
    if (known > options.head_bytes_max) {
      co_return tl::unexpected(
          Refusal{431, fmt::format("the head is over {} bytes", options.head_bytes_max)});
    }
    if (end.kind == HeadEnd::Kind::kFound) co_return end.size;
    scanned = bytes.size();
    idle_ = bytes.empty();
    if (idle_ && state_->draining) co_return tl::unexpected(Refusal{});
    const bool was_idle = idle_;
    std::span<char> room = buffer_.prepare(kReadBytes);
    const Result<std::size_t> count = co_await stream_.read_some(room, deadline);
    idle_ = false;
    if (!count && count.error().code == Code::kTimeout && !was_idle) {
      co_return tl::unexpected(Refusal{408, "the head took too long"});
    }
    if (!count || *count == 0) co_return tl::unexpected(Refusal{});
    buffer_.commit(*count);
    if (was_idle && !first_) deadline = deadline_after(options.head_timeout);
  }
}

asio::awaitable<Connection::After> Connection::refuse(Refusal refusal) {
  if (refusal.status == 0) co_return After::kClose;
  state_->metrics.refused_heads.add();
  state_->count_response(refusal.status);
  const std::string id = state_->next_request_id(loop_);
  state_->log.info("http.refused", {{"request", id},
                                    {"peer", peer_},
                                    {"status", fmt::format("{}", refusal.status)},
                                    {"reason", refusal.message}});
  const std::string body = refusal.message + "\n";
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\n", refusal.status, reason_phrase(refusal.status));
  append_field(text, "date", state_->date(loop_));
  append_field(text, "server", state_->options.server_name);
  append_field(text, "x-keyturn-request-id", id);
  append_field(text, "content-type", "text/plain; charset=utf-8");
  append_field(text, "content-length", fmt::format("{}", body.size()));
  append_field(text, "connection", "close");
  text.append("\r\n").append(body);
  const std::array<std::string_view, 1> pieces = {text};
  const Result<void> written =
      co_await stream_.write(pieces, deadline_after(state_->options.body_timeout));
  co_return written ? After::kLinger : After::kClose;
}

asio::awaitable<Connection::After> Connection::serve(std::size_t head_bytes) {
  const std::string_view bytes = buffer_.view().substr(0, head_bytes);
  Result<void> sound = check_head_bytes(bytes);
  Result<ParsedRequest> request =
      sound ? parse_request_head(bytes) : Result<ParsedRequest>(fail(sound.error()));
  Result<Framing> framing =
      request ? check_framing(*request) : Result<Framing>(fail(request.error()));
  if (!framing) {
    Refusal refusal{400, std::move(framing.error().message)};
    co_return co_await refuse(std::move(refusal));
  }
  buffer_.consume(head_bytes);
  const Headers& headers = request->head.headers;
  const std::size_t expectations = headers.count("expect");
  if (expectations > 1 ||
      (expectations == 1 && !equal_ignoring_case(*headers.find("expect"), "100-continue"))) {
    Refusal refusal{417, "the only expectation met here is `100-continue`"};
    co_return co_await refuse(std::move(refusal));
  }
  co_return co_await handle(std::move(*request), *framing);
}

asio::awaitable<Connection::After> Connection::handle(ParsedRequest request, Framing framing) {
  exchange_ = std::make_unique<ServerExchange>(*this, std::move(request.head), framing);
  Result<void> handled = co_await state_->handler(*exchange_);
  co_return co_await settle(std::move(handled));
}

asio::awaitable<Connection::After> Connection::carry_on() {
  const std::unique_ptr<Exchange::Parked> rest = exchange_->unpark();
  Result<void> handled = co_await rest->resume(*exchange_, woken_);
  co_return co_await settle(std::move(handled));
}

asio::awaitable<Connection::After> Connection::settle(Result<void> handled) {
  if (handled && exchange_->parked()) co_return After::kPark;
  const ServerExchange::Outcome outcome = co_await exchange_->finish(handled);
  exchange_.reset();
  switch (outcome) {
    case ServerExchange::Outcome::kReusable:
      if (buffer_.empty()) buffer_.release();
      co_return After::kNextRequest;
    case ServerExchange::Outcome::kDone:
      co_return After::kClose;
    case ServerExchange::Outcome::kUnread:
      co_return After::kLinger;
    case ServerExchange::Outcome::kBroken:
      break;
  }
  stream_.abort();
  co_return After::kClose;
}

// The coroutine that calls it ends right after.
void Connection::park() {
  buffer_.release();
  stream_.rest();
  exchange_->pack();
  state_->metrics.held.add(1);
  parked_until_ = deadline_after(exchange_->park_timeout());
  std::shared_ptr<ParkingLot> lot = loop_.lot.lock();
  if (!lot) {
    lot = std::make_shared<ParkingLot>(loop_.executor);
    loop_.lot = lot;
  }
  place_ = lot->enter(parked_until_, shared_from_this());
  readable_ = false;
  if (state_->draining) return unpark(Exchange::Woken::kEvent);
  watch();
  look();
}

void Connection::look() {
  if (!place_) return;
  if (exchange_->take_wake()) return unpark(Exchange::Woken::kEvent);
  if (stream_.peer_left()) return unpark(Exchange::Woken::kClientGone);
  const Instant now = SystemClock().monotonic();
  if (now >= parked_until_) return unpark(Exchange::Woken::kTimeout);
  if (!readable_) return;
  const std::shared_ptr<ParkingLot> lot = loop_.lot.lock();
  std::shared_ptr<Connection> self = lot->leave(*place_);
  place_ = lot->enter(std::min(parked_until_, now + kLookAgain), std::move(self));
}

void Connection::watch() {
  watching_ = true;
  stream_.socket().async_wait(asio::socket_base::wait_read,
                              [self = shared_from_this()](const boost::system::error_code& error) {
                                self->watching_ = false;
                                if (error == asio::error::operation_aborted) return;
                                self->readable_ = true;
                                self->look();
                              });
}

void Connection::unpark(Exchange::Woken woken) {
  const std::shared_ptr<Connection> self = loop_.lot.lock()->leave(*place_);
  place_.reset();
  state_->metrics.held.add(-1);
  woken_ = woken;
  if (watching_) {
    boost::system::error_code ignored;
    stream_.socket().cancel(ignored);
  }
  start();
}

asio::awaitable<void> Connection::linger() {
  const Instant deadline = deadline_after(kShutDownTimeout);
  buffer_.consume(buffer_.view().size());
  if (stream_.is_tls()) {
    // After close_notify OpenSSL reads no more; what matters is that the answer was sent before.
    co_await stream_.shut_down(deadline);
    co_return;
  }
  co_await stream_.shut_down(deadline);
  std::size_t total = 0;
  while (total < kLingerBytesMax) {
    std::span<char> room = buffer_.prepare(kReadBytes);
    const Result<std::size_t> count = co_await stream_.read_some(room, deadline);
    if (!count || *count == 0) co_return;
    total += *count;
  }
}

}  // namespace keyturn::http
