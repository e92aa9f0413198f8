#include "cli/explanation.h"

#include "base/bytes.h"

namespace keyturn::cli {
namespace {

bool is_true(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  return value != nullptr && *value == Json(true);
}

// Empty when there is none.
const Json::Array& list_of(const Json& object, std::string_view key) {
  static const Json::Array kNone;
  const Json* list = object.find(key);
  return list == nullptr || !list->is_array() ? kNone : *list->if_array();
}

// Nothing when zero of them were left out.
std::string omitted(const Json& object, std::string_view key, std::string_view what,
                    std::size_t indent) {
  const Json* number = object.find(key);
  if (number == nullptr || *number == Json(0)) return "";
  return safe_lines(fmt::format("{} not shown: {}", what, safe(number)), indent);
}

std::string verb(std::string_view truth, bool is_forbid) {
  if (truth == "true") return is_forbid ? "forbids" : "permits";
  if (truth == "false") return "does not apply: a condition is not met";
  if (truth == "failed") return "failed and is skipped";
  return "is about other requests";
}

Ink ink_of(std::string_view truth, bool is_forbid) {
  if (truth == "failed") return Ink::kYellow;
  if (truth != "true") return Ink::kDim;
  return is_forbid ? Ink::kRed : Ink::kGreen;
}

std::string scope_text(const Json& policy) {
  const auto part = [&](std::string_view name) {
    const bool matches = is_true(policy, fmt::format("{}_matches", name));
    return fmt::format("{} {}", name, matches ? "matches" : "does not match");
  };
  return fmt::format("scope: {}, {}, {}", part("principal"), part("action"), part("resource"));
}

std::string condition_text(const Json& condition, std::size_t indent) {
  std::string text = safe_lines(condition.string_or("text", ""), indent);
  const std::string truth = condition.string_or("truth", "");
  const std::string deciding = condition.string_or("deciding", "");
  if (deciding.empty()) return text + safe_lines(truth, indent + 2);
  text += safe_lines(truth + ", decided by:", indent + 2) + safe_lines(deciding, indent + 4);
  for (const Json& part : list_of(condition, "values")) {
    text += safe_lines(fmt::format("where {} is {}", part.string_or("expression", ""),
                                   part.string_or("value", "")),
                       indent + 4);
  }
  const std::string error = condition.string_or("error", "");
  return error.empty() ? text : text + safe_lines("error: " + error, indent + 4);
}

// What reviews must still make true; or, of a policy that already speaks, what they would change.
std::string remaining_text(const Json& policy, std::size_t indent, std::string_view wanting) {
  const std::string remaining = policy.string_or("remaining", "");
  if (remaining.empty()) return "";
  const bool is_wanting =
      policy.string_or("effect", "") == "permit" && policy.string_or("truth", "") != "true";
  return safe_lines(is_wanting ? wanting : "depends on reviews:", indent) +
         safe_lines(remaining, indent + 2);
}

std::string principals_of(const Json& answer) {
  std::string text;
  for (const Json& principal : list_of(answer, "principals")) {
    text += fmt::format("{}{}", text.empty() ? "" : " and ", safe(&principal));
  }
  return text;
}

std::string answer_text(const Json& answer, const Style& style, std::string_view wanting) {
  std::string text = safe_lines(fmt::format("for {}, on", principals_of(answer)), 2);
  for (const Json& resource : list_of(answer, "resources")) {
    text += fmt::format("    {}\n", safe(&resource));
  }
  text += omitted(answer, "resources_omitted", "resources", 4);
  for (const Json& policy : list_of(answer, "policies")) {
    text += policy_explanation(policy, style, 2, wanting);
  }
  return text + omitted(answer, "policies_omitted", "policies", 2);
}

}  // namespace

std::string policy_explanation(const Json& policy, const Style& style, std::size_t indent,
                               std::string_view wanting) {
  const std::string truth = policy.string_or("truth", "");
  const std::string effect = policy.string_or("effect", "");
  const bool is_forbid = effect == "forbid";
  std::string text(indent, ' ');
  text += fmt::format(
      "{} {}\n", printable(effect),
      style.paint(ink_of(truth, is_forbid),
                  fmt::format("`{}` {}", safe(policy, "policy"), verb(truth, is_forbid))));
  text += safe_lines(scope_text(policy), indent + 2);
  if (truth == "not reached") return text;
  for (const Json& condition : list_of(policy, "conditions")) {
    text += condition_text(condition, indent + 2);
  }
  return text + remaining_text(policy, indent + 2, wanting);
}

std::string hold_explanation(const Json& explanation, const Style& style, bool is_decided) {
  const std::string_view wanting = is_decided ? "was needed:" : "still needed:";
  std::string text;
  for (const Json& answer : list_of(explanation, "answers")) {
    text += answer_text(answer, style, wanting);
  }
  const std::string error = explanation.string_or("error", "");
  if (!error.empty()) text += safe_lines("cannot be told: " + error, 2);
  return text + omitted(explanation, "questions_omitted", "questions", 2);
}

}  // namespace keyturn::cli
