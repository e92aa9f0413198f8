#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

// The schema that the validation probes were run with.
constexpr const char* kSchema = R"(
  entity G;
  entity User in [G] = {n: Long, o?: String, s: Set<Long>, ip: ipaddr, e?: {x?: Long}} tags String;
  entity R;
  entity Color enum ["red", "blue"];
  action grp;
  action v in [grp] appliesTo {principal: User, resource: R, context: {b: Bool, k?: Long}};
  action z appliesTo {principal: User, resource: R, context: {}};)";

// Messages without the place, which the probes do not have.
std::string plain(const std::string& message) {
  return message.substr(0, message.find(" at line "));
}

std::set<std::string> split(std::string_view text) {
  std::set<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(" ; ");
    parts.emplace(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 3);
  }
  return parts;
}

struct Verdict {
  std::set<std::string> errors;
  bool warns = false;
};

Verdict expected_verdict(std::string outcome) {
  Verdict verdict;
  if (const std::size_t warning = outcome.find(" WARN "); warning != std::string::npos) {
    verdict.warns = true;
    outcome.resize(warning);
  }
  const std::string prefix = "for policy `policy0`: ";
  if (outcome.starts_with("ERR ")) {
    if (const std::size_t at = outcome.find(prefix); at != std::string::npos) {
      outcome.erase(at, prefix.size());
    }
    verdict.errors = split(std::string_view(outcome).substr(4));
  }
  return verdict;
}

Verdict actual_verdict(const std::string& policy, ValidationMode mode = ValidationMode::kStrict) {
  const Result<Schema> schema = Schema::parse(kSchema);
  const Result<PolicySet> policies = PolicySet::parse(policy);
  EXPECT_TRUE(schema) << schema.error().message;
  EXPECT_TRUE(policies) << policies.error().message;
  Verdict verdict;
  if (!schema || !policies) return verdict;
  const ValidationResult result = validate(*policies, *schema, mode);
  for (const Diagnostic& error : result.errors) verdict.errors.insert(plain(error.message));
  verdict.warns = !result.warnings.empty();
  return verdict;
}

TEST(Validate, EveryProbedExpressionHasTheErrorsOfTheReferenceImplementation) {
  std::ifstream lines(KEYTURN_SOURCE_DIR "/src/cedar/testdata/probes-requests.txt");
  std::size_t count = 0;
  bool is_here = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("---")) is_here = line == "--- validation";
    const std::size_t arrow = line.find(" => ");
    // `unknown` belongs to partial evaluation in the reference's npm build alone.
    if (!is_here || arrow == std::string::npos || line.starts_with("unknown(")) continue;
    std::string expression = line.substr(0, arrow);
    expression.erase(expression.find_last_not_of(' ') + 1);
    const std::string outcome = line.substr(arrow + 4);
    if (outcome.starts_with("FAIL")) continue;
    // From here on the probes are described, not written.
    if (expression == "is scope in wrong") break;
    ++count;
    const Verdict expected = expected_verdict(outcome);
    const Verdict actual = actual_verdict(
        "permit(principal, action == Action::\"v\", resource) "
        "when { " +
        expression + " };");
    EXPECT_EQ(actual.errors, expected.errors) << expression;
    EXPECT_EQ(actual.warns, expected.warns) << expression;
  }
  EXPECT_EQ(count, 58U);
}

TEST(Validate, ScopesMustFitSomeAction) {
  using Errors = std::set<std::string>;
  const std::string none = "unable to find an applicable action given the policy scope constraints";
  EXPECT_EQ(actual_verdict("permit(principal is R, action, resource);").errors, Errors{none});
  EXPECT_EQ(actual_verdict("permit(principal, action == Action::\"nope\", resource);").errors,
            (Errors{none, "unrecognized action `Action::\"nope\"`"}));
  EXPECT_EQ(actual_verdict("permit(principal, action in Action::\"grp\", resource) when "
                           "{ context.b };")
                .errors,
            Errors{});
  EXPECT_EQ(actual_verdict("permit(principal, action, resource) when { context.b };").errors,
            Errors{"attribute `b` in context for Action::\"z\" not found"});
  EXPECT_EQ(actual_verdict("permit(principal, action, resource) when { context has b && "
                           "context.b };")
                .errors,
            Errors{});
}

TEST(Validate, Cedar413OnlyWarnsWhenNoActionFits) {
  const Result<Schema> schema = Schema::parse(kSchema);
  const Result<PolicySet> policies = PolicySet::parse("permit(principal is R, action, resource);");
  ASSERT_TRUE(schema && policies);
  ValidationOptions options;
  options.behaviour = Behaviour::kCedar413;
  const ValidationResult result = validate(*policies, *schema, options);
  EXPECT_TRUE(result.errors.empty());
  EXPECT_EQ(result.warnings.size(), 2U);
}

TEST(Validate, PermissiveModeAllowsWhatStrictModeForbids) {
  for (const char* expression :
       {"[].isEmpty()", "[{a: 1}].contains({b: 2})",
        "(if context.b then 1 else 2) == (if context.b then 3 else 4) && [principal, "
        "resource].contains(principal)",
        "ip(if context.b then \"1.1.1.1\" else \"::1\") == principal.ip"}) {
    const std::string policy =
        std::string("permit(principal, action == Action::\"v\", resource) when { ") + expression +
        " };";
    EXPECT_FALSE(actual_verdict(policy).errors.empty()) << expression;
    EXPECT_EQ(actual_verdict(policy, ValidationMode::kPermissive).errors, std::set<std::string>{})
        << expression;
  }
}

TEST(Validate, TemplatesAreCheckedForEveryTypeTheirSlotsCouldHave) {
  EXPECT_TRUE(actual_verdict("permit(principal in ?principal, action == Action::\"v\", resource "
                             "== ?resource) when { context.b };")
                  .errors.empty());
  EXPECT_FALSE(actual_verdict("permit(principal == ?principal, action == Action::\"v\", resource) "
                              "when { principal.o == \"x\" };")
                   .errors.empty());
}

TEST(Validate, ALinkToAnUnknownTypeIsAnError) {
  const Result<Schema> schema = Schema::parse(kSchema);
  Result<PolicySet> policies =
      PolicySet::parse("permit(principal == ?principal, action, resource);");
  ASSERT_TRUE(schema && policies);
  SlotValues values;
  values.principal = EntityUid{"Nope", "a"};
  policies = policies->linked("policy0", "link", values);
  ASSERT_TRUE(policies) << policies.error().message;
  const ValidationResult result = validate(*policies, *schema, ValidationMode::kStrict);
  ASSERT_EQ(result.errors.size(), 2U);
  EXPECT_EQ(result.errors[0].policy, "link");
}

}  // namespace
}  // namespace keyturn::cedar
