#include "aws/gateway_held.h"

#include "aws/gateway_passage.h"

namespace keyturn::aws {
namespace {

// A request with a longer body is answered at once instead of waiting: thousands may wait.
constexpr std::uint64_t kHeldBodyBytesMax = 64U << 10U;
// As long as a decision may take: beyond it the store is stuck.
constexpr Duration kTurnTimeout = std::chrono::seconds(20);

}  // namespace

http::Task<> Held::resume(http::Exchange& exchange, http::Exchange::Woken woken) {
  Passage passage(shared, exchange);
  co_return co_await passage.run_again(*this, woken);
}

bool Passage::may_wait() const {
  return decision_->kind == VerdictKind::kHold && decision_->change &&
         shared_.options.hold_wait > Duration::zero() &&
         (!whole_ || whole_->bytes() <= kHeldBodyBytesMax);
}

Checked<void> Passage::start_waiting() {
  change_ = decision_->change->id;
  waiting_ = std::make_unique<Waiting>(shared_.held, caller_.holder);
  if (!waiting_->place.taken()) {
    return refuse(Fault::kSlowDown, "too many requests wait for reviewers; {}", decision_->message);
  }
  waiting_->until = shared_.needs.clock.monotonic() + shared_.options.hold_wait;
  listen();
  wait_on();
  return {};
}

void Passage::listen() {
  change_ = decision_->change->id;
  const std::shared_ptr<http::Exchange::Waker> waker = exchange_.waker();
  waiting_->listening = shared_.needs.gate.listen(*decision_->change, [waker] { waker->wake(); });
}

void Passage::wait_for_turn() {
  auto held = std::make_unique<Held>(shared_);
  turn_->await(exchange_.waker());
  held->turn = std::move(turn_);
  park(kTurnTimeout, std::move(held));
}

void Passage::wait_on() {
  auto held = std::make_unique<Held>(shared_);
  held->content_digest = std::move(content_digest_);
  held->message = std::move(decision_->message);
  held->message.shrink_to_fit();
  held->change = *change_;
  held->claimed = claimed_;
  const Duration left = waiting_->until - shared_.needs.clock.monotonic();
  held->waiting = std::move(waiting_);
  park(left, std::move(held));
}

void Passage::park(Duration timeout, std::unique_ptr<Held> held) {
  held->holder = std::move(caller_.holder);
  held->key = std::move(caller_.key);
  held->identity = std::move(caller_.identity);
  held->whole = std::move(whole_);
  held->decoded = std::move(decoded_);
  exchange_.park(timeout, std::move(held));
}

Checked<void> Passage::read_caller_again() {
  auto claim = read_claim(exchange_.head());
  if (!claim) return tl::unexpected<Refused>(std::move(claim).error());
  auto payload = read_payload_name(exchange_.head(), *claim);
  if (!payload) return tl::unexpected<Refused>(std::move(payload).error());
  caller_.claim = std::move(*claim);
  caller_.payload = std::move(*payload);
  return {};
}

http::Task<> Passage::run_again(Held& held, http::Exchange::Woken woken) {
  caller_.holder = std::move(held.holder);
  caller_.key = std::move(held.key);
  caller_.identity = std::move(held.identity);
  whole_ = std::move(held.whole);
  decoded_ = std::move(held.decoded);
  verified_ = true;
  if (held.turn) {
    turn_ = std::move(held.turn);
    if (woken == http::Exchange::Woken::kClientGone) {
      co_return fail(Code::kUnavailable, "the client left before its turn");
    }
    auto passed = co_await pass_in_turn();
    co_return co_await conclude(std::move(passed));
  }
  content_digest_ = std::move(held.content_digest);
  waiting_ = std::move(held.waiting);
  decision_ = std::make_unique<gate::Decision>();
  decision_->kind = VerdictKind::kHold;
  decision_->message = std::move(held.message);
  change_ = held.change;
  claimed_ = held.claimed;
  decided_ = true;
  auto passed = co_await pass_again(woken);
  co_return co_await conclude(std::move(passed));
}

Step<void> Passage::pass_in_turn() {
  if (!turn_->has_come()) {
    co_return refuse(Fault::kSlowDown, "too many requests are under way; try again in a moment");
  }
  if (auto read = read_caller_again(); !read) co_return read;
  co_return co_await pass_verified();
}

Step<void> Passage::pass_again(http::Exchange::Woken woken) {
  auto step = read_caller_again();
  if (step) step = co_await understand_again();
  if (step && woken == http::Exchange::Woken::kEvent && !exchange_.draining()) {
    step = co_await decide();
    if (step && decision_->kind == VerdictKind::kHold &&
        shared_.needs.clock.monotonic() < waiting_->until) {
      if (decision_->change && decision_->change->id != *change_) listen();
      wait_on();
      co_return Checked<void>();
    }
  }
  if (!step) {
    release();
    co_return step;
  }
  waiting_.reset();
  co_return co_await act();
}

Step<void> Passage::understand_again() {
  if (auto understood = co_await understand_with_deployed(); !understood) co_return understood;
  if (!content_digest_.empty()) add_content_digest(std::string(content_digest_));
  co_return Checked<void>();
}

}  // namespace keyturn::aws
