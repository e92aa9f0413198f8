// Decision cases: what a policy pack should decide, as data (policies/cases/*.json). They are
// judged by the function that decides requests. Reading and judging are pure; a case that is not as
// described in policies/README.md is kInvalid, with its file and name.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gate/gate.h"

namespace keyturn::gate {

inline constexpr std::size_t kCasesMax = 100'000;  // of one file; far beyond what people write

struct Case {
  std::string file;
  std::string name;  // `about name`
  Action action;
  Facts facts;
  int reviewers = 0;
  VerdictKind verdict = VerdictKind::kDeny;
  int approvals_needed = 0;
  std::vector<std::string> reasons;  // sorted; empty: whatever decides
};

// `{"about": …, "cases": […]}`; `file` is for messages.
Result<std::vector<Case>> read_cases(std::string_view text, const std::string& file);

struct CaseResult {
  // What was expected and what came, where they differ; empty when the case holds.
  std::string expected;
  std::string actual;
  std::vector<std::string> reasons;  // policies that decided
  bool passed() const { return expected.empty(); }
};
CaseResult run_case(const Policies& policies, const Case& item);

// Policies of the pack, in its order, that decided no case.
std::vector<std::string> find_unexercised(const Policies& policies,
                                          const std::set<std::string>& exercised);

}  // namespace keyturn::gate
