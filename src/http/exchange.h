// One request on a server connection: its body on demand, exactly one answer, and what carries on
// once an event has come. Lives from its head to its answer, parked or not.
#pragma once

#include "http/connection.h"

namespace keyturn::http {

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
  bool answered() const override { return answer_ != Answer::kNone; }
  Task<> start(ResponseHead head) override;
  Task<> write(std::string_view bytes) override;
  std::shared_ptr<Waker> waker() override;
  void park(Duration timeout, std::unique_ptr<Parked> rest) override;
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

  // Between the handler's return and `unpark` there is no head, no body and no answer.
  bool parked() const { return rest_ != nullptr; }
  Duration park_timeout() const { return park_timeout_; }
  bool take_wake();
  void pack();
  std::unique_ptr<Parked> unpark();

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
  RequestHead head_;  // empty while parked
  std::string packed_head_;
  BodyReader reader_;
  RequestBody body_;
  const std::string request_id_;
  std::shared_ptr<Parking> parking_;
  std::unique_ptr<Parked> rest_;
  Duration park_timeout_{};
  Answer answer_ = Answer::kNone;
  bool continue_owed_ = false;  // the client waits for 100 before it sends its body
  bool keep_alive_ = true;
  bool discard_ = false;  // the answer was started, and its body goes nowhere: HEAD, 204, 304
};

}  // namespace keyturn::http
