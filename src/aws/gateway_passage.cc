#include "aws/gateway_passage.h"

#include "aws/gateway_ask.h"
#include "aws/template.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

// A decision is one transaction, milliseconds even on slow disks; beyond this the store is stuck.
constexpr Duration kDecideTimeout = std::chrono::seconds(20);
constexpr Duration kRecordTimeout = std::chrono::seconds(10);
constexpr std::size_t kReasonBytesMax = identity::kPurposeBytesMax;
constexpr std::string_view kReasonHeader = "x-keyturn-reason";

// The service that an unreadable request names, for the shape of its error.
std::string service_hint(const http::RequestHead& head) {
  const std::string_view value = head.headers.find("authorization").value_or(head.target);
  const bool encoded = value.find("%2Faws4_request") != std::string_view::npos;
  const std::string_view slash = encoded ? "%2F" : "/";
  const std::size_t end = value.find(fmt::format("{}aws4_request", slash));
  if (end == std::string_view::npos || end == 0) return {};
  const std::size_t begin = value.rfind(slash, end - 1);
  if (begin == std::string_view::npos) return {};
  return std::string(value.substr(begin + slash.size(), end - begin - slash.size()));
}

ErrorShape shape_of(const Understood& understood) {
  switch (understood.protocol) {
    case Protocol::kJson10:
      return ErrorShape::kJson10;
    case Protocol::kJson11:
      return ErrorShape::kJson11;
    case Protocol::kQuery:
      return ErrorShape::kQuery;
    case Protocol::kEc2:
      return ErrorShape::kEc2;
    case Protocol::kRestJson:
      return ErrorShape::kRestJson;
    case Protocol::kRestXml:
      return signs_like_s3(understood.forward.signing_name) && understood.model_service == "s3"
                 ? ErrorShape::kS3
                 : ErrorShape::kRestXml;
    case Protocol::kCbor:
      return ErrorShape::kCbor;
    case Protocol::kUnknown:
      break;
  }
  return ErrorShape::kRestJson;
}

Refused refusal_of(const Error& error) {
  if (error.code == Code::kInvalid) return {Fault::kMalformed, error.message};
  if (error.code == Code::kExhausted) return {Fault::kTooLarge, error.message};
  return {Fault::kUnavailable, error.message};
}

// A decision that came after its request had given up. When it was an allow, the ledger must learn
// that nothing was sent.
struct LateDecision {
  std::mutex mutex;
  bool abandoned = false;
  std::optional<std::uint64_t> allowed_index;
};

void record_not_sent(gate::Gate& gate, std::uint64_t index, const std::string& request_id) {
  gate::Outcome outcome;
  outcome.kind = gate::Outcome::Kind::kNotSent;
  outcome.detail = "the decision came too late";
  gate.record_outcome(index, request_id, std::move(outcome), [](const Result<void>&) {});
}

}  // namespace

Passage::Passage(Shared& shared, http::Exchange& exchange) : shared_(shared), exchange_(exchange) {}

http::Task<> Passage::run() {
  auto passed = co_await pass();
  co_return co_await conclude(std::move(passed));
}

http::Task<> Passage::conclude(Checked<void> passed) {
  turn_.reset();  // the client may read its answer slowly
  if (passed) co_return Result<void>();
  if (!decided_) {
    shared_.refused.add();
    auto recorded = co_await record_refusal(passed.error());
    if (!recorded) {
      shared_.needs.log.warning(
          "gateway.refusal_not_recorded",
          {{"request", exchange_.request_id()}, {"error", recorded.error().message}});
    }
  }
  co_return co_await answer(passed.error());
}

Step<void> Passage::pass() {
  if (auto entered = co_await enter(); !entered) co_return entered;
  verified_ = true;
  turn_ = shared_.turns->line_up();
  if (!turn_->has_come()) {
    wait_for_turn();
    co_return Checked<void>();
  }
  co_return co_await pass_verified();
}

Step<void> Passage::pass_verified() {
  const Instant since = shared_.needs.clock.monotonic();
  if (auto understood = co_await understand_with_deployed(); !understood) co_return understood;
  shared_.observe(Stage::kUnderstand, since);
  if (auto bound = co_await bind_content(); !bound) co_return bound;

  // Who repeats a call that is answered with keys must not get others.
  if (understood_->action.effect != Effect::kObserve ||
      sts_call_of(*understood_) != StsCall::kNone) {
    auto begun = shared_.replay.begin(sending(), shared_.needs.clock.now());
    if (!begun) co_return begun;
    claimed_ = true;
  }
  auto decided = co_await decide();
  turn_.reset();
  if (decided && may_wait()) {
    decided = start_waiting();
    if (decided) co_return decided;
  }
  if (!decided) {
    release();
    co_return decided;
  }
  co_return co_await act();
}

