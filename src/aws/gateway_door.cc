#include "aws/gateway_door.h"

namespace keyturn::aws {
namespace {

Checked<void> check_session(const Shared& shared, const Caller& caller) {
  const identity::Session& session = caller.holder->session;
  if (session.ended || session.expiry <= shared.needs.clock.now()) {
    return refuse(Fault::kExpiredToken,
                  "session {} ended at {}; start another with `keyturn run` or `keyturn session "
                  "start`",
                  session.id.text(), format_time(session.ended.value_or(session.expiry)));
  }
  return {};
}

}  // namespace

Checked<Caller> identify(Shared& shared, const http::RequestHead& head) {
  auto claim = read_claim(head);
  if (!claim) return tl::unexpected<Refused>(std::move(claim).error());
  Caller caller;
  caller.claim = std::move(*claim);
  caller.holder = shared.needs.identity.find_key(caller.claim.access_key_id);
  // Perhaps another gateway has started it since this one looked.
  if (caller.holder == nullptr && shared.needs.identity.look_for_key(caller.claim.access_key_id)) {
    caller.holder = shared.needs.identity.find_key(caller.claim.access_key_id);
  }
  if (caller.holder == nullptr) {
    if (shared.needs.identity.was_key(caller.claim.access_key_id)) {
      return refuse(Fault::kExpiredToken,
                    "the session of this access key has ended; start another with `keyturn run`");
    }
    return refuse(
        Fault::kUnknownKey,
        "no session has this access key; the gateway takes session keys only, as `keyturn "
        "run` hands them out");
  }
  if (auto open = check_session(shared, caller); !open) {
    return tl::unexpected<Refused>(std::move(open).error());
  }
  const VerifyOptions options{.skew_max = shared.options.clock_skew_max};
  if (auto sound = check_claim(head, caller.claim, shared.needs.clock.now(), options); !sound) {
    return tl::unexpected<Refused>(std::move(sound).error());
  }
  auto payload = read_payload_name(head, caller.claim);
  if (!payload) return tl::unexpected<Refused>(std::move(payload).error());
  caller.payload = std::move(*payload);
  return caller;
}

Checked<void> verify(Shared& shared, const http::RequestHead& head, Caller& caller,
                     std::string_view payload) {
  CHECK(caller.holder->keys != nullptr);
  const VerifyOptions options{.skew_max = shared.options.clock_skew_max};
  auto key = verify_signature(head, caller.claim, payload, *caller.holder->keys,
                              shared.needs.clock.now(), options, shared.signing_keys);
  if (!key) return tl::unexpected<Refused>(std::move(key).error());
  caller.key = std::move(*key);
  if (caller.claim.with != SignedWith::kV4) {
    auto identity = signed_identity(head, caller.claim, payload);
    if (!identity) return tl::unexpected<Refused>(std::move(identity).error());
    caller.identity = std::move(*identity);
  }
  if (caller.holder->agent.state != identity::State::kActive) {
    return refuse(Fault::kAccessDenied, "agent `{}` is suspended", caller.holder->agent.id.text());
  }
  if (caller.holder->owner.state != identity::State::kActive) {
    return refuse(Fault::kAccessDenied, "the owner of agent `{}` is suspended",
                  caller.holder->agent.id.text());
  }
  return {};
}

}  // namespace keyturn::aws
