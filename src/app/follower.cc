#include "app/follower.h"

#include "base/json.h"

namespace keyturn::app {
namespace {

constexpr std::size_t kPageEntries = 500;

}  // namespace

void Follower::look() {
  const auto done = read();
  std::string error = done ? "" : done.error().message;
  if (error == error_) return;
  error_ = std::move(error);
  if (done) return needs_.log.info("gateways.followed_again", {});
  needs_.log.warning("gateways.not_followed",
                     {{"error", error_},
                      {"note",
                       "what other gateways do is seen late here; every decision still reads the "
                       "database"}});
}

Result<void> Follower::read() {
  for (bool more = true; more;) {
    TRY(const auto entries, needs_.ledger.read(next_, kPageEntries));
    more = entries.size() == kPageEntries;
    for (const ledger::Entry& entry : entries) take(entry);
    next_ += entries.size();
  }
  if (!accounts_changed_) return {};
  TRY_VOID(needs_.identity.refresh());
  accounts_changed_ = false;
  return {};
}

void Follower::take(const ledger::Entry& entry) {
  const std::string_view kind = entry.kind;
  if (kind.starts_with("action.")) return;
  if (kind.starts_with("session.") || kind.starts_with("person.") || kind.starts_with("agent.")) {
    accounts_changed_ = true;
    return;
  }
  const auto parsed = parse_strict(entry.text);
  const Json* body = parsed ? parsed->find("body") : nullptr;
  if (body == nullptr) return;
  if (kind == "policy.loaded") return look_at_policies(*body);
  const auto change = ChangeId::parse(body->string_or("change", ""));
  if (change) needs_.gate.wake(*change);
}

void Follower::look_at_policies(const Json& body) {
  const std::string digest(body.string_or("policy_digest", ""));
  const auto ours = needs_.gate.policies();
  if (ours == nullptr || ours->digest().hex() == digest || foreign_pack_ == digest) return;
  foreign_pack_ = digest;
  needs_.log.warning("policies.differ",
                     {{"ours", ours->digest().hex()},
                      {"loaded", digest},
                      {"note",
                       "a gateway over the same database has loaded other policies; a change that "
                       "was opened under one pack is void under the other: load the same on all"}});
}

}  // namespace keyturn::app
