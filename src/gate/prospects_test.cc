// How many approvals would do: asked of what is left of the policies, it must come out as if the
// whole pack had been asked about every number.
#include <gmock/gmock.h>

#include <random>

#include "gate/cases.h"
#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

// The oracle: every number of approvals put before the whole pack.
Judgement judged_the_long_way(const Policies& policies, const Action& action, const Facts& facts,
                              int reviewers_max) {
  const Evaluation now = evaluate(policies, action, facts).value();
  Judgement judgement{VerdictKind::kAllow, 0, now.reasons, now.errors};
  if (now.permitted) return judgement;
  judgement.kind = VerdictKind::kDeny;
  for (int approvals = facts.approvals + 1; approvals <= kApprovalsMax; ++approvals) {
    Facts then = facts;
    then.approvals = approvals;
    const Evaluation later = evaluate(policies, action, then).value();
    if (!later.permitted) continue;
    judgement.approvals_needed = approvals;
    judgement.reasons = later.reasons;
    judgement.errors = later.errors;
    if (approvals <= reviewers_max) judgement.kind = VerdictKind::kHold;
    break;
  }
  return judgement;
}

// Returns what both came to.
VerdictKind expect_equal(const Policies& policies, const Action& action, const Facts& facts,
                         int reviewers_max) {
  const Judgement expected = judged_the_long_way(policies, action, facts, reviewers_max);
  const auto actual = judge(policies, action, facts, reviewers_max);
  EXPECT_TRUE(actual) << actual.error().message;
  if (!actual) return expected.kind;
  EXPECT_EQ(actual->kind, expected.kind);
  EXPECT_EQ(actual->approvals_needed, expected.approvals_needed);
  EXPECT_EQ(actual->reasons, expected.reasons);
  EXPECT_EQ(actual->errors, expected.errors);
  return expected.kind;
}

const Facts kNobodySpoke{AgentId("kiro"), PersonId("alice"), "fix the rounding bug", 0};

TEST(Prospects, ComeOutAsTheWholePackWouldForEveryDecisionCase) {
  const auto pack = load(pack_files());
  ASSERT_NE(pack, nullptr);
  int held = 0;
  for (const auto& entry : std::filesystem::directory_iterator(pack_folder() / "cases")) {
    const auto cases = read_cases(read_text(entry.path()), entry.path().filename().string());
    ASSERT_TRUE(cases) << cases.error().message;
    for (const Case& item : *cases) {
      SCOPED_TRACE(item.name);
      for (int approvals = 0; approvals <= kApprovalsMax + 1; ++approvals) {
        Facts facts = item.facts;
        facts.approvals = approvals;
        const auto kind = expect_equal(*pack, item.action, facts, item.reviewers);
        if (kind == VerdictKind::kHold) ++held;
      }
    }
  }
  EXPECT_GT(held, 10);
}

