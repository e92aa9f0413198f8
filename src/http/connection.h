// One client connection: reads heads, refuses what may not be read two ways, runs the handler for
// one request after the other, and closes so that the last answer arrives. Held by its coroutine,
// or by the parking lot of its loop while its request is parked and no coroutine runs.
#pragma once

#include "http/body_reader.h"
#include "http/parking.h"
#include "http/server_state.h"

namespace keyturn::http {

class ServerExchange;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerState> state, LoopState& loop, Socket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves until the connection is closed. Errors are the client's business and not reported.
  void start();
  // Whether a parked request has to go on.
  void look();
  // The server is draining: an idle connection closes, a held request wakes.
  void begin_drain();
  // Cuts the connection; what runs on it fails soon.
  void cut();

  Stream& stream() { return stream_; }
  ReadBuffer& buffer() { return buffer_; }
  ServerState& state() { return *state_; }
  LoopState& loop() { return loop_; }
  const std::string& peer_address() const { return peer_; }

 private:
  enum class After { kNextRequest, kClose, kLinger, kPark };
  struct Refusal {
    int status = 0;  // 0: close without a word
    std::string message;
  };
  using Head = tl::expected<std::size_t, Refusal>;

  static Task<> run_held(std::shared_ptr<Connection> connection);
  Task<> run();
  boost::asio::awaitable<After> carry_on();
  boost::asio::awaitable<After> settle(Result<void> handled);
  void park();
  void unpark(Exchange::Woken woken);
  void watch();
  boost::asio::awaitable<Head> read_head();
  boost::asio::awaitable<After> serve(std::size_t head_bytes);
  boost::asio::awaitable<After> refuse(Refusal refusal);
  boost::asio::awaitable<After> handle(ParsedRequest request, Framing framing);
  boost::asio::awaitable<void> linger();

  const std::shared_ptr<ServerState> state_;
  LoopState& loop_;
  Stream stream_;
  ReadBuffer buffer_;
  std::string peer_;
  std::unique_ptr<ServerExchange> exchange_;  // from a head to its answer
  std::optional<ParkingLot::Place> place_;    // while the request is parked
  Instant parked_until_;
  Exchange::Woken woken_ = Exchange::Woken::kEvent;
  bool watching_ = false;  // for the client to leave
  bool readable_ = false;  // the client has sent more than its request
  bool idle_ = false;      // nothing of a next request has come
  bool first_ = true;
};

}  // namespace keyturn::http
