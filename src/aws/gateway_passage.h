// One request's way through the gate: verified, understood, decided, perhaps held, executed at most
// once, recorded. Lives in the coroutine that handles the request; while it waits for reviewers,
// only what cannot be had again from the head is kept. Belongs to its event loop.
#pragma once

#include "aws/gateway_body.h"
#include "aws/gateway_door.h"
#include "aws/gateway_forward.h"
#include "aws/gateway_held.h"
#include "aws/gateway_parts.h"
#include "aws/sts.h"

namespace keyturn::aws {

class Passage {
 public:
  Passage(Shared& shared, http::Exchange& exchange);
  // Always answers, unless the client has left, or the exchange is parked.
  http::Task<> run();
  // The same for a request that was parked.
  http::Task<> run_again(Held& held, http::Exchange::Woken woken);

 private:
  Step<void> pass();
  Step<void> pass_verified();
  Step<void> pass_in_turn();
  Step<void> pass_again(http::Exchange::Woken woken);
  http::Task<> conclude(Checked<void> passed);
  // Who asks, and whether they signed it; the body with it where the signature covers it.
  Step<void> enter();
  Step<void> read_body();
  Checked<void> check_whole_body();
  // What is asked, and where it would go. Asks upstream for what is deployed where that tells more.
  Step<void> understand_with_deployed();
  Checked<void> understand_request(const Deployed* deployed);
  Checked<void> assign_environments();
  // Makes the digest cover an upload's content when reviewers would have to agree to it (invariant
  // 6).
  Step<void> bind_content();
  void add_content_digest(std::string_view digest_hex);
  bool is_permitted_without_review() const;
  // Each leaves decision_.
  Step<void> decide();
  bool may_wait() const;
  void wait_for_turn();
  // Parks the exchange until a review of the change has come or time is up.
  Checked<void> start_waiting();
  void listen();
  void wait_on();
  void park(Duration timeout, std::unique_ptr<Held> held);
  Checked<void> read_caller_again();
  // With the tags of now.
  Step<void> understand_again();
  // As was decided.
  Step<void> act();
  // It was not executed: gives back what the replay guard had of it.
  void release();
  Step<void> execute();
  // The answer to the client from what came back, and how it ended.
  boost::asio::awaitable<Arrival> send(Departure departure);
  boost::asio::awaitable<Arrival> hand_out_session(StsCall call, Departure departure);
  boost::asio::awaitable<Arrival> take_handed_out(StsCall call, http::ClientResponse response,
                                                  const vault::Signer& signer);
  boost::asio::awaitable<Arrival> answer_with_session(StsCall call, Time expiry, HandedOut* handed,
                                                      Arrival arrival);
  http::Task<identity::Identity::StartedSession> start_child(gate::Child child);
  UnderstandOptions understand_options() const;
  // Binds the digest to whom the session acts as.
  void add_actor();
  http::Task<> answer(const Refused& refused);
  http::Task<> record_refusal(const Refused& refused);
  ReplayGuard::Sending sending() const;
  gate::Question question() const;

  Shared& shared_;
  http::Exchange& exchange_;
  Caller caller_;
  bool verified_ = false;
  bool decided_ = false;
  bool claimed_ = false;                         // from the replay guard
  std::unique_ptr<Turns::Turn> turn_;            // to be understood and decided
  Roles::Signer signer_;                         // with whose credentials it would leave
  std::unique_ptr<Waiting> waiting_;             // once it has waited for reviewers
  std::unique_ptr<WholeBody> whole_;             // nothing: streamed
  std::unique_ptr<WholeBody::Decoded> decoded_;  // of whole_, when it was aws-chunked and parsed
  std::optional<Understood> understood_;
  std::string content_digest_;  // hexadecimal, when the digest covers a streamed or spooled content
  http::Origin origin_;
  // Not in the coroutines' frames, which would hold room for several.
  std::unique_ptr<gate::Decision> decision_;
  std::optional<ChangeId> change_;  // named in the answer
};

}  // namespace keyturn::aws
