#include "gate/explain.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/bytes.h"
#include "gate/inquiry.h"

namespace keyturn::gate {
namespace {

void cut(std::string& text) { text = shortened(std::move(text), kExplainedTextBytesMax); }

std::size_t cut_all(ExplainedPolicy& policy) {
  cut(policy.remaining);
  std::size_t bytes = policy.found.policy.size() + policy.remaining.size();
  for (cedar::ConditionExplanation& condition : policy.found.conditions) {
    for (std::string* text : {&condition.text, &condition.deciding, &condition.error}) {
      cut(*text);
      bytes += text->size();
    }
    for (auto& [part, value] : condition.values) {
      cut(part);
      cut(value);
      bytes += part.size() + value.size();
    }
  }
  return bytes;
}

// What depends on reviews, then what is about the request, then the rest.
std::size_t rank(const ExplainedPolicy& policy) {
  if (!policy.remaining.empty()) return 0;
  return policy.found.principal_matches && policy.found.resource_matches ? 1 : 2;
}

class HoldExplainer {
 public:
  HoldExplainer(const Policies& policies, const Inquiry& inquiry)
      : policies_(policies), inquiry_(inquiry), request_(inquiry.request()) {}

  Result<HoldExplanation> run() {
    for (const Resource& resource : inquiry_.resources()) {
      TRY(const cedar::Entities entities, inquiry_.entities(policies_, resource));
      request_.resource = Inquiry::uid_of(resource);
      for (const cedar::EntityUid& principal : inquiry_.principals()) {
        request_.principal = principal;
        TRY_VOID(ask(entities));
      }
    }
    return std::move(explanation_);
  }

 private:
  Result<void> ask(const cedar::Entities& entities) {
    TRY(const cedar::PreparedRequest prepared,
        cedar::PreparedRequest::make(request_, &policies_.schema()));
    const cedar::Response response = cedar::authorize(policies_.set(), entities, prepared);
    if (response.decision == cedar::Decision::kAllow && response.errors.empty()) return {};
    if (asked_ == kExplainedQuestionsMax) {
      ++explanation_.questions_omitted;
      return {};
    }
    ++asked_;
    TRY(std::vector<ExplainedPolicy> found, explained(entities, prepared));
    add(std::move(found));
    return {};
  }

  Result<std::vector<ExplainedPolicy>> explained(const cedar::Entities& entities,
                                                 const cedar::PreparedRequest& prepared) const {
    TRY(const cedar::PartialResponse partial,
        cedar::authorize_partially(policies_.set(), entities, without_approvals(request_),
                                   &policies_.schema()));
    std::map<std::string_view, std::string_view> remaining;
    for (const cedar::ResidualPolicy& residual : partial.residuals) {
      remaining.emplace(residual.policy, residual.condition);
    }
    cedar::Explanation explanation =
        cedar::explain(policies_.set(), entities, prepared, cedar::ExplainWhich::kMatchingAction);
    std::array<std::vector<ExplainedPolicy>, 3> ranked;
    for (cedar::PolicyExplanation& policy : explanation.policies) {
      const auto left = remaining.find(policy.policy);
      ExplainedPolicy item;
      if (left != remaining.end()) item.remaining = std::string(left->second);
      policy.policy = policies_.name(policy.policy);
      item.found = std::move(policy);
      ranked[rank(item)].push_back(std::move(item));
    }
    std::vector<ExplainedPolicy> found;
    for (std::vector<ExplainedPolicy>& some : ranked) {
      std::move(some.begin(), some.end(), std::back_inserter(found));
    }
    return found;
  }

  // Cuts to the bounds, and joins the answer to an equal one.
  void add(std::vector<ExplainedPolicy> found) {
    ExplainedAnswer answer;
    std::size_t bytes = 0;
    for (ExplainedPolicy& policy : found) {
      const std::size_t more = cut_all(policy);
      if (answer.policies.size() == kExplainedPoliciesMax ||
          bytes_ + bytes + more > kExplainedBytesMax) {
        break;
      }
      bytes += more;
      answer.policies.push_back(std::move(policy));
    }
    answer.policies_omitted = found.size() - answer.policies.size();
    const std::string text = text_of(answer);
    auto known = std::find(texts_.begin(), texts_.end(), text);
    if (known == texts_.end()) {
      if (texts_.size() == kExplainedAnswersMax) {
        ++explanation_.questions_omitted;
        return;
      }
      bytes_ += bytes;
      explanation_.answers.push_back(std::move(answer));
      known = texts_.insert(texts_.end(), text);
    }
    name_question(static_cast<std::size_t>(known - texts_.begin()));
  }

  void name_question(std::size_t at) {
    ExplainedAnswer& answer = explanation_.answers[at];
    const std::string principal = request_.principal.text();
    auto& principals = answer.principals;
    if (std::find(principals.begin(), principals.end(), principal) == principals.end()) {
      principals.push_back(principal);
    }
    named_.resize(explanation_.answers.size());
    if (!named_[at].insert(request_.resource.id).second) return;
    if (answer.resources.size() == kExplainedResourcesMax) {
      ++answer.resources_omitted;
      return;
    }
    answer.resources.push_back(request_.resource.id);
    cut(answer.resources.back());
  }

  static std::string text_of(const ExplainedAnswer& answer) {
    HoldExplanation alone;
    alone.answers.push_back(answer);
    return to_text(to_json(alone));
  }

  const Policies& policies_;
  const Inquiry& inquiry_;
  cedar::Request request_;
  std::size_t asked_ = 0;
  std::size_t bytes_ = 0;
  // By answer: its text before its questions were named, and the resources they are about.
  std::vector<std::string> texts_;
  std::vector<std::set<std::string>> named_;
  HoldExplanation explanation_;
};

Json texts(const std::vector<std::string>& texts) {
  Json list(Json::Array{});
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

Json to_json(const ExplainedAnswer& answer) {
  Json policies(Json::Array{});
  for (const ExplainedPolicy& policy : answer.policies) {
    Json json = cedar::to_json(policy.found);
    json.set("remaining", policy.remaining);
    policies.push_back(std::move(json));
  }
  return Json::object({{"principals", texts(answer.principals)},
                       {"resources", texts(answer.resources)},
                       {"resources_omitted", static_cast<std::int64_t>(answer.resources_omitted)},
                       {"policies", std::move(policies)},
                       {"policies_omitted", static_cast<std::int64_t>(answer.policies_omitted)}});
}

}  // namespace

Result<HoldExplanation> explain_hold(const Policies& policies, const Action& action,
                                     const Facts& facts) {
  TRY(const Inquiry inquiry, Inquiry::make(action, facts));
  return HoldExplainer(policies, inquiry).run();
}

Result<HoldExplanation> explain_hold(const Gate& gate, const review::Change& change,
                                     const std::string& purpose) {
  if (review::is_erased(change)) {
    return fail(Code::kNotFound, "what {} asked for was erased", change.id.text());
  }
  TRY(const std::shared_ptr<const Policies> policies, gate.find_policies(change.policy_digest));
  TRY(const Action action, read_action(change.action));
  return explain_hold(*policies, action, {change.agent, change.owner, purpose, 0});
}

Json to_json(const HoldExplanation& explanation) {
  Json answers(Json::Array{});
  for (const ExplainedAnswer& answer : explanation.answers) answers.push_back(to_json(answer));
  return Json::object(
      {{"answers", std::move(answers)},
       {"questions_omitted", static_cast<std::int64_t>(explanation.questions_omitted)}});
}

}  // namespace keyturn::gate
