#include "http/exchange.h"

#include "base/bytes.h"
#include "http/head_writer.h"
#include "http/parking.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;

// What a handler left unread is read to keep the connection, up to this much and this long.
constexpr std::uint64_t kUnreadBytesMax = 256U << 10U;
constexpr Duration kUnreadTimeout = std::chrono::seconds(5);
constexpr std::size_t kUnreadPieceBytes = 16U << 10U;
constexpr std::size_t kUsualHeadBytes = 512;
constexpr std::string_view kLastChunk = "0\r\n\r\n";
// No part of a head holds it: check_head_bytes admits no control character but the tab.
constexpr char kSeparator = '\n';

// One allocation instead of two a field.
std::string pack_head(const RequestHead& head) {
  std::size_t size = head.method.size() + head.target.size() + 2;
  for (const auto& [name, value] : head.headers) size += name.size() + value.size() + 2;
  std::string packed;
  packed.reserve(size);
  const auto append = [&packed](std::string_view part) {
    CHECK(part.find(kSeparator) == std::string_view::npos);
    packed.append(part).push_back(kSeparator);
  };
  append(head.method);
  append(head.target);
  for (const auto& [name, value] : head.headers) {
    append(name);
    append(value);
  }
  return packed;
}

RequestHead unpack_head(std::string_view packed) {
  const auto take = [&packed] {
    const std::size_t end = packed.find(kSeparator);
    CHECK(end != std::string_view::npos);
    const std::string_view part = packed.substr(0, end);
    packed.remove_prefix(end + 1);
    return part;
  };
  RequestHead head;
  head.method = take();
  head.target = take();
  while (!packed.empty()) {
    const std::string_view name = take();
    head.headers.add(name, take());
  }
  return head;
}

}  // namespace

ServerExchange::ServerExchange(Connection& connection, RequestHead head, Framing framing)
    : connection_(connection),
      head_(std::move(head)),
      reader_(
          connection.stream(), connection.buffer(),
          BodyReader::Options{framing, Code::kInvalid, connection.state().options.body_timeout}),
      body_(*this),
      request_id_(connection.state().next_request_id(connection.loop())),
      continue_owed_(head_.headers.count("expect") > 0),
      keep_alive_(framing.keep_alive) {}

ServerExchange::~ServerExchange() {
  if (parking_) parking_->close();
  connection_.state().metrics.bytes_in.add(reader_.bytes_read());
}

std::optional<std::uint64_t> ServerExchange::RequestBody::length() const {
  const Framing& framing = exchange_.reader_.framing();
  if (framing.kind == Framing::Kind::kChunked) return std::nullopt;
  return framing.length;
}

Task<std::size_t> ServerExchange::RequestBody::read(std::span<char> into) {
  ServerExchange& exchange = exchange_;
  if (exchange.continue_owed_ && !exchange.reader_.done()) {
    exchange.continue_owed_ = false;
    // A client that has begun to send does not wait; after an answer 100 would be out of order.
    if (exchange.connection_.buffer().empty() && exchange.answer_ == Answer::kNone) {
      const std::array<std::string_view, 1> pieces = {"HTTP/1.1 100 Continue\r\n\r\n"};
      CO_TRY_VOID(co_await exchange.send(pieces));
    }
  }
  co_return co_await exchange.reader_.read(into);
}

Result<void> ServerExchange::check_answer(const ResponseHead& head) const {
  if (answer_ != Answer::kNone) {
    return fail(Code::kConflict, "request {} has been answered already", request_id_);
  }
  if (rest_) return fail(Code::kConflict, "request {} is parked", request_id_);
  if (head.status < 200 || head.status > 599) {
    return fail(Code::kInternal, "{} is not a status to answer with", head.status);
  }
  return context(check_fields(head.headers), "answer");
}

bool ServerExchange::is_bodiless(int status) const {
  return head_.method == "HEAD" || status == 204 || status == 304;
}

bool ServerExchange::may_reuse() const {
  if (!keep_alive_ || reader_.failed() || connection_.state().draining) return false;
  if (reader_.done()) return true;
  if (continue_owed_) return false;
  return reader_.framing().kind == Framing::Kind::kChunked || reader_.left() <= kUnreadBytesMax;
}