Step<void> Passage::act() {
  Counter& counter = decision_->kind == VerdictKind::kAllow  ? shared_.allowed
                     : decision_->kind == VerdictKind::kHold ? shared_.held_count
                                                             : shared_.denied;
  counter.add();
  if (decision_->kind == VerdictKind::kAllow) co_return co_await execute();
  release();
  if (decision_->change) change_ = decision_->change->id;
  co_return tl::unexpected<Refused>(Refused{Fault::kAccessDenied, std::move(decision_->message)});
}

void Passage::release() {
  if (claimed_) shared_.replay.release(sending());
  claimed_ = false;
}

Step<void> Passage::enter() {
  Instant since = shared_.needs.clock.monotonic();
  auto caller = identify(shared_, exchange_.head());
  if (!caller) co_return tl::unexpected<Refused>(std::move(caller).error());
  caller_ = std::move(*caller);
  if (caller_.payload) {
    auto verified = verify(shared_, exchange_.head(), caller_, caller_.payload->text);
    if (!verified) co_return verified;
    shared_.observe(Stage::kVerify, since);
    co_return co_await read_body();
  }
  auto read = co_await read_body();
  if (!read) co_return read;
  since = shared_.needs.clock.monotonic();
  auto verified = verify(shared_, exchange_.head(), caller_, crypto::sha256(whole_->text()).hex());
  shared_.observe(Stage::kVerify, since);
  co_return verified;
}

Step<void> Passage::read_body() {
  const Scope scope{.service = caller_.claim.service, .region = caller_.claim.region};
  const bool wanted =
      wants_body(*shared_.needs.model, scope, exchange_.head(), shared_.understand_options);
  if (!wanted && caller_.payload) {
    const bool nothing = exchange_.body().length() == std::uint64_t{0};
    if (nothing && caller_.payload->kind == Payload::kDigest &&
        caller_.payload->text != kEmptyDigest) {
      co_return refuse(Fault::kWrongSignature, "the body is not the one that was signed");
    }
    co_return Checked<void>();
  }
  auto whole = co_await WholeBody::read(shared_, exchange_.body());
  if (!whole) co_return tl::unexpected<Refused>(std::move(whole).error());
  whole_ = std::move(*whole);
  if (!caller_.payload) co_return Checked<void>();
  if (!is_streaming(caller_.payload->kind)) co_return check_whole_body();
  auto options = read_chunked_options(exchange_.head().headers, caller_.payload->kind);
  if (!options) co_return tl::unexpected<Refused>(std::move(options).error());
  options->seed = {.timestamp = caller_.claim.timestamp,
                   .scope = caller_.claim.scope(),
                   .signature = caller_.claim.signature};
  options->key = caller_.key;
  auto decoded = co_await whole_->decode(std::move(*options));
  if (!decoded) co_return tl::unexpected<Refused>(std::move(decoded).error());
  decoded_ = std::make_unique<WholeBody::Decoded>(std::move(*decoded));
  co_return Checked<void>();
}

Checked<void> Passage::check_whole_body() {
  if (caller_.payload->kind != Payload::kDigest) return {};
  if (crypto::sha256(whole_->text()).hex() == caller_.payload->text) return {};
  return refuse(Fault::kWrongSignature, "the body is not the one that was signed");
}

Step<void> Passage::understand_with_deployed() {
  // Before the decision: what cannot be sent must not use up a grant.
  auto signer = find_signer(shared_.roles, shared_.needs.vault, caller_.holder->session);
  if (!signer) co_return tl::unexpected<Refused>(std::move(signer).error());
  signer_ = std::move(*signer);
  if (auto understood = understand_request(nullptr); !understood) co_return understood;
  if (understood_->wanted) {
    turn_.reset();  // upstream may take long, and nobody else shall wait for it
    auto deployed =
        co_await ask_deployed(shared_, signer_, *understood_->wanted, understood_->forward.region);
    if (deployed) {
      if (auto understood = understand_request(&*deployed); !understood) co_return understood;
    } else {
      // Judged as what the request alone may do, which is worse.
      understood_->action.why.push_back(
          fmt::format("what is deployed could not be compared: {}", deployed.error().message));
    }
  }
  co_return assign_environments();
}

