#include "http/stream.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace keyturn::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// An operation that was between two steps when it was cancelled is cancelled again after this time.
constexpr auto kCancelAgain = std::chrono::milliseconds(50);

}  // namespace

Instant deadline_after(Duration duration) { return SystemClock().monotonic() + duration; }

// One timer per stream, armed lazily: most operations end long before it fires, and moving a
// deadline later costs nothing.
class Stream::Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  enum class Then { kCancel, kClose };

  explicit Watchdog(Socket& socket) : socket_(&socket), timer_(socket.get_executor()) {}

  void arm(Instant deadline, Then then) {
    deadline_ = deadline;
    then_ = then;
    fired_ = false;
    if (!waiting_ || deadline < armed_for_) wait(deadline);
  }
  void disarm() { deadline_.reset(); }
  bool fired() const { return fired_; }
  // The stream is going away.
  void release() {
    socket_ = nullptr;
    timer_.cancel();
  }

 private:
  void wait(Instant until) {
    const Duration left = until - SystemClock().monotonic();
    armed_for_ = until;
    waiting_ = true;
    const std::uint64_t turn = ++turn_;
    timer_.expires_after(std::max(left, Duration(0)));
    timer_.async_wait([self = shared_from_this(), turn](const error_code&) {
      if (self->socket_ != nullptr && turn == self->turn_) self->on_timer();
    });
  }

  void on_timer() {
    waiting_ = false;
    if (!deadline_) return;
    const Instant now = SystemClock().monotonic();
    if (now < *deadline_) return wait(*deadline_);
    fired_ = true;
    error_code ignored;
    if (then_ == Then::kClose) {
      socket_->close(ignored);
      return;
    }
    socket_->cancel(ignored);
    wait(now + kCancelAgain);
  }

  Socket* socket_;
  asio::steady_timer timer_;
  std::optional<Instant> deadline_;
  Instant armed_for_;
  std::uint64_t turn_ = 0;  // tells a handler whose wait was replaced
  Then then_ = Then::kCancel;
  bool waiting_ = false;
  bool fired_ = false;
};

struct Stream::Tls {
  Tls(Socket& socket, SSL_CTX* context) : stream(socket, make(context)) {}
  // Asio takes the SSL over and frees it.
  static SSL* make(SSL_CTX* context) {
    SSL* ssl = SSL_new(context);
    CHECK(ssl != nullptr);
    return ssl;
  }
  asio::ssl::stream<Socket&> stream;
};

Stream::Stream(Socket socket) : socket_(std::move(socket)) {}

