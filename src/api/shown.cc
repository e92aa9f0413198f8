#include "api/shown.h"

namespace keyturn::api {
namespace {

std::string_view state_of(const identity::Session& session, Time now) {
  if (session.ended) return "ended";
  return session.expiry <= now ? "expired" : "active";
}

// A change past its time never counts, whether the sweep has seen it or not.
std::string_view state_of(const review::Change& change, Time now) {
  const bool late = change.state == review::ChangeState::kOpen && change.expires <= now;
  return to_string(late ? review::ChangeState::kExpired : change.state);
}

Json shown(const review::Review& review) {
  return Json::object({{"person", review.person.text()},
                       {"answer", to_string(review.answer)},
                       {"words", review.words},
                       {"digest", review.digest.hex()},
                       {"time", format_time(review.time)}});
}

int count_approvals(const review::Change& change) {
  int count = 0;
  for (const review::Review& review : change.reviews) {
    if (review.answer == review::Answer::kApprove) ++count;
  }
  return count;
}

}  // namespace

Json shown(const identity::Person& person) {
  return Json::object({{"id", person.id.text()},
                       {"name", person.name},
                       {"role", to_string(person.role)},
                       {"state", to_string(person.state)},
                       {"created", format_time(person.created)}});
}

Json shown(const identity::Agent& agent) {
  return Json::object({{"id", agent.id.text()},
                       {"owner", agent.owner.text()},
                       {"state", to_string(agent.state)},
                       {"created", format_time(agent.created)}});
}

Json shown(const identity::Session& session, Time now) {
  return Json::object({{"id", session.id.text()},
                       {"agent", session.agent.text()},
                       {"owner", session.owner.text()},
                       {"starter", session.starter.text()},
                       {"purpose", session.purpose},
                       {"state", state_of(session, now)},
                       {"start", format_time(session.start)},
                       {"expiry", format_time(session.expiry)},
                       {"ended", session.ended ? Json(format_time(*session.ended)) : Json()},
                       {"access_key_id", session.access_key_id},
                       {"parent", session.parent ? Json(session.parent->text()) : Json()},
                       {"acts_as", session.acts_as}});
}

Json shown(const review::Change& change, Detail detail, Time now) {
  Json reviews{Json::Array()};
  for (const review::Review& review : change.reviews) reviews.push_back(shown(review));
  Json json = Json::object({{"id", change.id.text()},
                            {"state", state_of(change, now)},
                            {"summary", change.summary},
                            {"effect", to_string(change.effect)},
                            {"tier", to_string(change.tier)},
                            {"agent", change.agent.text()},
                            {"owner", change.owner.text()},
                            {"starter", change.starter.text()},
                            {"session", change.session.text()},
                            {"reason", change.reason},
                            {"approvals", count_approvals(change)},
                            {"approvals_needed", change.approvals_needed},
                            {"created", format_time(change.created)},
                            {"expires", format_time(change.expires)},
                            {"digest", change.digest.hex()},
                            {"reviews", std::move(reviews)}});
  if (detail == Detail::kSummary) return json;
  json.set("action", change.action);
  json.set("action_digest", change.action_digest.hex());
  json.set("policy_digest", change.policy_digest.hex());
  return json;
}

Json shown(const ledger::Entry& entry) {
  return Json::object({{"index", entry.index},
                       {"time", format_time(entry.time)},
                       {"kind", entry.kind},
                       {"text", entry.text},
                       {"leaf", entry.leaf.hex()}});
}

Json shown(const ledger::Head& head) {
  return Json::object({{"size", head.size}, {"root", head.root.hex()}});
}

}  // namespace keyturn::api
