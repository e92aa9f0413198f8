#include "gate/messages.h"

#include <fmt/ranges.h>

namespace keyturn::gate {
namespace {

constexpr std::size_t kWordsShownMax =
    1'000;  // error messages of SDKs are read by people and models
constexpr std::size_t kErrorsShownMax = 500;

std::string_view plural(int count) { return count == 1 ? "" : "s"; }

std::string quoted(const std::vector<std::string>& names) {
  return fmt::format("`{}`", fmt::join(names, "`, `"));
}

}  // namespace

std::string hold_message(const review::Change& change) {
  std::string who =
      fmt::format("not {}, the owner of agent {}", change.owner.text(), change.agent.text());
  if (change.starter != change.owner) {
    who += fmt::format(", nor {}, who started the session", change.starter.text());
  }
  return fmt::format(
      "held as {}: needs {} approval{} from independent reviewers ({}), who see it with `keyturn "
      "change show {}`; retry the identical request after approval",
      change.id.text(), change.approvals_needed, plural(change.approvals_needed), who,
      change.id.text());
}

std::string rejection_message(const review::Change& change) {
  for (const review::Review& review : change.reviews) {
    if (review.answer != review::Answer::kReject) continue;
    return fmt::format("{} was rejected by {}: “{}”; choose a safer way", change.id.text(),
                       review.person.text(), printable(review.words, kWordsShownMax));
  }
  return fmt::format("{} was rejected; choose a safer way", change.id.text());
}

std::string denial_message(const Policies* policies, const Action& action,
                           const Judgement& judgement, int reviewers) {
  const std::string what = summary(action);
  if (judgement.approvals_needed > 0) {
    return fmt::format(
        "denied: {} needs {} approvals from independent reviewers, but only {} exist{} (policies "
        "{}); ask an administrator to add reviewers, or choose a safer way",
        what, judgement.approvals_needed, reviewers, reviewers == 1 ? "s" : "",
        quoted(judgement.reasons));
  }
  if (!judgement.reasons.empty()) {
    std::string_view advice = "choose another way";
    for (const std::string& name : judgement.reasons) {
      if (policies == nullptr || policies->advice(name).empty()) continue;
      advice = policies->advice(name);
      break;
    }
    return fmt::format("denied: {} is forbidden by policy {}; {}", what, quoted(judgement.reasons),
                       advice);
  }
  if (!judgement.errors.empty()) {
    return fmt::format(
        "denied: {} could not be judged ({}); ask an administrator to correct the policy", what,
        printable(fmt::format("{}", fmt::join(judgement.errors, "; ")), kErrorsShownMax));
  }
  return fmt::format("denied: no policy permits {}; choose another way, or ask for a policy", what);
}

}  // namespace keyturn::gate
