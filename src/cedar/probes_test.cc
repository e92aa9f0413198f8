// Expressions with their results on Cedar 4.12: testdata/probes-expressions.txt.
#include <gtest/gtest.h>

#include <fstream>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

// The entities and the context that the probes were run with.
constexpr const char* kEntities = R"([
  {"uid":{"type":"User","id":"a"},"attrs":{"n":1,"s":[1,2],"opt":"x","r":{"x":{"y":1}}},
   "parents":[{"type":"G","id":"g"}],"tags":{"t":"v"}},
  {"uid":{"type":"G","id":"g"},"attrs":{},"parents":[{"type":"G","id":"top"}]},
  {"uid":{"type":"G","id":"top"},"attrs":{},"parents":[]}])";

struct Probe {
  std::string expression;
  std::string outcome;
};

// The file writes expressions with the escapes of a JavaScript string.
std::string unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
  }
  return out;
}

std::vector<Probe> read_probes() {
  std::vector<Probe> probes;
  std::ifstream lines(KEYTURN_SOURCE_DIR "/src/cedar/testdata/probes-expressions.txt");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) continue;
    const std::size_t arrow = line.find(" => ");
    if (arrow == std::string::npos) {
      // An outcome that goes on.
      probes.back().outcome += "\n" + line;
      continue;
    }
    std::string expression = line.substr(0, arrow);
    expression.erase(expression.find_last_not_of(' ') + 1);
    probes.push_back({unquoted(expression), line.substr(arrow + 4)});
  }
  return probes;
}

std::string evaluate(const std::string& expression) {
  const Result<PolicySet> policies =
      PolicySet::parse("permit(principal, action, resource) when { " + expression + " };");
  if (!policies) return "PARSE-ERR: " + policies.error().message;
  const Result<Entities> entities = Entities::parse_json(kEntities);
  EXPECT_TRUE(entities) << entities.error().message;
  Request request{{"User", "a"}, {"Action", "v"}, {"R", "r"}, Json()};
  request.context = Json::object({{"b", true}, {"s", "1.1.1.1"}});
  const Result<Response> response = authorize(*policies, *entities, request);
  if (!response) return "FAIL: " + response.error().message;
  if (!response->errors.empty()) return "EVAL-ERR: " + response->errors.front().message;
  return response->decision == Decision::kAllow ? "true" : "false";
}

TEST(Probes, EveryExpressionHasTheResultOfTheReferenceImplementation) {
  const std::vector<Probe> probes = read_probes();
  EXPECT_GT(probes.size(), 200U);
  for (const Probe& probe : probes) {
    const std::string actual = evaluate(probe.expression);
    // The kind of an error must agree; the wording of parse errors is ours.
    const std::string expected_kind = probe.outcome.substr(0, probe.outcome.find(':'));
    EXPECT_EQ(actual.substr(0, actual.find(':')), expected_kind)
        << probe.expression << "\n  expected " << probe.outcome << "\n  got " << actual;
  }
}

TEST(Probes, EvaluationErrorsAreWordedAsTheReferenceImplementationDoes) {
  std::size_t compared = 0;
  for (const Probe& probe : read_probes()) {
    if (!probe.outcome.starts_with("EVAL-ERR")) continue;
    // The reference's \d takes every Unicode digit and then finds it too large; it is refused
    // either way.
    if (probe.expression.find("\u0663") != std::string::npos) continue;
    ++compared;
    EXPECT_EQ(evaluate(probe.expression), probe.outcome) << probe.expression;
  }
  EXPECT_GT(compared, 50U);
}

}  // namespace
}  // namespace keyturn::cedar
