#include "cli/story.h"

#include "base/bytes.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kWhatWidth = 20;
constexpr std::size_t kDigestShown = 16;

// What happened, in a word or two, and the rest of the sentence.
struct Telling {
  std::string what;
  Ink ink = Ink::kNone;
  std::string rest;
};

std::string joined(const Json* list) {
  if (list == nullptr || !list->is_array()) return "";
  std::string out;
  for (const Json& item : *list->if_array()) {
    if (!out.empty()) out += ", ";
    out += safe(&item, 200);
  }
  return out;
}

// ` LABEL text`, or nothing when there is no text.
std::string with(std::string_view label, const std::string& text) {
  return text.empty() ? "" : fmt::format("{}{}", label, text);
}

std::string quoted(const Json& body, std::string_view key) {
  const std::string text = safe(body, key, 500);
  return text.empty() ? "" : fmt::format(" “{}”", text);
}

// `cost-explorer-prod` of
// arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/cost-explorer-prod/ID.
std::string short_name(std::string name) {
  constexpr std::size_t kUuid = 36;
  if (!name.starts_with("arn:")) return name;
  for (int field = 0; field < 5; ++field) {
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos) return name;
    name.erase(0, colon + 1);
  }
  const std::size_t last = name.rfind('/');
  if (last != std::string::npos && name.size() - last - 1 == kUuid) name.resize(last);
  const std::size_t type = name.find_first_of("/:");
  return type == std::string::npos ? name : name.substr(type + 1);
}

std::string resources_of(const Json& action) {
  const Json* resources = action.find("resources");
  if (resources == nullptr || !resources->is_array() || resources->if_array()->empty()) return "";
  const Json* shown = &resources->if_array()->front();
  for (const Json& resource : *resources->if_array()) {
    // The one in production says most about the action.
    if (resource.string_or("tier", "") == "production") {
      shown = &resource;
      break;
    }
  }
  const std::size_t more = resources->if_array()->size() - 1;
  return fmt::format(" on {}{} ({})", short_name(safe(*shown, "name", 200)),
                     more == 0 ? "" : fmt::format(" and {} more", more), safe(*shown, "tier"));
}

std::string action_of(const Json& body) {
  const Json* action = body.find("action");
  if (action == nullptr) return "";
  const std::string operation = safe(*action, "operation");
  return fmt::format("{}:{}{}", safe(*action, "service"),
                     operation.empty() ? "(not understood)" : operation, resources_of(*action));
}

Telling decided(const Json& body) {
  const std::string verdict = safe(body, "verdict");
  const std::string change = safe(body, "change");
  const Json* facts = body.find("facts");
  const std::string agent = facts == nullptr ? "" : safe(*facts, "agent");
  Telling telling{verdict, Ink::kNone, fmt::format("{}: {}", agent, action_of(body))};
  if (verdict == "allow") {
    telling.what = change.empty() ? "allowed" : "allowed by " + change;
    telling.ink = Ink::kGreen;
  } else if (verdict == "hold") {
    telling.what = change.empty() ? "held" : "held as " + change;
    telling.ink = Ink::kYellow;
  } else if (verdict == "deny") {
    telling.what = change.empty() ? "denied" : "denied, " + change;
    telling.ink = Ink::kRed;
  }
  telling.rest += with("; by ", joined(body.find("policies")));
  return telling;
}

Telling outcome(const Json& body) {
  const std::string kind =
      safe(body, "outcome").empty() ? safe(body, "kind") : safe(body, "outcome");
  const std::string of = with(" #", safe(body, "decided"));
  const std::string detail = with("; ", safe(body, "detail", 300));
  if (kind == "unknown") {
    return {"outcome unknown", Ink::kRed, "sent, outcome unknown:" + of + detail};
  }
  if (kind == "not_sent") return {"not sent", Ink::kRed, "of" + of + detail};
  const std::string status = safe(body, "status");
  const bool good = status.starts_with('2') || status.starts_with('3');
  return {"  answered " + status, good ? Ink::kDim : Ink::kYellow, "of" + of};
}

Telling review(const Json& body) {
  const bool approve = body.string_or("answer", "") == "approve";
  return {
      approve ? "approved" : "rejected", approve ? Ink::kGreen : Ink::kRed,
      fmt::format("{} by {}{}", safe(body, "change"), safe(body, "person"), quoted(body, "words"))};
}

