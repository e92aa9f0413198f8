// One request on its way upstream: its head as text, and its body piece by piece. The first piece
// is read before anything is sent, so that a body that fails at once has sent nothing.
#pragma once

#include "http/body_reader.h"

namespace keyturn::http {

struct ClientRequest {
  ClientRequest(Origin to, RequestHead request_head, Body& request_body)
      : origin(std::move(to)), head(std::move(request_head)), body(request_body) {}

  // kInvalid: a head that could not be sent as one.
  Result<void> check() const;
  void render();
  // Takes the next piece of the body; sets body_done once the whole body is in pieces.
  Task<> read_piece();
  // What to write first: the head and the first piece; then piece after piece, framed.
  std::array<std::string_view, 4> first_pieces();
  std::array<std::string_view, 4> next_pieces();

  const Origin origin;
  const RequestHead head;
  Body& body;
  Sent sent = Sent::kNo;
  bool body_done = false;
  // The write that failed; the server may have answered before it stopped reading.
  std::optional<Error> write_error;

 private:
  std::string text_;  // the rendered head
  std::unique_ptr<char[]> storage_;
  std::size_t capacity_ = 0;
  std::string_view piece_;
  std::string chunk_head_;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace keyturn::http
