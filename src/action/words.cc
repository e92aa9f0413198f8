#include <charconv>

#include "action/action.h"

namespace keyturn {
namespace {

constexpr std::string_view kChangePrefix = "CHG-";

template <class Word, std::size_t size>
Result<Word> parse_word(std::string_view what, std::string_view text,
                        const std::array<Word, size>& all) {
  std::string known;
  for (const Word word : all) {
    if (to_string(word) == text) return word;
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", to_string(word));
  }
  return fail(Code::kInvalid, "unknown {} `{}`; it is one of {}", what, printable(text, 64), known);
}

}  // namespace

Result<ChangeId> ChangeId::parse(std::string_view text) {
  ChangeId id;
  if (text.starts_with(kChangePrefix)) {
    const std::string_view digits = text.substr(kChangePrefix.size());
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, id.number);
    // One id has one text: no sign, no leading zero.
    if (error == std::errc() && stop == end && digits.front() >= '1' && digits.front() <= '9') {
      return id;
    }
  }
  return fail(Code::kInvalid, "`{}` is no change id; one looks like `CHG-7`", printable(text, 64));
}

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::kObserve:
      return "observe";
    case Effect::kReveal:
      return "reveal";
    case Effect::kChange:
      return "change";
    case Effect::kDestroy:
      return "destroy";
    case Effect::kGrant:
      return "grant";
  }
  return "destroy";
}

Result<Effect> parse_effect(std::string_view text) {
  return parse_word("effect", text,
                    std::array{Effect::kObserve, Effect::kReveal, Effect::kChange, Effect::kDestroy,
                               Effect::kGrant});
}

Effect stricter(Effect a, Effect b) { return std::max(a, b); }

std::string_view to_string(Tier tier) {
  switch (tier) {
    case Tier::kProduction:
      return "production";
    case Tier::kStaging:
      return "staging";
    case Tier::kDevelopment:
      return "development";
  }
  return "production";
}

Result<Tier> parse_tier(std::string_view text) {
  return parse_word("tier", text,
                    std::array{Tier::kProduction, Tier::kStaging, Tier::kDevelopment});
}

std::string_view to_string(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAllow:
      return "allow";
    case VerdictKind::kHold:
      return "hold";
    case VerdictKind::kDeny:
      return "deny";
  }
  return "deny";
}

Result<VerdictKind> parse_verdict(std::string_view text) {
  return parse_word("verdict", text,
                    std::array{VerdictKind::kAllow, VerdictKind::kHold, VerdictKind::kDeny});
}

}  // namespace keyturn
