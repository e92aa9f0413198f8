// One TCP connection, plain or under TLS, whose every operation has a deadline. Belongs to one
// loop. An operation that runs out of time is kTimeout; a peer that is gone is kUnavailable. After
// either the stream is good for closing only. At most one operation at a time, `watch_peer` apart.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/tls.h"

namespace keyturn::http {

using Socket = boost::asio::ip::tcp::socket;
using Endpoint = boost::asio::ip::tcp::endpoint;

// That long from now on the machine's monotonic clock, which also drives the loops' timers.
Instant deadline_after(Duration duration);

class Stream {
 public:
  // More pieces than this do not go into one write.
  static constexpr std::size_t kPiecesMax = 4;

  explicit Stream(Socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Opens a socket of the endpoint's family and connects it.
  Task<> connect(Endpoint endpoint, Instant deadline);
  Task<> accept_tls(const TlsContext& context, Instant deadline);
  // Verifies the peer's certificate chain and that it is for `host`, a name or an address.
  // `session` may be null.
  Task<> connect_tls(const TlsContext& context, std::string host, SSL_SESSION* session,
                     Instant deadline);
  // Null without TLS or when there is nothing to resume.
  TlsSession session() const;
  bool resumed() const;

  // At least one byte, or 0 when the peer has ended its side.
  Task<std::size_t> read_some(std::span<char> into, Instant deadline);
  // All pieces, in order.
  Task<> write(std::span<const std::string_view> pieces, Instant deadline);
  // Bytes of plaintext handed to the kernel (or TLS) so far.
  std::uint64_t bytes_written() const { return bytes_written_; }

  // Says goodbye in both layers, as far as the deadline allows.
  Task<> shut_down(Instant deadline);
  void close();
  // Closes so that the peer sees a reset and cannot take what it has for complete.
  void abort();

  // For a connection between two requests: the peer has neither left nor said anything.
  bool is_quiet();
  // The peer has closed its side or the connection is broken, whatever data may still wait.
  bool peer_left();
  bool is_tls() const { return tls_ != nullptr; }
  Socket& socket() { return socket_; }
  // Nothing will be read or written for long: lets go of what only a deadline needs.
  void rest();
  // Ends the connection if it is not used until then: nothing else runs on an idle stream.
  void close_at(Instant deadline);

 private:
  struct Tls;
  class Watchdog;

  Task<> handshake(Instant deadline);
  Watchdog& watchdog();
  Error failure(const boost::system::error_code& error, std::string_view doing) const;

  Socket socket_;
  std::unique_ptr<Tls> tls_;
  // Made when first needed. Shared with its own timer handler, which may run once more after the
  // stream is gone.
  std::shared_ptr<Watchdog> watchdog_;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace keyturn::http
