// One decision on its way. Private to the room.
#pragma once

#include "gate/bodies.h"
#include "gate/inside.h"

namespace keyturn::gate {

class Deciding {
 public:
  // Judges on the caller's thread: purely, without approvals.
  Deciding(Gate::Inside& inside, Question question);

  // The unit of work: what must be linear, and the record. Runs once.
  Result<void> decide(store::Transaction& transaction);

  // Allowed, and of no effect but that somebody knows more.
  bool only_observes() const {
    return decision_.kind == VerdictKind::kAllow && !decision_.grant &&
           question_.action.understood && question_.action.effect == Effect::kObserve;
  }
  const std::string& request_id() const { return question_.request_id; }
  Decision take() { return std::move(decision_); }
  const std::vector<ChangeId>& touched() const { return touched_; }

 private:
  void evaluate_now();
  // Why this session may not act any more, or nothing.
  Result<std::optional<std::string>> find_obstacle(store::Transaction& transaction) const;
  // Marks an action that makes again what its session destroyed.
  Result<void> relate(store::Transaction& transaction);
  Result<void> allow(store::Transaction& transaction);
  Result<void> deny(store::Transaction& transaction, Cause cause, std::string message);
  Result<void> hold(store::Transaction& transaction, review::Change change);
  Result<void> consult_reviewers(store::Transaction& transaction);
  // Whether the approved change's grant was used for this request.
  Result<bool> use_approval(store::Transaction& transaction, review::Change change);
  Result<void> open_change(store::Transaction& transaction);
  Result<void> make_void(store::Transaction& transaction, const review::Change& change,
                         std::string_view why);
  Result<void> record(store::Transaction& transaction, Cause cause);

  Gate::Inside& inside_;
  Question question_;
  RecordedAction recorded_;
  Facts facts_;
  std::shared_ptr<const Policies> policies_;
  Result<Evaluation> evaluation_;
  Judgement judgement_;
  int reviewers_ = 0;
  Decision decision_;
  std::vector<ChangeId> touched_;
};

}  // namespace keyturn::gate