Checked<void> Passage::understand_request(const Deployed* deployed) {
  const Scope scope{.service = caller_.claim.service, .region = caller_.claim.region};
  std::optional<std::string_view> body;
  if (decoded_) {
    body = decoded_->text;
  } else if (whole_) {
    body = whole_->text();
  }
  auto understood = understand(*shared_.needs.model, scope, exchange_.head(), body,
                               understand_options(), deployed);
  if (!understood) return tl::unexpected<Refused>(refusal_of(understood.error()));
  understood_ = std::move(*understood);
  add_actor();
  auto origin = upstream_origin(*shared_.needs.model, understood_->forward, shared_.upstreams);
  if (!origin) {
    return refuse(origin.error().code == Code::kInvalid ? Fault::kMalformed : Fault::kAccessDenied,
                  "no upstream for this request: {}", origin.error().message);
  }
  origin_ = std::move(*origin);
  return {};
}

Checked<void> Passage::assign_environments() {
  Action& action = understood_->action;
  if (action.resources.empty()) {
    action.resources.push_back({.name = "*", .account = action.account, .region = action.region});
  }
  for (Resource& resource : action.resources) {
    // Never what the request says: `env=dev` on a request must not make production development.
    resource.tags = shared_.inventory.find(resource.name);
    shared_.needs.environments.assign(resource);
  }
  return {};
}

bool Passage::is_permitted_without_review() const {
  const gate::Facts facts{.agent = caller_.holder->agent.id,
                          .owner = caller_.holder->owner.id,
                          .purpose = caller_.holder->session.purpose,
                          .approvals = 0};
  const auto policies = shared_.needs.gate.policies();
  if (policies == nullptr) return false;
  const auto evaluation = gate::evaluate(*policies, understood_->action, facts);
  return evaluation && evaluation->permitted;
}

void Passage::add_content_digest(std::string_view digest_hex) {
  content_digest_ = digest_hex;
  Action& action = understood_->action;
  action.canonical_request += fmt::format("\nbody-sha256:{}", digest_hex);
  action.digest = crypto::sha256(action.canonical_request);
}

Step<void> Passage::bind_content() {
  if (whole_ || understood_->forward.body) co_return Checked<void>();
  if (caller_.payload->kind == Payload::kDigest) {
    add_content_digest(caller_.payload->text);
    co_return Checked<void>();
  }
  if (is_permitted_without_review()) co_return Checked<void>();
  turn_.reset();  // the client may take long
  auto spooled = co_await WholeBody::spool(shared_, exchange_.body());
  if (!spooled) co_return tl::unexpected<Refused>(std::move(spooled).error());
  whole_ = std::move(*spooled);
  std::optional<ChunkedOptions> chunked;
  if (is_streaming(caller_.payload->kind)) {
    auto options = read_chunked_options(exchange_.head().headers, caller_.payload->kind);
    if (!options) co_return tl::unexpected<Refused>(std::move(options).error());
    options->seed = {.timestamp = caller_.claim.timestamp,
                     .scope = caller_.claim.scope(),
                     .signature = caller_.claim.signature};
    options->key = caller_.key;
    chunked = std::move(*options);
  }
  auto digest = co_await whole_->content_digest(chunked);
  if (!digest) co_return tl::unexpected<Refused>(std::move(digest).error());
  add_content_digest(*digest);
  co_return Checked<void>();
}

gate::Question Passage::question() const {
  const auto said = exchange_.head().headers.find(kReasonHeader);
  std::optional<gate::Sending> once;
  if (claimed_) {
    ReplayGuard::Sending claimed = sending();
    once = {.signature = std::move(claimed.signature),
            .invocation = std::move(claimed.invocation),
            .peer = std::move(claimed.peer),
            .valid_until = claimed.valid_from + shared_.options.clock_skew_max};
  }
  return {.holder = caller_.holder,
          .action = understood_->action,
          .request_id = exchange_.request_id(),
          .reason = said ? printable(*said, kReasonBytesMax) : caller_.holder->session.purpose,
          .model_digest = shared_.needs.model->digest().hex(),
          .find_recreations = creates(understood_->action) ? describe_recreations : nullptr,
          .sending = std::move(once)};
}

Step<void> Passage::decide() {
  const Instant since = shared_.needs.clock.monotonic();
  auto late = std::make_shared<LateDecision>();  // shared with the gate's thread
  gate::Gate& gate = shared_.needs.gate;
  const std::string request_id = exchange_.request_id();
  const std::function<void(http::Done<gate::Decision>)> start =
      [&](const http::Done<gate::Decision>& done) {
        gate.decide(question(), [late, done, &gate, request_id](Result<gate::Decision> decision) {
          bool abandoned = false;
          {
            const std::scoped_lock lock(late->mutex);
            abandoned = late->abandoned;
            if (decision && decision->kind == VerdictKind::kAllow) {
              late->allowed_index = decision->ledger_index;
            }
          }
          if (!abandoned) return done(std::move(decision));
          if (late->allowed_index) record_not_sent(gate, *late->allowed_index, request_id);
        });
      };
  auto decision = co_await http::await_callback<gate::Decision>(start, kDecideTimeout);
  shared_.observe(Stage::kDecide, since);
  if (decision) {
    decided_ = true;
    decision_ = std::make_unique<gate::Decision>(std::move(*decision));
    co_return Checked<void>();
  }
  std::optional<std::uint64_t> missed;
  {
    const std::scoped_lock lock(late->mutex);
    late->abandoned = true;
    missed = late->allowed_index;
  }
  if (missed) record_not_sent(gate, *missed, request_id);
  shared_.needs.log.warning("gateway.undecided",
                            {{"request", request_id}, {"error", decision.error().message}});
  co_return refuse(Fault::kUnavailable,
                   "denied, because the decision could not be made or recorded: {} (request {})",
                   decision.error().message, request_id);
}