Stream::~Stream() {
  rest();
  // OpenSSL forgets a session whose connection ends without a goodbye; ours end whenever they are
  // done.
  if (tls_)
    SSL_set_shutdown(tls_->stream.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Stream::Watchdog& Stream::watchdog() {
  if (!watchdog_) watchdog_ = std::make_shared<Watchdog>(socket_);
  return *watchdog_;
}

void Stream::rest() {
  if (watchdog_) watchdog_->release();
  watchdog_.reset();
}

Error Stream::failure(const error_code& error, std::string_view doing) const {
  if (watchdog_->fired()) {
    return Error{Code::kTimeout, fmt::format("{}: the peer took too long", doing)};
  }
  return Error{Code::kUnavailable, fmt::format("{}: {}", doing, error.message())};
}

Task<> Stream::connect(Endpoint endpoint, Instant deadline) {
  error_code error;
  socket_.close(error);
  watchdog().arm(deadline, Watchdog::Then::kCancel);
  error.clear();
  co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  watchdog_->disarm();
  if (error) co_return fail(failure(error, "connect"));
  error_code ignored;  // a slower connection still works
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return Result<void>();
}

Task<> Stream::handshake(Instant deadline) {
  const bool server = SSL_is_server(tls_->stream.native_handle()) == 1;
  error_code error;
  watchdog().arm(deadline, Watchdog::Then::kCancel);
  co_await tls_->stream.async_handshake(
      server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
      asio::redirect_error(asio::use_awaitable, error));
  watchdog_->disarm();
  if (!error) co_return Result<void>();
  const long verdict = SSL_get_verify_result(tls_->stream.native_handle());
  if (!server && verdict != X509_V_OK) {
    co_return fail(Code::kUnavailable, "tls: the certificate is not accepted: {}",
                   X509_verify_cert_error_string(verdict));
  }
  co_return fail(failure(error, "tls handshake"));
}

Task<> Stream::accept_tls(const TlsContext& context, Instant deadline) {
  tls_ = std::make_unique<Tls>(socket_, context.native());
  SSL_set_accept_state(tls_->stream.native_handle());
  co_return co_await handshake(deadline);
}

Task<> Stream::connect_tls(const TlsContext& context, std::string host, SSL_SESSION* session,
                           Instant deadline) {
  tls_ = std::make_unique<Tls>(socket_, context.native());
  SSL* ssl = tls_->stream.native_handle();
  SSL_set_connect_state(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  bool prepared = true;
  if (not_an_address) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    prepared =
        SSL_set1_host(ssl, host.c_str()) == 1 &&
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
  } else {
    prepared = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  if (!prepared) co_return fail(Code::kInvalid, "tls: `{}` cannot be verified", host);
  if (session != nullptr) SSL_set_session(ssl, session);
  co_return co_await handshake(deadline);
}

TlsSession Stream::session() const {
  if (!tls_) return nullptr;
  TlsSession session(SSL_get1_session(tls_->stream.native_handle()));
  if (session && SSL_SESSION_is_resumable(session.get()) != 1) session.reset();
  return session;
}

bool Stream::resumed() const {
  return tls_ && SSL_session_reused(tls_->stream.native_handle()) == 1;
}

Task<std::size_t> Stream::read_some(std::span<char> into, Instant deadline) {
  const asio::mutable_buffer buffer(into.data(), into.size());
  error_code error;
  std::size_t count = 0;
  watchdog().arm(deadline, Watchdog::Then::kCancel);
  if (tls_) {
    count = co_await tls_->stream.async_read_some(buffer,
                                                  asio::redirect_error(asio::use_awaitable, error));
  } else {
    count =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  watchdog_->disarm();
  if (error == asio::error::eof) co_return std::size_t{0};
  // A TLS connection cut without close_notify is an error here: anyone could have cut it.
  if (error) co_return fail(failure(error, "read"));
  co_return count;
}

Task<> Stream::write(std::span<const std::string_view> pieces, Instant deadline) {
  CHECK(pieces.size() <= kPiecesMax);
  std::array<asio::const_buffer, kPiecesMax> buffers;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    buffers[i] = asio::const_buffer(pieces[i].data(), pieces[i].size());
  }
  error_code error;
  std::size_t count = 0;
  watchdog().arm(deadline, Watchdog::Then::kCancel);
  if (tls_) {
    count = co_await asio::async_write(tls_->stream, buffers,
                                       asio::redirect_error(asio::use_awaitable, error));
  } else {
    count = co_await asio::async_write(socket_, buffers,
                                       asio::redirect_error(asio::use_awaitable, error));
  }
  watchdog_->disarm();
  bytes_written_ += count;
  if (error) co_return fail(failure(error, "write"));
  co_return Result<void>();
}

Task<> Stream::shut_down(Instant deadline) {
  error_code error;
  if (tls_) {
    watchdog().arm(deadline, Watchdog::Then::kCancel);
    co_await tls_->stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    watchdog_->disarm();
  }
  socket_.shutdown(asio::socket_base::shutdown_send, error);
  co_return Result<void>();
}

void Stream::close() {
  error_code ignored;
  socket_.close(ignored);
}

void Stream::abort() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

bool Stream::is_quiet() {
  if (!socket_.is_open()) return false;
  pollfd descriptor{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&descriptor, 1, 0) == 0;
}

bool Stream::peer_left() {
  if (!socket_.is_open()) return true;
  pollfd descriptor{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&descriptor, 1, 0) > 0;
}

void Stream::close_at(Instant deadline) { watchdog().arm(deadline, Watchdog::Then::kClose); }

}  // namespace keyturn::http
