#include "http/client_request.h"

#include "base/bytes.h"
#include "http/head_writer.h"

namespace keyturn::http {
namespace {

// Methods whose missing body is announced (RFC 9110 section 8.6).
bool announces_empty_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

Result<void> ClientRequest::check() const {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!is_token(head.method) || head.method == "CONNECT") {
    return fail(Code::kInvalid, "`{}` is not a method to send", printable(head.method, 40));
  }
  if (!head.target.starts_with('/') ||
      !std::all_of(head.target.begin(), head.target.end(), visible) ||
      head.target.find('#') != std::string::npos) {
    return fail(Code::kInvalid, "`{}` is not a path to send", printable(head.target, 200));
  }
  if (origin.host.empty() || (origin.scheme != "http" && origin.scheme != "https")) {
    return fail(Code::kInvalid, "`{}://{}` is not an origin", origin.scheme,
                printable(origin.host, 200));
  }
  return check_fields(head.headers);
}

void ClientRequest::render() {
  const std::optional<std::uint64_t> length = body.length();
  constexpr std::array<std::string_view, 1> kOurs = {"host"};
  text_.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  append_field(text_, "host", host_field(origin));
  append_end_to_end(text_, head.headers, kOurs);
  if (!length && body_done && body_bytes_ == 0) {
    if (announces_empty_body(head.method)) append_field(text_, "content-length", "0");
  } else if (!length) {
    append_field(text_, "transfer-encoding", "chunked");
  } else if (*length > 0 || announces_empty_body(head.method)) {
    append_field(text_, "content-length", std::to_string(*length));
  }
  text_.append("\r\n");
}

Task<> ClientRequest::read_piece() {
  const std::optional<std::uint64_t> length = body.length();
  piece_ = {};
  if (length && *length == 0) {
    body_done = true;
    co_return Result<void>();
  }
  if (!storage_) {
    capacity_ = static_cast<std::size_t>(
        std::min<std::uint64_t>(length.value_or(kPieceBytes), kPieceBytes));
    storage_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  const std::span<char> buffer(storage_.get(), capacity_);
  CO_TRY(const std::size_t count, co_await body.read(buffer));
  body_bytes_ += count;
  if (length && (body_bytes_ > *length || (count == 0 && body_bytes_ < *length))) {
    co_return fail(Code::kInvalid, "the body has {} bytes, not {} as it said", body_bytes_,
                   *length);
  }
  body_done = length ? body_bytes_ == *length : count == 0;
  piece_ = std::string_view(storage_.get(), count);
  co_return Result<void>();
}

std::array<std::string_view, 4> ClientRequest::first_pieces() {
  std::array<std::string_view, 4> pieces = {text_};
  if (body_bytes_ == 0) return pieces;
  const std::array<std::string_view, 4> framed = next_pieces();
  std::copy(framed.begin(), framed.end() - 1, pieces.begin() + 1);
  return pieces;
}

std::array<std::string_view, 4> ClientRequest::next_pieces() {
  if (body.length()) return {piece_};
  if (piece_.empty()) return {"0\r\n\r\n"};
  chunk_head_ = fmt::format("{:x}\r\n", piece_.size());
  return {chunk_head_, piece_, "\r\n"};
}

}  // namespace keyturn::http
