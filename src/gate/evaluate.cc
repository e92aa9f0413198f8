// Deciding, purely: policies, action and facts in, verdict out (invariant 9).
#include <algorithm>
#include <set>

#include "gate/inquiry.h"

namespace keyturn::gate {
namespace {

// Collects over principals and resources. What forbids or fails is named before what permits.
struct Collected {
  bool permitted = true;
  std::set<std::string> permits;
  std::set<std::string> forbids;
  std::set<std::string> errors;

  void add(const Policies& policies, const cedar::Response& response) {
    const bool allowed = response.decision == cedar::Decision::kAllow;
    for (const std::string& id : response.reasons) {
      (allowed ? permits : forbids).insert(policies.name(id));
    }
    for (const cedar::Diagnostic& error : response.errors) {
      errors.insert(fmt::format("{}: {}", policies.name(error.policy), error.message));
    }
    permitted = permitted && allowed && response.errors.empty();
  }

  Evaluation evaluation() const {
    const auto& reasons = permitted ? permits : forbids;
    return {permitted, {reasons.begin(), reasons.end()}, {errors.begin(), errors.end()}};
  }
};

// What would come of each number of approvals that reviewers could still give. Each question is
// asked once with the approvals unknown; only what is left of the policies then is asked about each
// number.
class Prospects {
 public:
  Prospects(const Policies& policies, const Inquiry& inquiry, int approvals)
      : policies_(policies), inquiry_(inquiry), first_(approvals + 1) {}

  Result<void> look() {
    cedar::PartialRequest unknown = without_approvals(inquiry_.request());
    for (const Resource& resource : inquiry_.resources()) {
      TRY(const cedar::Entities entities, inquiry_.entities(policies_, resource));
      unknown.request.resource = Inquiry::uid_of(resource);
      for (const cedar::EntityUid& principal : inquiry_.principals()) {
        unknown.request.principal = principal;
        TRY_VOID(ask(entities, unknown));
        if (hopeless_) return {};
      }
    }
    return {};
  }

  // The fewest approvals with which everything is permitted.
  std::optional<int> fewest() const {
    for (int approvals = first_; approvals <= kApprovalsMax; ++approvals) {
      if (!hopeless_ && at(approvals).permitted) return approvals;
    }
    return std::nullopt;
  }
  const Collected& at(int approvals) const {
    return collected_[static_cast<std::size_t>(approvals)];
  }

 private:
  Result<void> ask(const cedar::Entities& entities, const cedar::PartialRequest& unknown) {
    TRY(const cedar::PartialResponse answer,
        cedar::authorize_partially(policies_.set(), entities, unknown, &policies_.schema()));
    hopeless_ = true;
    // Reviews change neither what is forbidden without them nor a policy that fails without them.
    if (answer.decision == cedar::Decision::kDeny || !answer.errors.empty()) return {};
    cedar::Request known = unknown.request;
    for (int approvals = first_; approvals <= kApprovalsMax; ++approvals) {
      Collected& then = collected_[static_cast<std::size_t>(approvals)];
      if (!then.permitted) continue;
      known.context.set(kApprovalsAttribute, approvals);
      TRY(const cedar::Response response,
          cedar::authorize(answer.remaining, entities, known, &policies_.schema()));
      then.add(policies_, response);
      if (then.permitted) hopeless_ = false;
    }
    return {};
  }

  const Policies& policies_;
  const Inquiry& inquiry_;
  const int first_;
  bool hopeless_ = false;
  std::array<Collected, kApprovalsMax + 1> collected_;  // by number of approvals
};

}  // namespace

Result<Evaluation> evaluate(const Policies& policies, const Action& action, const Facts& facts) {
  TRY(const Inquiry inquiry, Inquiry::make(action, facts));
  cedar::Request request = inquiry.request();
  Collected collected;
  for (const Resource& resource : inquiry.resources()) {
    TRY(const cedar::Entities entities, inquiry.entities(policies, resource));
    request.resource = Inquiry::uid_of(resource);
    for (const cedar::EntityUid& principal : inquiry.principals()) {
      request.principal = principal;
      TRY(const cedar::Response response,
          cedar::authorize(policies.set(), entities, request, &policies.schema()));
      collected.add(policies, response);
    }
  }
  return collected.evaluation();
}

Result<Judgement> judge(const Policies& policies, const Action& action, const Facts& facts,
                        int reviewers_max) {
  TRY(Evaluation now, evaluate(policies, action, facts));
  return judge(policies, action, facts, std::move(now), reviewers_max);
}

Result<Judgement> judge(const Policies& policies, const Action& action, const Facts& facts,
                        Evaluation now, int reviewers_max) {
  Judgement judgement{VerdictKind::kAllow, 0, std::move(now.reasons), std::move(now.errors)};
  if (now.permitted) return judgement;
  judgement.kind = VerdictKind::kDeny;
  if (facts.approvals >= kApprovalsMax) return judgement;
  TRY(const Inquiry inquiry, Inquiry::make(action, facts));
  Prospects prospects(policies, inquiry, facts.approvals);
  TRY_VOID(prospects.look());
  const std::optional<int> fewest = prospects.fewest();
  if (!fewest) return judgement;
  Evaluation later = prospects.at(*fewest).evaluation();
  judgement.approvals_needed = *fewest;
  judgement.reasons = std::move(later.reasons);
  judgement.errors = std::move(later.errors);
  if (*fewest <= reviewers_max) judgement.kind = VerdictKind::kHold;
  return judgement;
}

}  // namespace keyturn::gate
