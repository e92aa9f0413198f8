#include "cli/change_view.h"

#include "base/bytes.h"
#include "cli/explanation.h"

namespace keyturn::cli {
namespace {

constexpr std::string_view kNone = "(none)";

std::string approvals_of(const Json& change) {
  return fmt::format("{} of {}", safe(change, "approvals"), safe(change, "approvals_needed"));
}

std::string approvals_in_words(const Json& change) {
  return fmt::format("{} of {}", safe(change, "approvals"),
                     counted(safe(change, "approvals_needed"), "approval"));
}

std::string_view meaning_of(std::string_view effect) {
  if (effect == "observe") return "reads";
  if (effect == "reveal") return "hands out secrets, credentials or bulk data";
  if (effect == "change") return "can be undone";
  if (effect == "destroy") return "cannot be undone, or not without a backup";
  if (effect == "grant") return "gives permissions";
  return "";
}

std::string head(const Json& change, const Style& style, Time now) {
  const std::string state = safe(change, "state");
  const std::string effect = safe(change, "effect");
  std::string out =
      fmt::format("{}  {}, {}\n", style.paint(Ink::kBold, safe(change, "id")),
                  style.paint(ink_of_state(state), state), approvals_in_words(change));
  out += fmt::format("\n  {}\n\n", style.paint(Ink::kBold, safe(change, "summary")));
  const auto line = [&](std::string_view label, std::string_view text) {
    out += fmt::format("  {:<10}{}\n", label, text);
  };
  line("effect",
       style.paint(ink_of_effect(effect), effect) + fmt::format(" ({})", meaning_of(effect)));
  line("tier", safe(change, "tier"));
  line("agent", fmt::format("{}, owned by {}", safe(change, "agent"), safe(change, "owner")));
  line("session",
       fmt::format("{}, started by {}", safe(change, "session"), safe(change, "starter")));
  line("created", fmt::format("{} ({})", short_time(safe(change, "created")),
                              ago(safe(change, "created"), now)));
  const std::string expires = safe(change, "expires");
  const auto time = parse_time(expires);
  line(time && *time < now ? "expired" : "expires",
       fmt::format("{} ({})", short_time(expires), ago(expires, now)));
  return out;
}

std::string tags_of(const Json& resource) {
  const Json* tags = resource.find("tags");
  if (tags == nullptr || !tags->is_object() || tags->if_object()->empty()) return "";
  std::string out;
  for (const auto& [key, value] : *tags->if_object()) {
    out += fmt::format(" {}={}", printable(key), safe(&value));
  }
  return out;
}

std::string resources_of(const Json& action, const Style& style) {
  const Json* resources = action.find("resources");
  if (resources == nullptr || !resources->is_array() || resources->if_array()->empty()) {
    return fmt::format("  {}: it may touch anything\n", kNone);
  }
  std::string out;
  for (const Json& resource : *resources->if_array()) {
    const std::string name = resource.string_or("name", "");
    out += fmt::format("  {}\n", style.paint(Ink::kBold, printable(name, name.size() * 8 + 16)));
    const std::string type = safe(resource, "type");
    const std::string environment = safe(resource, "environment");
    const std::string tags = tags_of(resource);
    out += fmt::format("    {}, {} ({}){}\n", type.empty() ? "of unknown type" : type,
                       environment.empty() ? "in no named environment" : "in " + environment,
                       safe(resource, "tier"), tags.empty() ? ", no known tags" : ", tags" + tags);
  }
  return out;
}

// JSON for people: indented, each line made harmless.
std::string json_block(const Json* value) {
  const bool empty = value == nullptr || value->is_null() ||
                     (value->is_object() && value->if_object()->empty()) ||
                     (value->is_array() && value->if_array()->empty());
  if (empty) return fmt::format("  {}\n", kNone);
  return safe_lines(to_pretty_text(*value), 2);
}

std::string why_of(const Json& action) {
  const Json* why = action.find("why");
  if (why == nullptr || !why->is_array()) return "";
  std::string out;
  for (const Json& sentence : *why->if_array()) out += fmt::format("  - {}\n", safe(&sentence));
  return out;
}

std::string reviews_of(const Json& change, const Style& style, Time now) {
  const Json* reviews = change.find("reviews");
  if (reviews == nullptr || !reviews->is_array() || reviews->if_array()->empty()) return "";
  std::string out = style.paint(Ink::kDim, "Reviews") + "\n";
  for (const Json& review : *reviews->if_array()) {
    const bool approved = review.string_or("answer", "") == "approve";
    out += fmt::format(
        "  {} {}, {}\n", safe(review, "person"),
        approved ? style.paint(Ink::kGreen, "approved") : style.paint(Ink::kRed, "rejected"),
        ago(safe(review, "time"), now));
    out += safe_lines(review.string_or("words", ""), 4);
  }
  return out + "\n";
}

std::string next_steps(const Json& change) {
  const std::string id = safe(change, "id");
  if (change.string_or("state", "") != "open") return "";
  return fmt::format(
      "To decide, as anyone but {}{}:\n  keyturn approve {} --words \"…\"\n"
      "  keyturn reject {} --words \"…\"\n",
      safe(change, "owner"),
      safe(change, "starter") == safe(change, "owner") ? "" : " or " + safe(change, "starter"), id,
      id);
}

}  // namespace

std::string change_table(const Json& changes, const Style& style, Time now) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& change : *changes.if_array()) {
    const std::string state = safe(change, "state");
    const std::string effect = safe(change, "effect");
    rows.push_back({{safe(change, "id"), Ink::kBold},
                    {state, ink_of_state(state)},
                    {approvals_of(change)},
                    {effect, ink_of_effect(effect)},
                    {safe(change, "agent")},
                    {ago(safe(change, "created"), now)},
                    {safe(change, "summary")}});
  }
  return table({"ID", "STATE", "APPROVALS", "EFFECT", "AGENT", "CREATED", "WHAT"}, rows, style);
}