Telling change(std::string_view kind, const Json& body) {
  const std::string id = safe(body, "change");
  const std::string why = with(": ", safe(body, "why", 500));
  if (kind == "change.opened") {
    return {id + " opened", Ink::kYellow,
            fmt::format("needs {} from others than {}, until {}",
                        counted(safe(body, "approvals_needed"), "approval"), safe(body, "owner"),
                        short_time(safe(body, "expires")))};
  }
  if (kind == "change.void") return {id + " is void", Ink::kRed, "it counts no more" + why};
  if (kind == "change.expired") return {id + " expired", Ink::kDim, "its time has passed"};
  if (kind == "grant.issued") {
    return {"grant issued", Ink::kGreen,
            fmt::format("{} may execute once, until {}", id, short_time(safe(body, "expires")))};
  }
  if (kind == "grant.used") return {"grant used", Ink::kGreen, id + " is being executed"};
  return {"grant void", Ink::kRed, id + why};
}

Telling account(std::string_view kind, const Json& body) {
  const std::size_t dot = kind.find('.');
  const std::string subject(kind.substr(0, dot));
  std::string rest = safe(body, subject);
  rest += with(", owned by ", safe(body, "owner"));
  rest += with(", ", safe(body, "role"));
  rest += with(", by ", safe(body, "by"));
  return {fmt::format("{} {}", subject, kind.substr(dot + 1)), Ink::kNone, rest};
}

Telling session(std::string_view kind, const Json& body) {
  if (kind == "session.ended") {
    return {"session ended", Ink::kNone,
            fmt::format("{} of {}, by {}", safe(body, "session"), safe(body, "agent"),
                        safe(body, "by"))};
  }
  return {"session started", Ink::kNone,
          fmt::format("{}: {} for {}{}{}{}", safe(body, "session"), safe(body, "agent"),
                      safe(body, "starter"), quoted(body, "purpose"),
                      with(", from ", safe(body, "parent")), with(", as ", safe(body, "acts_as")))};
}

// A kind that this version does not tell: its members as they are.
Telling plain(std::string_view kind, const Json& body) {
  std::string rest;
  if (const Json::Object* members = body.if_object()) {
    for (const auto& [key, value] : *members) {
      if (!rest.empty()) rest += ", ";
      rest += fmt::format("{} {}", printable(key, 100), safe(&value, 300));
    }
  }
  return {printable(kind, 64), Ink::kNone, rest};
}

Telling tell(std::string_view kind, const Json& body) {
  if (kind == "action.decided") return decided(body);
  if (kind == "action.outcome") return outcome(body);
  if (kind == "action.refused") {
    return {"refused", Ink::kRed,
            fmt::format("{}{}{}{}", safe(body, "code"), with(": ", safe(body, "detail", 300)),
                        with("; key ", safe(body, "access_key_id", 100)),
                        with(" from ", safe(body, "peer", 100)))};
  }
  if (kind == "review.given") return review(body);
  if (kind.starts_with("change.") || kind.starts_with("grant.")) return change(kind, body);
  if (kind == "policy.loaded") {
    return {"policies loaded", Ink::kNone,
            fmt::format("{} policies, digest {}", safe(body, "policies"),
                        safe(body, "policy_digest").substr(0, kDigestShown))};
  }
  if (kind == "clock.accepted") {
    return {"clock accepted", Ink::kYellow,
            fmt::format("by the operator of this machine, though the record says {}",
                        short_time(safe(body, "latest")))};
  }
  if (kind == "vault.sealed") {
    return {"credentials sealed", Ink::kNone,
            fmt::format("{} as {}, by the {}", safe(body, "access_key_id"), safe(body, "name"),
                        safe(body, "by"))};
  }
  if (kind.starts_with("person.") || kind.starts_with("agent.")) return account(kind, body);
  if (kind.starts_with("session.")) return session(kind, body);
  return plain(kind, body);
}

}  // namespace

std::string story_heading(const Style& style) {
  return style.paint(Ink::kDim, fmt::format("{:>5}  {:<20}  {:<{}}  {}", "#", "TIME", "WHAT",
                                            kWhatWidth, "WHO, ON WHAT, WHY")) +
         "\n";
}

std::string story_of(const Json& entry, const Style& style) {
  const auto content = parse_strict(entry.string_or("text", ""));
  const Json* found = content ? content->find("body") : nullptr;
  const Telling telling =
      tell(entry.string_or("kind", ""), found == nullptr ? Json(Json::Object()) : *found);
  const std::string time = short_time(safe(entry, "time", 40));
  const std::string index = safe(entry, "index", 20);
  const std::size_t used = width(telling.what);
  const std::string gap(used < kWhatWidth ? kWhatWidth - used : 0, ' ');
  const std::size_t taken = 5 + 2 + 20 + 2 + std::max(used, kWhatWidth) + 2;
  const std::string rest =
      style.columns > taken + 20 ? cut(telling.rest, style.columns - taken) : telling.rest;
  return fmt::format("{:>5}  {}  {}{}  {}\n", index, style.paint(Ink::kDim, time),
                     style.paint(telling.ink, telling.what), gap, rest);
}

}  // namespace keyturn::cli