std::string ServerExchange::render(const ResponseHead& head, const Delimiter& delimiter) {
  ServerState& state = connection_.state();
  keep_alive_ = may_reuse();
  std::string text;
  text.reserve(kUsualHeadBytes);
  text.append("HTTP/1.1 ").append(std::to_string(head.status)).append(" ");
  text.append(reason_phrase(head.status)).append("\r\n");
  constexpr std::array<std::string_view, 1> kOurs = {"x-keyturn-request-id"};
  append_end_to_end(text, head.headers, kOurs);
  if (head.headers.count("date") == 0) append_field(text, "date", state.date(connection_.loop()));
  if (head.headers.count("server") == 0) append_field(text, "server", state.options.server_name);
  append_field(text, "x-keyturn-request-id", request_id_);
  if (delimiter.length) append_field(text, "content-length", std::to_string(*delimiter.length));
  if (delimiter.kind == Delimiter::Kind::kChunked) {
    append_field(text, "transfer-encoding", "chunked");
  }
  if (!keep_alive_) append_field(text, "connection", "close");
  text.append("\r\n");
  state.count_response(head.status);
  return text;
}

Task<> ServerExchange::send(std::span<const std::string_view> pieces) {
  const Instant deadline = deadline_after(connection_.state().options.body_timeout);
  Result<void> written = co_await connection_.stream().write(pieces, deadline);
  if (!written) answer_ = Answer::kBroken;
  co_return written;
}

Task<> ServerExchange::send_last(std::string text) {
  const std::array<std::string_view, 1> pieces = {text};
  CO_TRY_VOID(co_await send(pieces));
  answer_ = Answer::kComplete;
  co_return Result<void>();
}

Task<> ServerExchange::respond(ResponseHead head, std::string body) {
  CO_TRY_VOID(check_answer(head));
  Delimiter delimiter;
  if (is_bodiless(head.status)) {
    if (head_.method == "HEAD" && head.status != 204 && head.status != 304) {
      delimiter.length = body.size();
    }
    co_return co_await send_last(render(head, delimiter));
  }
  delimiter.kind = Delimiter::Kind::kLength;
  delimiter.length = body.size();
  const std::string text = render(head, delimiter);
  std::string_view rest = body;
  std::array<std::string_view, 2> pieces = {text, rest.substr(0, kPieceBytes)};
  answer_ = Answer::kStreaming;
  while (true) {
    CO_TRY_VOID(co_await send(pieces));
    connection_.state().metrics.bytes_out.add(pieces[1].size());
    rest.remove_prefix(pieces[1].size());
    if (rest.empty()) break;
    pieces = {std::string_view(), rest.substr(0, kPieceBytes)};
  }
  answer_ = Answer::kComplete;
  co_return Result<void>();
}

Task<> ServerExchange::respond(ResponseHead head, Body& body) {
  CO_TRY_VOID(check_answer(head));
  Delimiter delimiter;
  delimiter.length = body.length();
  if (is_bodiless(head.status)) {
    if (head.status == 204 || head.status == 304) delimiter.length.reset();
    co_return co_await send_last(render(head, delimiter));
  }
  delimiter.kind = delimiter.length ? Delimiter::Kind::kLength : Delimiter::Kind::kChunked;
  const std::size_t size = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(delimiter.length.value_or(kPieceBytes), 1, kPieceBytes));
  const auto storage = std::make_unique_for_overwrite<char[]>(size);
  const std::span<char> buffer(storage.get(), size);
  // A body that fails at once leaves the answer to the handler.
  CO_TRY(const std::size_t ready, co_await body.read(buffer));
  if (ready == 0 && !delimiter.length) delimiter = {Delimiter::Kind::kLength, 0};
  std::string text = render(head, delimiter);
  answer_ = Answer::kStreaming;
  Result<void> copied =
      co_await copy_body(body, std::move(text), buffer, ready, std::move(delimiter));
  answer_ = copied ? Answer::kComplete : Answer::kBroken;
  co_return copied;
}

Task<> ServerExchange::copy_body(Body& body, std::string head, std::span<char> buffer,
                                 std::size_t ready, Delimiter delimiter) {
  const bool chunked = delimiter.kind == Delimiter::Kind::kChunked;
  std::uint64_t left = delimiter.length.value_or(0);
  std::string_view head_text = head;
  while (true) {
    const std::string_view piece(buffer.data(), ready);
    if (!chunked && piece.size() > left) {
      co_return fail(Code::kInternal, "the answer's body is longer than it said");
    }
    if (!chunked) left -= piece.size();
    if (ready == 0) break;
    if (chunked) {
      CO_TRY_VOID(co_await send_chunk(head_text, piece));
    } else {
      const std::array<std::string_view, 2> pieces = {head_text, piece};
      CO_TRY_VOID(co_await send(pieces));
      connection_.state().metrics.bytes_out.add(piece.size());
    }
    head_text = {};
    if (!chunked && left == 0) co_return Result<void>();
    CO_TRY(ready, co_await body.read(buffer));
  }
  if (left > 0) co_return fail(Code::kInternal, "the answer's body is {} bytes short", left);
  const std::array<std::string_view, 2> pieces = {head_text,
                                                  chunked ? kLastChunk : std::string_view()};
  co_return co_await send(pieces);
}