// Conditions that pass the strict validator, of which many depend on approvals and some fail.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : engine_(seed) {}

  std::size_t pick(std::size_t count) { return engine_() % count; }

  std::string pack() {
    std::string text;
    for (std::size_t i = pick(5) + 1; i > 0; --i) text += policy(i);
    return text;
  }

  Action action() {
    const std::array effects = {Effect::kChange, Effect::kDestroy};
    const std::array tiers = {Tier::kProduction, Tier::kDevelopment};
    Action action = action_of(effects[pick(2)], tiers[pick(2)]);
    for (std::size_t i = pick(3); i > 0; --i) {
      Resource resource = action.resources.front();
      resource.name += std::to_string(i);
      resource.tier = tiers[pick(2)];
      if (pick(2) == 0) resource.tags.emplace("team", "blue");
      action.resources.push_back(std::move(resource));
    }
    if (pick(2) == 0) action.attributes.set("reversible", pick(2) == 0);
    if (pick(8) == 0) action.understood = false;
    return action;
  }

 private:
  std::string policy(std::size_t number) {
    const char* scopes[] = {"principal, action, resource", "principal is Agent, action, resource",
                            "principal, action, resource in Tier::\"production\"",
                            "principal, action == Action::\"destroy\", resource"};
    std::string text = fmt::format("@id(\"p{}\") {}({})", number,
                                   pick(4) == 0 ? "forbid" : "permit", scopes[pick(4)]);
    for (std::size_t i = pick(3); i > 0; --i) {
      text += fmt::format(" {} {{ {} }}", pick(4) == 0 ? "unless" : "when", condition(3));
    }
    return text + ";\n";
  }

  std::string number(int depth) {
    if (depth == 0 || pick(3) > 0) {
      const char* leaves[] = {
          "context.approvals",  "context.approvals", "context.resources", "2", "3",
          "9223372036854775804"};
      return leaves[pick(std::size(leaves))];
    }
    const char* operators[] = {"+", "-", "*"};
    const std::string a = number(depth - 1);
    const std::string b = number(depth - 1);
    return fmt::format("({} {} {})", a, operators[pick(3)], b);
  }

  std::string leaf() {
    const char* operators[] = {"==", "!=", "<", "<=", ">", ">="};
    switch (pick(9)) {
      case 0:
        return "(context has reversible && context.reversible)";
      case 1:
        return "resource in Tier::\"production\"";
      case 2:
        return "(resource.hasTag(\"team\") && resource.getTag(\"team\") == \"blue\")";
      case 3:
        return "context.purpose like \"*rounding*\"";
      case 4:
        return fmt::format("[1, {}].contains(context.approvals)", pick(6));
      case 5:
        return fmt::format("{{n: context.approvals}}.n == {}", pick(6));
      default: {
        const std::string a = number(2);
        const std::string b = number(2);
        return fmt::format("{} {} {}", a, operators[pick(6)], b);
      }
    }
  }

  std::string condition(int depth) {
    if (depth == 0 || pick(4) == 0) return leaf();
    const std::string a = condition(depth - 1);
    const std::string b = condition(depth - 1);
    const std::string c = condition(depth - 1);
    switch (pick(4)) {
      case 0:
        return fmt::format("({} && {})", a, b);
      case 1:
        return fmt::format("({} || {})", a, b);
      case 2:
        return fmt::format("!({})", a);
      default:
        return fmt::format("(if {} then {} else {})", a, b, c);
    }
  }

  std::mt19937_64 engine_;
};

