// HTTP/1.1 at the edge: a server with strict framing, a pooled client, streaming bodies, TLS. The
// only room that includes Beast. Everything here belongs to one event loop; Loops and Server own
// the threads. A connection never changes loop. Every wait has a deadline; running out of it is
// kTimeout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "http/message.h"
#include "http/task.h"

namespace keyturn::http {

// One request on the server and the way to answer it. Lives until the handler returns, and what it
// parked.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const RequestHead& head() const = 0;
  virtual Body& body() = 0;
  // Unique in this process and across restarts; also sent back in `x-keyturn-request-id`.
  virtual const std::string& request_id() const = 0;
  virtual const std::string& peer_address() const = 0;
  // Exactly one answer. Content-Length or chunked framing is set here, whatever `head` says of it,
  // and hop-by-hop fields are dropped. A body that fails before its first byte leaves the request
  // unanswered, so that the handler can say so; one that fails later resets the connection. A
  // handler that fails, or returns without an answer, has a 500 sent for it.
  virtual Task<> respond(ResponseHead head, std::string body) = 0;
  virtual Task<> respond(ResponseHead head, Body& body) = 0;
  // An answer has begun, so that no other can be given.
  virtual bool answered() const = 0;
  // Starts an answer whose body the handler writes piece by piece, as server-sent events do.
  virtual Task<> start(ResponseHead head) = 0;
  virtual Task<> write(std::string_view bytes) = 0;
  // Leaves the request unanswered for now. After it the handler returns, so that nothing stays of
  // the request but the connection, its head, packed, and `rest`: thousands may be parked. `rest`
  // carries on, on the same loop, once `wake` has been called (from any thread, also before and
  // after the request), `timeout` has passed or the client has left. kEvent also when the server
  // drains: ask draining(). What was taken by reference from head() is void then.
  enum class Woken { kEvent, kTimeout, kClientGone };
  class Waker {
   public:
    virtual ~Waker() = default;
    virtual void wake() = 0;
  };
  class Parked {
   public:
    virtual ~Parked() = default;
    // Once, in the handler's place; may park again. Lives until it has ended.
    virtual Task<> resume(Exchange& exchange, Woken woken) = 0;
  };
  virtual std::shared_ptr<Waker> waker() = 0;
  virtual void park(Duration timeout, std::unique_ptr<Parked> rest) = 0;
  // The server is draining: answer soon.
  virtual bool draining() const = 0;
};

using Handler = std::function<Task<>(Exchange&)>;

// One io_context and one thread per core. Outlives the servers and clients made on it. Destroying
// it destroys the tasks that are still suspended, so what they refer to must live until stop() at
// least.
class Loops {
 public:
  virtual ~Loops() = default;
  static Result<std::unique_ptr<Loops>> start(std::size_t count, Log& log);
  virtual std::size_t size() const = 0;
  virtual Executor executor(std::size_t index) = 0;
  // Runs a task on a loop; its error is logged as a warning.
  virtual void spawn(std::size_t index, std::function<Task<>()> task) = 0;
  // Ends every loop after its current handler and joins the threads.
  virtual void stop() = 0;
};

// Paths of PEM files.
struct TlsFiles {
  std::string certificate_chain;
  std::string private_key;
};

// Raises this process's limit of open files to what the system allows and returns it. A server
// admits no more connections than fit in it, each with one upstream connection.
std::size_t raise_file_limit();

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free port
  std::optional<TlsFiles> tls;
  std::size_t head_bytes_max = 64U << 10U;  // DESIGN
  std::size_t connections_max = 20'000;     // fits a file limit of 65,536 with upstream pairs
  Duration head_timeout = std::chrono::seconds(15);
  Duration idle_timeout = std::chrono::seconds(75);  // above the 60 s keep-alive of SDK pools
  Duration body_timeout = std::chrono::seconds(60);  // between two reads or writes
  std::string server_name = "keyturn";
};

class Server {
 public:
  virtual ~Server() = default;
  // Listens on every loop (SO_REUSEPORT). kUnavailable names address and port.
  static Result<std::unique_ptr<Server>> listen(Loops& loops, ServerOptions options,
                                                Handler handler, Log& log, Metrics& metrics);
  virtual std::uint16_t port() const = 0;
  // Stops accepting, wakes held requests, waits for running ones until `timeout`, then cuts them.
  // Blocks; not to be called on a loop. A handler that waits for something else may run on for as
  // long as that takes: stop the loops before destroying what handlers use.
  virtual void drain(Duration timeout) = 0;
};

struct Origin {
  std::string scheme = "https";  // or http
  std::string host;
  std::uint16_t port = 443;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};
// `http://host:port` or `https://host`, no path. Errors: kInvalid.
Result<Origin> parse_origin(std::string_view url);

struct ClientOptions {
  std::size_t idle_connections_max = 64;  // per loop and origin
  Duration connect_timeout = std::chrono::seconds(5);
  Duration response_timeout = std::chrono::seconds(60);  // until the response head
  Duration body_timeout = std::chrono::seconds(60);      // between two reads or writes
  std::size_t head_bytes_max = 64U << 10U;
  std::string ca_file;  // empty: the system's
};

struct ClientResponse {
  ResponseHead head;
  std::unique_ptr<Body> body;  // read to its end to give the connection back to the pool
};

// Whether any byte of the request may have reached the server when it failed.
enum class Sent { kNo, kMaybe };
struct ClientFailure {
  Error error;
  Sent sent = Sent::kNo;
};

// Pooled keep-alive connections, one pool per loop. Never retries by itself, except that an idle
// connection found closed before the first byte of a bodiless or rewound request was written is
// replaced.
class Client {
 public:
  virtual ~Client() = default;
  static Result<std::unique_ptr<Client>> create(Loops& loops, ClientOptions options, Log& log);
  // Must be called on one of the loops. Host and framing fields are set here; hop-by-hop fields of
  // `head` (RFC 9110 section 7.6.1) are dropped. A body that fails aborts the connection, so that
  // upstream never sees a complete request. On failure, `failure` (when given) says whether the
  // request may have left.
  virtual Task<ClientResponse> send(Origin origin, RequestHead head, Body& body,
                                    ClientFailure* failure = nullptr) = 0;
};

// A blocking request for command-line use. kUnavailable when nothing listens there.
struct SimpleResponse {
  int status = 0;
  Headers headers;
  std::string body;
};
Result<SimpleResponse> fetch(Origin origin, RequestHead head, std::string body, Duration timeout);

}  // namespace keyturn::http