Step<void> Passage::execute() {
  Departure departure;
  departure.understood = &*understood_;
  departure.caller = &caller_;
  departure.origin = origin_;
  departure.spooled = whole_.get();
  departure.streamed = &exchange_.body();
  if (decoded_) {
    departure.parsed_body = decoded_->text;
    departure.trailers = decoded_->trailers;
  } else if (whole_ && understood_->forward.body) {
    departure.parsed_body = whole_->text();
  }
  departure.signer = signer_;
  Arrival arrival = co_await send(std::move(departure));

  using Kind = gate::Outcome::Kind;
  const bool executed = arrival.outcome.kind == Kind::kUnknown ||
                        (arrival.outcome.kind == Kind::kAnswered && arrival.outcome.status < 400);
  if (!executed) release();
  // Tags of other accounts are not known: they are asked for with the gate's own credentials.
  const bool own = understood_->action.account == shared_.understand_options.account;
  if (understood_->action.effect != Effect::kObserve && executed && own) {
    shared_.tag_news.add(understood_->action);
  }
  Log& log = shared_.needs.log;
  const std::string request_id = exchange_.request_id();
  // Not awaited: the client has its answer, and the next request on its connection need not wait
  // for ours.
  shared_.needs.gate.record_outcome(
      decision_->ledger_index, request_id, std::move(arrival.outcome),
      [&log, request_id](const Result<void>& recorded) {
        if (recorded) return;
        log.error("gateway.outcome_not_recorded",
                  {{"request", request_id}, {"error", recorded.error().message}});
      });
  if (arrival.refused) co_return tl::unexpected<Refused>(std::move(*arrival.refused));
  co_return Checked<void>();
}

http::Task<> Passage::answer(const Refused& refused) {
  const ErrorShape shape =
      understood_ && understood_->protocol != Protocol::kUnknown
          ? shape_of(*understood_)
          : guess_error_shape(exchange_.head(), service_hint(exchange_.head()));
  ErrorAnswer answer = render_error(shape, refused, exchange_.request_id());
  if (change_) answer.head.headers.add("x-keyturn-change", change_->text());
  co_return co_await exchange_.respond(std::move(answer.head), std::move(answer.body));
}

http::Task<> Passage::record_refusal(const Refused& refused) {
  if (!verified_ && !shared_.recorded_refusals.admit(shared_.needs.clock.monotonic())) {
    shared_.unrecorded.add();
    co_return Result<void>();
  }
  gate::Gate::Refusal refusal;
  refusal.request_id = exchange_.request_id();
  refusal.door = "aws";
  refusal.code = code_of(refused.fault, ErrorShape::kQuery);
  refusal.detail = printable(refused.message, 1'000);
  refusal.access_key_id = caller_.claim.access_key_id;
  if (refusal.access_key_id.empty()) {
    // The claim as far as it can be read: it names who was impersonated.
    if (const auto claim = read_claim(exchange_.head()))
      refusal.access_key_id = claim->access_key_id;
  }
  refusal.peer = exchange_.peer_address();
  gate::Gate& gate = shared_.needs.gate;
  const std::function<void(http::Done<void>)> start = [&](const http::Done<void>& done) {
    gate.refuse(std::move(refusal), done);
  };
  co_return co_await http::await_callback<void>(start, kRecordTimeout);
}

ReplayGuard::Sending Passage::sending() const {
  const Claim& claim = caller_.claim;
  ReplayGuard::Sending sending;
  sending.signature = caller_.identity.empty() ? claim.signature : caller_.identity;
  sending.invocation = exchange_.head().headers.find("amz-sdk-invocation-id").value_or("");
  sending.peer = exchange_.peer_address();
  sending.signed_at = claim.time;
  sending.valid_from = claim.time;
  if (claim.expires) sending.valid_from += *claim.expires - shared_.options.clock_skew_max;
  return sending;
}

}  // namespace keyturn::aws