TEST(Prospects, ComeOutAsTheWholePackWouldForRandomPacks) {
  std::map<VerdictKind, int> seen;
  int failed = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Writer writer(seed);
    const std::string text = writer.pack();
    SCOPED_TRACE(fmt::format("seed {}\n{}", seed, text));
    const auto pack = policies_of(text);
    ASSERT_NE(pack, nullptr);
    for (int round = 0; round < 4; ++round) {
      const Action action = writer.action();
      Facts facts = kNobodySpoke;
      facts.approvals = static_cast<int>(writer.pick(3));
      ++seen[expect_equal(*pack, action, facts, static_cast<int>(writer.pick(7)))];
      if (!evaluate(*pack, action, facts)->errors.empty()) ++failed;
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(seen[VerdictKind::kAllow], 50);
  EXPECT_GT(seen[VerdictKind::kHold], 50);
  EXPECT_GT(seen[VerdictKind::kDeny], 50);
  EXPECT_GT(failed, 50);
}

TEST(Prospects, ComeOutAsTheWholePackWouldHoweverApprovalsAreAskedFor) {
  const std::string all = "@id(\"all\") permit (principal, action, resource);\n";
  const std::string any = "permit (principal, action, resource) ";
  const std::string no = "forbid (principal, action, resource) ";
  const std::vector<std::pair<std::string, VerdictKind>> packs = {
      {any + "unless { context.approvals < 3 };", VerdictKind::kHold},
      {any + "when { if context.approvals > 1 then context.understood else false };",
       VerdictKind::kHold},
      {any + "when { context.approvals * 2 - 1 == 3 };", VerdictKind::kHold},
      {any + "when { context has approvals && context.approvals == 4 };", VerdictKind::kHold},
      {any + "when { !(context has approvals) || context.approvals == 4 };", VerdictKind::kHold},
      {any + "when { [3, 4].contains(context.approvals) };", VerdictKind::kHold},
      {any + "when { {n: context.approvals} == {n: 2} };", VerdictKind::kHold},
      {any + "when { context == context && context.approvals > 0 };", VerdictKind::kHold},
      {any + "when { context.approvals == 6 };", VerdictKind::kDeny},
      {all + no + "unless { context.approvals >= 2 };", VerdictKind::kHold},
      {all + no + "when { context.approvals < 2 };", VerdictKind::kHold},
      {all + no + "when { context.approvals >= 0 };", VerdictKind::kDeny},
      // Only an odd number would do.
      {all + no + "when { [0, 2, 4].contains(context.approvals) };", VerdictKind::kHold},
      // The agent needs two, its owner three.
      {"permit (principal is Agent, action, resource) when { context.approvals >= 2 };"
       "permit (principal is Person, action, resource) when { context.approvals >= 3 };",
       VerdictKind::kHold},
      // No number suits both.
      {"permit (principal is Agent, action, resource) when { context.approvals == 2 };"
       "permit (principal is Person, action, resource) when { context.approvals == 3 };",
       VerdictKind::kDeny},
      // Failing whatever reviewers say, as a permit and as a forbid.
      {any + "when { context.approvals >= 1 };" + any +
           "when { context.resources + 9223372036854775807 > 0 };",
       VerdictKind::kDeny},
      {any + "when { context.approvals >= 1 };" + no +
           "when { context.resources + 9223372036854775807 > 0 };",
       VerdictKind::kDeny},
      // Failing from some number on: one of two, then from one on.
      {any + "when { context.approvals >= 1 };" + no +
           "when { context.approvals + 9223372036854775806 < 0 };",
       VerdictKind::kHold},
      {any + "when { context.approvals >= 2 };" + no +
           "when { context.approvals + 9223372036854775806 < 0 };",
       VerdictKind::kDeny},
      // Failing now and no more once somebody has spoken.
      {any + "when { context.approvals - 9223372036854775807 - 2 < 0 };", VerdictKind::kHold},
      // What would fail is hidden by what stands before it.
      {any + "when { context.approvals >= 2 || context.resources + 9223372036854775807 < 0 };",
       VerdictKind::kHold},
      {any + "when { context.approvals >= 2 && context.resources + 9223372036854775807 < 0 };",
       VerdictKind::kDeny},
  };
  for (const auto& [text, kind] : packs) {
    SCOPED_TRACE(text);
    const auto pack = policies_of(text);
    ASSERT_NE(pack, nullptr);
    EXPECT_EQ(expect_equal(*pack, action_of(Effect::kDestroy, Tier::kProduction), kNobodySpoke,
                           kApprovalsMax),
              kind);
  }
}

TEST(Prospects, AnAnswerFailsClosedForEveryResourceOfMany) {
  // Each resource would need another number, or two the same.
  Action action = action_of(Effect::kDestroy, Tier::kProduction, "a");
  action.resources.push_back(action_of(Effect::kDestroy, Tier::kStaging, "b").resources.front());
  const std::string text =
      "@id(\"two\") permit (principal, action, resource in Tier::\"production\") "
      "when { context.approvals >= 2 };"
      "@id(\"four\") permit (principal, action, resource in Tier::\"staging\") "
      "when { context.approvals >= 4 };";
  const Judgement judgement = judge(*policies_of(text), action, kNobodySpoke, 5).value();
  EXPECT_EQ(judgement.kind, VerdictKind::kHold);
  EXPECT_EQ(judgement.approvals_needed, 4);
  EXPECT_THAT(judgement.reasons, testing::ElementsAre("four", "two"));
  EXPECT_EQ(expect_equal(*policies_of(text), action, kNobodySpoke, 3), VerdictKind::kDeny);
}

}  // namespace
}  // namespace keyturn::gate
