// The transaction of invariant 1: whatever a verdict rests on is read, used and recorded together.
#include "gate/decide.h"

#include "crypto/crypto.h"
#include "gate/destroyed.h"
#include "gate/messages.h"
#include "gate/sent.h"
#include "ledger/contents.h"

namespace keyturn::gate {
Deciding::Deciding(Gate::Inside& inside, Question question)
    : inside_(inside),
      question_(std::move(question)),
      recorded_(recorded_action(question_.action)),
      policies_(inside.current_policies()) {
  facts_.agent = question_.holder->session.agent;
  facts_.owner = question_.holder->session.owner;
  facts_.purpose = question_.holder->session.purpose;
  evaluate_now();
}

void Deciding::evaluate_now() {
  if (policies_ == nullptr) {
    evaluation_ = fail(Code::kUnavailable, "no policies are loaded");
  } else {
    evaluation_ = evaluate(*policies_, question_.action, facts_);
  }
}

Result<void> Deciding::decide(store::Transaction& transaction) {
  TRY(const auto obstacle, find_obstacle(transaction));
  if (obstacle) return deny(transaction, Cause::kSession, *obstacle);
  // One gateway alone knows what it has sent.
  if (question_.sending && transaction.writer() != 0) {
    TRY(const bool sent, was_sent(transaction, *question_.sending, inside_.clock.now()));
    if (sent) {
      return deny(transaction, Cause::kSession,
                  "denied: a request with this signature was sent to another gateway and executed, "
                  "or is under way there; sign it anew");
    }
  }
  TRY_VOID(relate(transaction));
  if (auto current = inside_.current_policies(); current != policies_) {
    policies_ = std::move(current);
    evaluate_now();
  }
  if (!evaluation_) {
    judgement_.errors = {evaluation_.error().message};
    return deny(transaction, Cause::kPolicy,
                denial_message(policies_.get(), question_.action, judgement_, reviewers_));
  }
  if (evaluation_->permitted) {
    decision_.policies = evaluation_->reasons;
    return allow(transaction);
  }
  return consult_reviewers(transaction);
}

Result<void> Deciding::relate(store::Transaction& transaction) {
  if (question_.find_recreations == nullptr) return {};
  Action& action = question_.action;
  TRY(const auto destroyed, load_destroyed(transaction, question_.holder->session.root));
  const std::vector<std::string> pairs = question_.find_recreations(action, destroyed);
  if (pairs.empty()) return {};
  Json::Array all;
  if (const Json* inside = action.attributes.find(kRecreateAttribute);
      inside != nullptr && inside->if_array() != nullptr) {
    all = *inside->if_array();
  }
  for (const std::string& pair : pairs) all.emplace_back(pair);
  action.attributes.set(kRecreateAttribute, Json(std::move(all)));
  recorded_ = recorded_action(action);
  evaluate_now();
  return {};
}

Result<std::optional<std::string>> Deciding::find_obstacle(store::Transaction& transaction) const {
  using Obstacle = std::optional<std::string>;
  const SessionId& id = question_.holder->session.id;
  TRY(const identity::Session session, inside_.identity.get_session(transaction, id));
  if (session.ended) return Obstacle("denied: the session has ended; start a new one");
  if (session.expiry <= inside_.clock.now()) {
    return Obstacle("denied: the session has expired; start a new one");
  }
  TRY(const identity::Agent agent, inside_.identity.get_agent(transaction, session.agent));
  if (agent.state != identity::State::kActive) {
    return Obstacle(fmt::format("denied: agent {} is suspended; ask its owner {}", agent.id.text(),
                                agent.owner.text()));
  }
  if (agent.owner != facts_.owner) {
    return Obstacle(fmt::format("denied: agent {} has another owner now; start a new session",
                                agent.id.text()));
  }
  TRY(const identity::Person owner, inside_.identity.get_person(transaction, agent.owner));
  if (owner.state != identity::State::kActive) {
    return Obstacle(
        fmt::format("denied: {}, the owner of agent {}, is suspended; ask an "
                    "administrator",
                    owner.id.text(), agent.id.text()));
  }
  return Obstacle();
}

Result<void> Deciding::consult_reviewers(store::Transaction& transaction) {
  const identity::Session& session = question_.holder->session;
  TRY(reviewers_,
      inside_.reviews.independent_reviewers(transaction, session.owner, session.starter));
  TRY(auto change, inside_.reviews.find_change(transaction, session.id, question_.action.digest));
  if (change && change->state == review::ChangeState::kRejected) {
    std::string message = rejection_message(*change);
    decision_.change = std::move(change);
    return deny(transaction, Cause::kReview, std::move(message));
  }
  if (change && change->state == review::ChangeState::kApproved) {
    TRY(const bool used, use_approval(transaction, *change));
    if (used) return allow(transaction);
  }
  TRY(judgement_, judge(*policies_, question_.action, facts_, *evaluation_, reviewers_));
  decision_.policies = judgement_.reasons;
  if (judgement_.kind != VerdictKind::kHold) {
    return deny(transaction, Cause::kPolicy,
                denial_message(policies_.get(), question_.action, judgement_, reviewers_));
  }
  if (change && change->state == review::ChangeState::kOpen) {
    const bool same_policies = change->policy_digest == policies_->digest();
    // More is asked of it by now: of its resources, or of what the session did since.
    const bool same_need = change->approvals_needed == judgement_.approvals_needed;
    if (same_policies && same_need) return hold(transaction, std::move(*change));
    TRY_VOID(make_void(transaction, *change,
                       same_policies ? "it needs another number of approvals now"
                                     : "the policies have changed since it was opened"));
  }
  return open_change(transaction);
}

Result<bool> Deciding::use_approval(store::Transaction& transaction, review::Change change) {
  Facts facts = facts_;
  TRY(facts.approvals, inside_.reviews.approvals(transaction, change));
  TRY(const Evaluation with_reviews, evaluate(*policies_, question_.action, facts));
  if (change.policy_digest == policies_->digest() && !with_reviews.permitted) {
    TRY_VOID(make_void(transaction, change, "its approvals do not suffice any more"));
    return false;
  }
  auto grant =
      inside_.reviews.use_grant(transaction, change, question_.action.digest, policies_->digest());
  if (!grant && grant.error().code == Code::kConflict) {
    touched_.push_back(change.id);
    TRY_VOID(inside_.ledger.append(transaction, "grant.void",
                                   moved_body(change, grant.error().message)));
    return false;
  }
  if (!grant) return fail(std::move(grant).error());
  if (!with_reviews.permitted) return fail(Code::kInternal, "a grant without a permit");
  touched_.push_back(change.id);
  TRY_VOID(inside_.ledger.append(transaction, "grant.used", grant_body(*grant)));
  change.state = review::ChangeState::kExecuted;
  facts_ = std::move(facts);
  decision_.policies = with_reviews.reasons;
  decision_.change = std::move(change);
  decision_.grant = std::move(*grant);
  return true;
}

Result<void> Deciding::open_change(store::Transaction& transaction) {
  const identity::Session& session = question_.holder->session;
  review::NewChange wanted;
  wanted.session = session.id;
  wanted.agent = session.agent;
  wanted.owner = session.owner;
  wanted.starter = session.starter;
  wanted.reason = question_.reason;
  wanted.action = &question_.action;
  wanted.policy_digest = policies_->digest();
  wanted.approvals_needed = judgement_.approvals_needed;
  auto change = inside_.reviews.open_change(transaction, wanted);
  if (!change && change.error().code == Code::kExhausted) {
    return deny(transaction, Cause::kLimit, "denied: " + change.error().message);
  }
  if (!change) return fail(std::move(change).error());
  touched_.push_back(change->id);
  TRY_VOID(inside_.ledger.append(transaction, "change.opened", opened_body(*change)));
  return hold(transaction, std::move(*change));
}

Result<void> Deciding::make_void(store::Transaction& transaction, const review::Change& change,
                                 std::string_view why) {
  TRY_VOID(inside_.reviews.make_void(transaction, change.id));
  touched_.push_back(change.id);
  TRY_VOID(inside_.ledger.append(transaction, "change.void", moved_body(change, why)));
  return {};
}

Result<void> Deciding::allow(store::Transaction& transaction) {
  decision_.kind = VerdictKind::kAllow;
  decision_.message = "allowed";
  TRY_VOID(record(transaction, Cause::kPolicy));
  TRY_VOID(remember_destroyed(transaction, question_.holder->session.root, decision_.ledger_index,
                              question_.action, inside_.clock.now()));
  // Until its outcome is recorded: what a crash leaves here was perhaps sent.
  TRY_VOID(transaction.execute(
      "INSERT INTO gate_unfinished (decided_index, request_id, writer) VALUES (?1, ?2, ?3)",
      {static_cast<std::int64_t>(decision_.ledger_index),
       printable(question_.request_id, kRequestIdBytesMax), transaction.writer()}));
  if (!question_.sending || transaction.writer() == 0) return {};
  return remember_sent(transaction, *question_.sending, decision_.ledger_index,
                       inside_.clock.now());
}

Result<void> Deciding::deny(store::Transaction& transaction, Cause cause, std::string message) {
  decision_.kind = VerdictKind::kDeny;
  decision_.message = std::move(message);
  return record(transaction, cause);
}

Result<void> Deciding::hold(store::Transaction& transaction, review::Change change) {
  decision_.kind = VerdictKind::kHold;
  decision_.message = hold_message(change);
  decision_.change = std::move(change);
  return record(transaction, Cause::kPolicy);
}

Result<void> Deciding::record(store::Transaction& transaction, Cause cause) {
  Decided decided{question_,  recorded_, decision_,         facts_, cause,
                  reviewers_, 0,         judgement_.errors, {}};
  if (decision_.kind == VerdictKind::kHold) decided.approvals_needed = judgement_.approvals_needed;
  if (policies_ != nullptr) decided.policy_digest = policies_->digest();
  TRY(const DecidedBody body, decided_body(decided));
  TRY(decision_.ledger_index,
      inside_.ledger.append_canonical(transaction, "action.decided", body.text));
  for (const std::string& content : body.contents) {
    TRY_VOID(ledger::keep_content(transaction, decision_.ledger_index,
                                  {crypto::sha256(content), content}));
  }
  return {};
}

}  // namespace keyturn::gate
