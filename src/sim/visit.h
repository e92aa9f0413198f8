// One request as a server's handlers see it, just inside the http room: head and body come from the
// simulated client, the answer is kept. The client may leave at any moment. Lives until the handler
// has returned or its server has died.
#pragma once

#include <memory>
#include <string>

#include "http/http.h"

namespace keyturn::sim {

// What the client got. Status 0: the connection ended without a whole answer.
struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;
};

class Visit final : public http::Exchange {
 public:
  Visit(http::RequestHead head, std::string body, std::string request_id, http::Executor executor);
  ~Visit() override;

  const http::RequestHead& head() const override { return head_; }
  http::Body& body() override { return body_; }
  const std::string& request_id() const override { return request_id_; }
  const std::string& peer_address() const override { return peer_; }
  http::Task<> respond(http::ResponseHead head, std::string body) override;
  http::Task<> respond(http::ResponseHead head, http::Body& body) override;
  bool answered() const override { return answered_; }
  http::Task<> start(http::ResponseHead head) override;
  http::Task<> write(std::string_view bytes) override;
  std::shared_ptr<Waker> waker() override;
  void park(Duration timeout, std::unique_ptr<Parked> rest) override;
  bool draining() const override { return draining_; }

  // What the handler left to be done once it waits no more, and all that leaves in turn.
  http::Task<> run_parked();

  // The client closes its connection: what waits for it is woken, what writes to it fails.
  void leave();
  bool client_left() const { return left_; }
  // The server is to stop: who waits answers now.
  void drain();
  // Whether it waits for reviewers.
  bool waiting() const { return waiting_; }
  const Reply& reply() const { return reply_; }

 private:
  class Parking;
  http::Task<Woken> wait(Duration timeout);
  // The request's body, unless the client has left before it was read.
  class Upload final : public http::Body {
   public:
    Upload(Visit& visit, std::string text) : visit_(visit), text_(std::move(text)) {}
    std::optional<std::uint64_t> length() const override { return text_.length(); }
    http::Task<std::size_t> read(std::span<char> into) override;

   private:
    Visit& visit_;
    http::StringBody text_;
  };

  const http::RequestHead head_;
  Upload body_;
  const std::string request_id_;
  const std::string peer_ = "127.0.0.1";
  const std::shared_ptr<Parking> parking_;
  bool left_ = false;
  bool draining_ = false;
  bool answered_ = false;
  bool waiting_ = false;
  Duration park_timeout_{};
  std::unique_ptr<Parked> rest_;
  Reply reply_;
};

}  // namespace keyturn::sim