Task<> ServerExchange::send_chunk(std::string_view head, std::string_view bytes) {
  const std::string size = fmt::format("{:x}\r\n", bytes.size());
  const std::array<std::string_view, 4> pieces = {head, size, bytes, "\r\n"};
  CO_TRY_VOID(co_await send(pieces));
  connection_.state().metrics.bytes_out.add(bytes.size());
  co_return Result<void>();
}

Task<> ServerExchange::start(ResponseHead head) {
  CO_TRY_VOID(check_answer(head));
  Delimiter delimiter;
  if (is_bodiless(head.status)) {
    discard_ = true;
    co_return co_await send_last(render(head, delimiter));
  }
  delimiter.kind = Delimiter::Kind::kChunked;
  const std::string text = render(head, delimiter);
  const std::array<std::string_view, 1> pieces = {text};
  answer_ = Answer::kStreaming;
  co_return co_await send(pieces);
}

Task<> ServerExchange::write(std::string_view bytes) {
  if (discard_ && answer_ == Answer::kComplete) co_return Result<void>();
  if (answer_ != Answer::kStreaming) {
    co_return fail(Code::kConflict, "request {} has no answer under way", request_id_);
  }
  constexpr std::string_view no_head;
  while (!bytes.empty()) {  // an empty chunk would end the body
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    CO_TRY_VOID(co_await send_chunk(no_head, piece));
    bytes.remove_prefix(piece.size());
  }
  co_return Result<void>();
}

Task<> ServerExchange::complete(const Result<void>& handled) {
  Log& log = connection_.state().log;
  if (!handled) {
    log.warning("http.handler_failed",
                {{"request", request_id_}, {"error", handled.error().message}});
  } else if (answer_ == Answer::kNone) {
    log.warning("http.unanswered", {{"request", request_id_}});
  }
  if (answer_ == Answer::kNone) {
    ResponseHead head;
    head.status = 500;
    head.headers.add("content-type", "text/plain; charset=utf-8");
    std::string text = fmt::format("request {} failed inside the server\n", request_id_);
    co_return co_await respond(std::move(head), std::move(text));
  }
  if (answer_ == Answer::kStreaming) {
    if (!handled) {
      answer_ = Answer::kBroken;  // what was promised is not there: never a clean end
      co_return Result<void>();
    }
    std::string last(kLastChunk);
    co_return co_await send_last(std::move(last));
  }
  co_return Result<void>();
}

asio::awaitable<bool> ServerExchange::drain_body() {
  if (reader_.done()) co_return true;
  const std::uint64_t until = reader_.bytes_read() + kUnreadBytesMax;
  const auto storage = std::make_unique_for_overwrite<char[]>(kUnreadPieceBytes);
  const std::span<char> buffer(storage.get(), kUnreadPieceBytes);
  reader_.set_timeout(std::min(kUnreadTimeout, connection_.state().options.body_timeout));
  const Instant deadline = deadline_after(kUnreadTimeout);
  while (!reader_.done()) {
    if (reader_.bytes_read() > until || SystemClock().monotonic() > deadline) co_return false;
    const Result<std::size_t> count = co_await reader_.read(buffer);
    if (!count) co_return false;
  }
  co_return true;
}

asio::awaitable<ServerExchange::Outcome> ServerExchange::finish(const Result<void>& handled) {
  rest_.reset();  // what it parked goes with a handler that failed
  const Result<void> completed = co_await complete(handled);
  if (!completed || answer_ == Answer::kBroken) co_return Outcome::kBroken;
  if (!keep_alive_) co_return reader_.done() ? Outcome::kDone : Outcome::kUnread;
  const bool drained = co_await drain_body();
  co_return drained ? Outcome::kReusable : Outcome::kUnread;
}

std::shared_ptr<Exchange::Waker> ServerExchange::waker() {
  if (!parking_) parking_ = std::make_shared<Parking>(connection_);
  return parking_;
}

void ServerExchange::park(Duration timeout, std::unique_ptr<Parked> rest) {
  CHECK(rest != nullptr && answer_ == Answer::kNone);
  park_timeout_ = timeout;
  rest_ = std::move(rest);
}

bool ServerExchange::take_wake() { return parking_ && parking_->take_wake(); }

void ServerExchange::pack() {
  const std::shared_ptr<Waker> needed_to_drain = waker();
  packed_head_ = pack_head(head_);
  head_ = RequestHead();
}

std::unique_ptr<Exchange::Parked> ServerExchange::unpark() {
  head_ = unpack_head(packed_head_);
  packed_head_ = std::string();
  return std::move(rest_);
}

void ServerExchange::wake_for_drain() {
  if (parking_) parking_->wake();
}

}  // namespace keyturn::http
