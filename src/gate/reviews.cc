// Reviews given and changes ended through the gate, with their ledger entries.
#include "gate/bodies.h"
#include "gate/destroyed.h"
#include "gate/inside.h"
#include "gate/known_time.h"
#include "gate/sent.h"

namespace keyturn::gate {
namespace {

using Given = review::Reviews::Given;

// Whether the change was held by other policies than today's; then it is void, and that is
// recorded.
Result<bool> void_if_stale(Gate::Inside& inside, store::Transaction& transaction,
                           const review::Change& change) {
  const auto policies = inside.current_policies();
  const bool stale = policies == nullptr || change.policy_digest != policies->digest();
  if (change.state != review::ChangeState::kOpen || !stale) return false;
  TRY_VOID(inside.reviews.make_void(transaction, change.id));
  TRY_VOID(
      inside.ledger.append(transaction, "change.void",
                           moved_body(change, "the policies have changed since it was opened")));
  return true;
}

Result<void> record(Gate::Inside& inside, store::Transaction& transaction, const Given& given) {
  TRY_VOID(inside.ledger.append(transaction, "review.given",
                                review_body(given.change, given.change.reviews.back())));
  if (given.grant) {
    TRY_VOID(inside.ledger.append(transaction, "grant.issued", grant_body(*given.grant)));
  }
  return {};
}

}  // namespace

Result<Given> Gate::give_review(ChangeId id, const PersonId& person, review::Answer answer,
                                const Digest& digest, std::string_view words) {
  Inside& inside = *inside_;
  Given given;
  bool stale = false;
  TRY_VOID(inside.store.run([&](store::Transaction& transaction) -> Result<void> {
    TRY(const review::Change change, inside.reviews.get_change(transaction, id));
    TRY(stale, void_if_stale(inside, transaction, change));
    if (stale) return {};
    TRY(given, inside.reviews.give_review(transaction, id, person, answer, digest, words));
    return record(inside, transaction, given);
  }));
  inside.listeners->wake(id);
  if (stale) {
    return fail(Code::kConflict,
                "{} is void: the policies have changed since it was opened; the agent's next try "
                "opens a new change",
                id.text());
  }
  return given;
}

Result<std::size_t> Gate::sweep() {
  Inside& inside = *inside_;
  std::vector<ChangeId> expired;
  TRY_VOID(inside.store.run([&](store::Transaction& transaction) -> Result<void> {
    TRY(expired, inside.reviews.expire(transaction));
    TRY_VOID(sweep_destroyed(transaction, inside.clock.now()));
    TRY_VOID(sweep_sent(transaction, inside.clock.now()));
    TRY_VOID(write_known_time(transaction, inside.clock.now()));
    for (const ChangeId id : expired) {
      TRY_VOID(inside.ledger.append(transaction, "change.expired",
                                    Json::object({{"change", id.text()}})));
    }
    return {};
  }));
  for (const ChangeId id : expired) inside.listeners->wake(id);
  return expired.size();
}

}  // namespace keyturn::gate
