// What all connections of one server share. Connections hold it by shared_ptr, because a coroutine
// that is still suspended when the loops end is destroyed with them, after the server. Its parts
// are immutable or atomic, but for the per-loop parts, which only their loop touches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "http/stream.h"

namespace keyturn::http {

class Connection;
class ParkingLot;

struct ServerMetrics {
  explicit ServerMetrics(Metrics& metrics);
  Gauge& connections;
  Gauge& held;
  Counter& accepted;
  Counter& refused_connections;
  Counter& refused_heads;
  std::array<Counter*, 5> responses;  // by the first digit of the status
  Counter& bytes_in;                  // of bodies
  Counter& bytes_out;
};

struct LoopState {
  explicit LoopState(Executor loop) : executor(std::move(loop)) {}
  Executor executor;
  // In the frame of the accepting coroutine while that runs.
  boost::asio::ip::tcp::acceptor* acceptor = nullptr;
  std::unordered_set<Connection*> connections;
  // Alive while a request of this loop is parked.
  std::weak_ptr<ParkingLot> lot;
  std::uint64_t requests = 0;
  std::size_t index = 0;
  Time date_second{};  // what `date` says
  std::string date;
};

struct ServerState {
  ServerState(ServerOptions server_options, Handler server_handler, Log& server_log,
              Metrics& server_metrics)
      : options(std::move(server_options)),
        handler(std::move(server_handler)),
        log(server_log),
        metrics(server_metrics) {}

  const ServerOptions options;
  const Handler handler;
  Log& log;
  ServerMetrics metrics;
  std::shared_ptr<TlsContext> tls;  // null for plain TCP
  std::string run_id;               // random: request ids differ between runs
  std::uint16_t port = 0;
  std::atomic<bool> draining{false};
  // Open connections, and loops that accept more; `none_left` is notified when either falls to
  // zero.
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> listening{0};
  std::mutex mutex;
  std::condition_variable none_left;
  std::vector<std::unique_ptr<LoopState>> loops;

  std::string next_request_id(LoopState& loop) const;
  // The Date field, rendered once a second.
  const std::string& date(LoopState& loop) const;
  void count_response(int status);
  // Reserves one of connections_max; false when none is left.
  bool admit();
  void leave();
  void stop_listening();
};

}  // namespace keyturn::http
