// One request on a server connection: its body on demand, exactly one answer, and a place to wait
// for an event. Lives in the frame of Connection::handle.
#pragma once

#include "http/connection.h"

namespace keyturn::http {

// Where a held request waits. Shared with wakers, which may outlive the request and its loop.
class Parking;

class ServerExchange final : public Exchange {
 public:
  ServerExchange(Connection& connection, RequestHead head, Framing framing);
  ~ServerExchange() override;

  const RequestHead& head() const override { return head_; }
  Body& body() override { return body_; }
  const std::string& request_id() const override { return request_id_; }
  const std::string& peer_address() const override { return connection_.peer_address(); }
  Task<> respond(ResponseHead head, std::string body) override;
  Task<> respond(ResponseHead head, Body& body) override;
  Task<> start(ResponseHead head) override;
  Task<> write(std::string_view bytes) override;
  std::shared_ptr<Waker> waker() override;
  Task<Woken> wait(Duration timeout) override;
  bool draining() const override { return connection_.state().draining; }

  enum class Outcome {
    kReusable,  // the next request may follow
    kDone,      // close
    kUnread,    // close, but the client may still be sending
    kBroken,    // the answer is incomplete: reset
  };
  // Completes the answer, or gives one for a handler that did not.
  Task<> complete(const Result<void>& handled);
  boost::asio::awaitable<Outcome> finish(const Result<void>& handled);
  void wake_for_drain();

 private:
  class RequestBody final : public Body {
   public:
    explicit RequestBody(ServerExchange& exchange) : exchange_(exchange) {}
    std::optional<std::uint64_t> length() const override;
    Task<std::size_t> read(std::span<char> into) override;

   private:
    ServerExchange& exchange_;
  };
  enum class Answer { kNone, kStreaming, kComplete, kBroken };
  // How the answer's body is delimited.
  struct Delimiter {
    enum class Kind { kNone, kLength, kChunked };
    Kind kind = Kind::kNone;
    std::optional<std::uint64_t> length;
  };

  Result<void> check_answer(const ResponseHead& head) const;
  bool is_bodiless(int status) const;
  bool may_reuse() const;
  std::string render(const ResponseHead& head, const Delimiter& delimiter);
  Task<> send(std::span<const std::string_view> pieces);
  Task<> send_last(std::string text);
  Task<> send_chunk(std::string_view head, std::string_view bytes);
  Task<> copy_body(Body& body, std::string head, std::span<char> buffer, std::size_t ready,
                   Delimiter delimiter);
  boost::asio::awaitable<bool> drain_body();

  Connection& connection_;
  const RequestHead head_;
  BodyReader reader_;
  RequestBody body_;
  const std::string request_id_;
  std::shared_ptr<Parking> parking_;
  Answer answer_ = Answer::kNone;
  bool continue_owed_ = false;  // the client waits for 100 before it sends its body
  bool keep_alive_ = true;
  bool discard_ = false;  // the answer was started, and its body goes nowhere: HEAD, 204, 304
};

}  // namespace keyturn::http
