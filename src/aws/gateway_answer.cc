// Passage's part that does not pass on what leads past the gate: a session of ours instead of STS's
// credentials that work elsewhere, and the gate's address instead of AWS's.
#include "aws/discovered.h"
#include "aws/gateway_passage.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr Duration kStartTimeout = std::chrono::seconds(20);  // as for a decision

Arrival refused_unsent(Refused refused) {
  Arrival arrival;
  arrival.outcome.kind = gate::Outcome::Kind::kNotSent;
  arrival.outcome.detail = refused.message;
  arrival.refused = std::move(refused);
  return arrival;
}

http::ResponseHead xml_head(int status, const std::string& request_id) {
  return {.status = status,
          .headers = {{"content-type", "text/xml"}, {"x-amzn-requestid", request_id}}};
}

}  // namespace

UnderstandOptions Passage::understand_options() const {
  UnderstandOptions options = shared_.understand_options;
  // Names without an account are those of the account that the role is in.
  const std::string& acts_as = caller_.holder->session.acts_as;
  if (!acts_as.empty()) options.account = account_of_arn(acts_as);
  return options;
}

void Passage::add_actor() {
  const std::string& acts_as = caller_.holder->session.acts_as;
  if (acts_as.empty()) return;
  Action& action = understood_->action;
  action.why.push_back(fmt::format("it would be done as {}", acts_as));
  action.canonical_request += fmt::format("\nas:{}", acts_as);
  action.digest = crypto::sha256(action.canonical_request);
}

boost::asio::awaitable<Arrival> Passage::send(Departure departure) {
  const StsCall call = sts_call_of(*understood_);
  if (call != StsCall::kNone) co_return co_await hand_out_session(call, std::move(departure));
  const Discovery discovery = discovery_of(understood_->action);
  const std::string& url = shared_.options.url;
  if (discovery != Discovery::kNone && !url.empty()) {
    understood_->forward.headers.remove("accept-encoding");
    departure.rewrite = [discovery, &url](const http::ResponseHead& head, std::string_view body) {
      return name_gate(discovery, head, body, url);
    };
  }
  co_return co_await forward(shared_, exchange_, std::move(departure));
}

boost::asio::awaitable<Arrival> Passage::hand_out_session(StsCall call, Departure departure) {
  if (call == StsCall::kGetSessionToken) {
    const auto lifetime = session_token_lifetime(*understood_);
    if (!lifetime) co_return refused_unsent(lifetime.error());
    if (!caller_.holder->session.acts_as.empty()) {
      co_return refused_unsent({Fault::kAccessDenied,
                                "GetSessionToken cannot be called with the credentials of a role"});
    }
    Arrival arrival;
    arrival.outcome.status = 200;
    arrival.outcome.detail = "answered by the gate";
    const Time expiry = shared_.needs.clock.now() + *lifetime;
    co_return co_await answer_with_session(call, expiry, nullptr, std::move(arrival));
  }
  // What is read must be plain XML.
  understood_->forward.headers.remove("accept");
  understood_->forward.headers.remove("accept-encoding");
  departure.take = [this, call](http::ClientResponse response, const vault::Signer& signer) {
    return take_handed_out(call, std::move(response), signer);
  };
  co_return co_await forward(shared_, exchange_, std::move(departure));
}

boost::asio::awaitable<Arrival> Passage::take_handed_out(StsCall call,
                                                         http::ClientResponse response,
                                                         const vault::Signer& signer) {
  Arrival arrival;
  arrival.outcome.status = response.head.status;
  arrival.outcome.detail = upstream_request_id(response.head.headers);
  const auto drop = [&](std::string why) {
    shared_.needs.log.warning("gateway.sts_answer_dropped",
                              {{"request", exchange_.request_id()}, {"why", why}});
    arrival.outcome.detail = why;
    arrival.refused = Refused{
        Fault::kUpstreamFailed,
        fmt::format("{}; nothing of it was passed on (request {})", why, exchange_.request_id())};
  };
  auto body = co_await http::read_all(*response.body, kStsAnswerBytesMax);
  if (!body) {
    drop("upstream's answer could not be read");
    co_return arrival;
  }
  if (response.head.status != 200) {
    if (concerns_own_credentials(response.head, *body, signer)) {
      arrival.refused = refusal_of_credentials(shared_, exchange_, caller_, response.head.status);
      co_return arrival;
    }
    const auto error = read_sts_error(response.head, *body);
    if (!error || response.head.status < 400) {
      drop("upstream's answer is neither credentials nor an error");
      co_return arrival;
    }
    std::string text = write_sts_error(*error, response.head.status, exchange_.request_id());
    arrival.outcome.response_bytes = text.size();
    http::ResponseHead head = xml_head(response.head.status, exchange_.request_id());
    auto answered = co_await exchange_.respond(std::move(head), std::move(text));
    if (!answered) arrival.outcome.detail = "the client had left";
    co_return arrival;
  }
  auto handed = read_handed_out(call, response.head, *body, shared_.needs.clock.now());
  crypto::wipe(*body);
  if (!handed) {
    drop(handed.error().message);
    co_return arrival;
  }
  const std::string asked = account_of_arn(role_asked_for(*understood_));
  if (call == StsCall::kAssumeRole && account_of_arn(handed->arn) != asked) {
    drop("upstream's answer names another account than the role's");
    co_return arrival;
  }
  const Time expiry = *handed->credentials.expiry;
  co_return co_await answer_with_session(call, expiry, &*handed, std::move(arrival));
}

boost::asio::awaitable<Arrival> Passage::answer_with_session(StsCall call, Time expiry,
                                                             HandedOut* handed, Arrival arrival) {
  gate::Child child;
  child.child = {.parent = caller_.holder->session.id,
                 .expiry = expiry,
                 .acts_as = handed == nullptr ? std::string() : handed->arn};
  child.decided_index = decision_->ledger_index;
  child.request_id = exchange_.request_id();
  child.role = role_asked_for(*understood_);
  auto started = co_await start_child(std::move(child));
  Result<void> ready;
  if (started) ready = shared_.needs.identity.refresh();
  if (started && ready && handed != nullptr) {
    ready = shared_.roles.keep(started->session, vault::make_signer(std::move(handed->credentials)),
                               expiry);
  }
  if (!started || !ready) {
    const Error& error = started ? ready.error() : started.error();
    arrival.outcome.detail = fmt::format("no session could be started: {}", error.message);
    arrival.refused =
        Refused{error.code == Code::kDenied ? Fault::kAccessDenied : Fault::kUnavailable,
                fmt::format("{} (request {})", arrival.outcome.detail, exchange_.request_id())};
    co_return arrival;
  }
  std::string text = write_sts_answer(call, started->keys, started->session.expiry, handed,
                                      exchange_.request_id());
  arrival.outcome.response_bytes = text.size();
  http::ResponseHead head = xml_head(200, exchange_.request_id());
  auto answered = co_await exchange_.respond(std::move(head), std::move(text));
  if (!answered) arrival.outcome.detail = "the client had left";
  co_return arrival;
}

http::Task<identity::Identity::StartedSession> Passage::start_child(gate::Child child) {
  gate::Gate& gate = shared_.needs.gate;
  const std::function<void(http::Done<identity::Identity::StartedSession>)> start =
      [&](const http::Done<identity::Identity::StartedSession>& done) {
        gate.start_child(std::move(child), done);
      };
  co_return co_await http::await_callback<identity::Identity::StartedSession>(start, kStartTimeout);
}

}  // namespace keyturn::aws
