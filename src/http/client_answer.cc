// The second half of an exchange with an upstream: its answer's head, strictly read, and its body.
#include "http/client_pool.h"
#include "http/client_request.h"
#include "http/head_parser.h"

namespace keyturn::http {
namespace {

constexpr std::size_t kReadBytes = 4U << 10U;
// Interim answers (1xx) before the final one; more is an upstream that wastes our time.
constexpr int kInterimMax = 8;
// After a failed write an early answer is there already or will not come.
constexpr Duration kEarlyAnswerTimeout = std::chrono::seconds(1);

// The text of one head, consumed from the buffer by the caller.
Task<std::size_t> read_head(Upstream& upstream, std::size_t head_bytes_max, Instant deadline) {
  std::size_t scanned = 0;
  while (true) {
    const std::string_view bytes = upstream.buffer.view();
    const HeadEnd end = find_head_end(bytes, scanned);
    if (end.kind == HeadEnd::Kind::kBad) {
      co_return fail(Code::kCorrupt, "a line of the answer's head does not end in CRLF");
    }
    const bool found = end.kind == HeadEnd::Kind::kFound;
    if ((found ? end.size : bytes.size()) > head_bytes_max) {
      co_return fail(Code::kCorrupt, "the answer's head is over {} bytes", head_bytes_max);
    }
    if (found) co_return end.size;
    scanned = bytes.size();
    std::span<char> room = upstream.buffer.prepare(kReadBytes);
    CO_TRY(const std::size_t count, co_await upstream.stream.read_some(room, deadline));
    if (count == 0) {
      co_return fail(bytes.empty() ? Code::kUnavailable : Code::kCorrupt,
                     "the server closed the connection before it answered");
    }
    upstream.buffer.commit(count);
  }
}

// The final answer's head.
Task<ParsedResponse> read_response_head(Upstream& upstream, std::size_t head_bytes_max,
                                        Instant deadline) {
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    CO_TRY(const std::size_t size, co_await read_head(upstream, head_bytes_max, deadline));
    const std::string_view bytes = upstream.buffer.view().substr(0, size);
    const Result<void> sound = check_head_bytes(bytes);
    if (!sound) co_return fail(Code::kCorrupt, "answer: {}", sound.error().message);
    CO_TRY(ParsedResponse response, parse_response_head(bytes));
    upstream.buffer.consume(size);
    const int status = response.head.status;
    if (status < 100 || status >= 200 || status == 101) co_return response;
  }
  co_return fail(Code::kCorrupt, "more than {} interim answers", kInterimMax);
}

class AnswerBody final : public Body {
 public:
  struct Options {
    BodyReader::Options reader;
    std::optional<std::uint64_t> length;
    bool reusable = false;
  };
  AnswerBody(std::shared_ptr<ClientPool> pool, std::unique_ptr<Upstream> upstream, Options options)
      : pool_(std::move(pool)),
        upstream_(std::move(upstream)),
        reader_(upstream_->stream, upstream_->buffer, options.reader),
        length_(options.length),
        reusable_(options.reusable) {
    settle();
  }

  std::optional<std::uint64_t> length() const override { return length_; }

  Task<std::size_t> read(std::span<char> into) override {
    if (reader_.done()) co_return std::size_t{0};
    if (!upstream_) co_return fail(Code::kConflict, "the answer's body has failed before");
    Result<std::size_t> count = co_await reader_.read(into);
    if (!count) upstream_.reset();
    settle();
    co_return count;
  }

 private:
  // The connection leaves as soon as the body is complete.
  void settle() {
    if (!upstream_ || !reader_.done()) return;
    if (reusable_) pool_->give_back(std::move(upstream_));
    upstream_.reset();
  }

  const std::shared_ptr<ClientPool> pool_;
  std::unique_ptr<Upstream> upstream_;
  BodyReader reader_;
  const std::optional<std::uint64_t> length_;
  const bool reusable_;
};

std::optional<std::uint64_t> said_length(const Framing& framing, const Headers& headers) {
  if (framing.kind == Framing::Kind::kLength) return framing.length;
  if (framing.kind != Framing::Kind::kNone) return std::nullopt;
  // `check_framing` has read it already; without the field there is nothing to say but zero.
  return headers.count("content-length") == 1 ? framing.length : 0;
}

}  // namespace

Task<ClientResponse> ClientPool::read_answer(Request& request, std::unique_ptr<Upstream> upstream) {
  const Duration patience = request.write_error ? kEarlyAnswerTimeout : options_.response_timeout;
  const Instant deadline = deadline_after(patience);
  Result<ParsedResponse> response =
      co_await read_response_head(*upstream, options_.head_bytes_max, deadline);
  if (!response) {
    // What stopped the sending is the cause; that no answer came after it is not.
    if (request.write_error) co_return fail(*request.write_error);
    co_return fail(std::move(response.error()).context(request.origin.host));
  }
  const Method asked = request.head.method == "HEAD" ? Method::kHead : Method::kOther;
  const Result<Framing> framing = check_framing(*response, asked);
  if (!framing) co_return fail(Error(framing.error()).context(request.origin.host));
  AnswerBody::Options options;
  options.reader = BodyReader::Options{*framing, Code::kCorrupt, options_.body_timeout};
  options.length = said_length(*framing, response->head.headers);
  options.reusable = framing->keep_alive && !request.write_error && request.body_done;
  ClientResponse answer;
  answer.head = std::move(response->head);
  answer.body = std::make_unique<AnswerBody>(shared_from_this(), std::move(upstream), options);
  co_return answer;
}

}  // namespace keyturn::http