std::string change_view(const Json& change, const Style& style, Time now) {
  const auto title = [&](std::string_view text) { return style.paint(Ink::kDim, text) + "\n"; };
  const Json* found = change.find("action");
  const Json action = found == nullptr ? Json() : *found;
  std::string out = head(change, style, now);
  const Json* understood = action.find("understood");
  if (understood != nullptr && *understood == Json(false)) {
    out += "\n" + style.paint(Ink::kRed, "  This request was not understood; it may do anything.") +
           "\n";
  }
  out += "\n" + title("Resources") + resources_of(action, style);
  out += "\n" + title("Parameters, as they will be sent") + json_block(action.find("parameters"));
  const Json* attributes = action.find("attributes");
  if (attributes != nullptr && attributes->is_object() && !attributes->if_object()->empty()) {
    out += "\n" + title("Attributes") + json_block(attributes);
  }
  const std::string why = why_of(action);
  if (!why.empty()) out += "\n" + title("How this was understood") + why;
  const Json* explanation = change.find("explanation");
  if (explanation != nullptr) {
    const bool is_decided = change.string_or("state", "") != "open";
    out += "\n" + title(is_decided ? "Why it was held" : "Why it is held") +
           hold_explanation(*explanation, style, is_decided);
  }
  out += "\n" + title("Claimed by the agent, unverified") +
         safe_lines(change.string_or("reason", ""), 2) + "\n";
  out += reviews_of(change, style, now);
  out += title("Digest of what is decided") + "  " + safe(change, "digest") + "\n";
  const std::string steps = next_steps(change);
  return steps.empty() ? out : out + "\n" + steps;
}

std::string review_result(const Json& answer, const Style& style, Time now) {
  const Json* found = answer.find("change");
  const Json change = found == nullptr ? Json() : *found;
  const std::string id = safe(change, "id");
  const std::string state = safe(change, "state");
  const Json* grant = answer.find("grant");
  if (grant != nullptr && grant->is_object()) {
    return fmt::format(
        "{} is {}: the agent's identical retry will be executed once, until {} ({})\n", id,
        style.paint(Ink::kGreen, state), short_time(safe(*grant, "expires")),
        ago(safe(*grant, "expires"), now));
  }
  if (state == "open") {
    return fmt::format("your approval counts; {} is still open with {}\n", id,
                       approvals_in_words(change));
  }
  return fmt::format("{} is {}; the agent reads your words at its next try\n", id,
                     style.paint(ink_of_state(state), state));
}

}  // namespace keyturn::cli
