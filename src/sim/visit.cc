#include "sim/visit.h"

#include "http/timer.h"

namespace keyturn::sim {
namespace {

constexpr std::size_t kPieceBytes = 4096;

}  // namespace

// Where a held request waits, as the http room's own. Shared with wakers, which may outlive it.
class Visit::Parking final : public Waker, public std::enable_shared_from_this<Parking> {
 public:
  explicit Parking(http::Executor executor) : executor_(std::move(executor)) {}

  void wake() override {
    if (closed_ || woken_) return;
    woken_ = true;
    boost::asio::post(executor_, [self = shared_from_this()] {
      if (self->timer_ != nullptr) self->timer_->cancel();
    });
  }
  void close() {
    closed_ = true;
    timer_ = nullptr;
  }
  bool take_wake() { return std::exchange(woken_, false); }

  http::Task<> sleep(Duration timeout) {
    http::Timer timer(executor_);
    timer.start(timeout);
    timer_ = &timer;
    struct Registration {  // ends also when the coroutine is destroyed while it waits
      Parking& parking;
      ~Registration() { parking.timer_ = nullptr; }
    };
    const Registration registered{*this};
    co_await timer.ended();
    co_return Result<void>();
  }

 private:
  const http::Executor executor_;
  bool woken_ = false;
  bool closed_ = false;
  http::Timer* timer_ = nullptr;
};

Visit::Visit(http::RequestHead head, std::string body, std::string request_id,
             http::Executor executor)
    : head_(std::move(head)),
      body_(*this, std::move(body)),
      request_id_(std::move(request_id)),
      parking_(std::make_shared<Parking>(std::move(executor))) {}

Visit::~Visit() { parking_->close(); }

http::Task<std::size_t> Visit::Upload::read(std::span<char> into) {
  if (visit_.left_) co_return fail(Code::kUnavailable, "the client left");
  co_return co_await text_.read(into);
}

http::Task<> Visit::respond(http::ResponseHead head, std::string body) {
  http::StringBody whole(std::move(body));
  co_return co_await respond(std::move(head), whole);
}

// As ServerExchange: what fails before the first byte leaves the request unanswered, what fails
// later resets the connection.
http::Task<> Visit::respond(http::ResponseHead head, http::Body& body) {
  if (answered_) co_return fail(Code::kInternal, "answered twice");
  std::string buffer(kPieceBytes, ' ');
  std::string text;
  while (true) {
    auto count = co_await body.read(buffer);
    if (!count) {
      if (!text.empty()) answered_ = true;
      co_return fail(std::move(count.error()));
    }
    if (*count == 0) break;
    text.append(buffer.data(), *count);
  }
  answered_ = true;
  if (left_) co_return fail(Code::kUnavailable, "the client left");
  reply_ = {head.status, std::move(head.headers), std::move(text)};
  co_return Result<void>();
}

http::Task<> Visit::start(http::ResponseHead head) {
  return respond(std::move(head), std::string());
}

http::Task<> Visit::write(std::string_view bytes) {
  if (left_) co_return fail(Code::kUnavailable, "the client left");
  reply_.body += bytes;
  co_return Result<void>();
}

std::shared_ptr<http::Exchange::Waker> Visit::waker() { return parking_; }

void Visit::park(Duration timeout, std::unique_ptr<Parked> rest) {
  park_timeout_ = timeout;
  rest_ = std::move(rest);
}

http::Task<> Visit::run_parked() {
  while (rest_) {
    CO_TRY(const Woken woken, co_await wait(park_timeout_));
    const std::unique_ptr<Parked> rest = std::move(rest_);
    CO_TRY_VOID(co_await rest->resume(*this, woken));
  }
  co_return Result<void>();
}

http::Task<http::Exchange::Woken> Visit::wait(Duration timeout) {
  if (!parking_->take_wake() && !left_ && !draining_) {
    waiting_ = true;
    CO_TRY_VOID(co_await parking_->sleep(timeout));
    waiting_ = false;
    if (!parking_->take_wake()) co_return left_ ? Woken::kClientGone : Woken::kTimeout;
  }
  co_return left_ ? Woken::kClientGone : Woken::kEvent;
}

void Visit::leave() {
  left_ = true;
  parking_->wake();
}

void Visit::drain() {
  draining_ = true;
  parking_->wake();
}

}  // namespace keyturn::sim
