// What the tests of this room share: a server on a free port, sockets that say exactly what they
// are told, and a way to run a task and wait for it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"

namespace keyturn::http {

// Long enough for a machine under sanitizers; a test that waits this long has failed.
inline constexpr auto kPatience = std::chrono::seconds(20);

// A blocking TCP socket on loopback. Every wait ends after kPatience.
class RawSocket {
 public:
  explicit RawSocket(int descriptor = -1) : descriptor_(descriptor) {}
  static RawSocket connect(std::uint16_t port);
  RawSocket(RawSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept;
  ~RawSocket() { close(); }

  // False when the peer has closed.
  bool send(std::string_view bytes);
  // Nothing more will be sent; the other direction stays open.
  void finish();
  // Until the bytes end with `end` or hold it, or the peer closes.
  std::string read_until(std::string_view end);
  std::string read_exactly(std::size_t count);
  // Everything until the peer closes or resets.
  std::string read_to_end();
  // Of the last read: the peer reset the connection.
  bool was_reset() const { return reset_; }
  void close();
  // Closes with a reset.
  void reset();
  int descriptor() const { return descriptor_; }

 private:
  bool fill();

  int descriptor_;
  std::string pending_;
  bool reset_ = false;
};

// Listens on loopback and lets the test play the server.
class RawListener {
 public:
  RawListener();
  ~RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  std::uint16_t port() const { return port_; }
  RawSocket accept();

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

// Loops, a server and what they need, in the order in which they must end.
class TestServer {
 public:
  explicit TestServer(Handler handler, ServerOptions options = {}, std::size_t loop_count = 2);
  ~TestServer();

  std::uint16_t port() const { return server->port(); }
  Origin origin() const { return {"http", "127.0.0.1", port()}; }
  RawSocket connect() const { return RawSocket::connect(port()); }
  // Sends the bytes on a connection of their own and reads until the server closes it.
  std::string talk(std::string_view bytes) const;

  MemoryLog log;
  Metrics metrics;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<Server> server;
};

struct Answer {
  ResponseHead head;
  std::string body;
};
// One request by the client, its answer read whole.
Task<Answer> ask(Client& client, Origin origin, RequestHead head, std::string body,
                 ClientFailure* failure = nullptr);
Result<Answer> ask_on(Loops& loops, Client& client, Origin origin, RequestHead head,
                      std::string body, ClientFailure* failure = nullptr);

// Answers with method, target, and the body's size and text.
Task<> echo(Exchange& exchange);

// The body of a chunked answer, framing taken off; fails the test when it is malformed.
std::string decode_chunks(std::string_view text);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// Peak and present resident memory of this process, in bytes.
std::size_t peak_memory();
std::size_t present_memory();
void reset_peak_memory();

namespace internal {
template <class T>
Task<> deliver(std::function<Task<T>()> task, std::shared_ptr<std::promise<Result<T>>> promise) {
  Result<T> result = co_await task();
  promise->set_value(std::move(result));
  co_return Result<void>();
}
}  // namespace internal

// Runs a task on a loop and waits for its result.
template <class T>
Result<T> run_on(Loops& loops, std::size_t index, std::function<Task<T>()> task) {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  loops.spawn(index, [task, promise] { return internal::deliver<T>(task, promise); });
  return future.get();
}

}  // namespace keyturn::http
