// The policy commands as functions from options to what is printed, so that tests need no process.
// Thin: the answers are the engine's (`cedar`) and the gate's.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cedar/cedar.h"
#include "cli/options.h"
#include "cli/policy_input.h"
#include "cli/screen.h"

namespace keyturn::cli {

inline constexpr int kPolicyDenies =
    2;  // the exit code of `policy authorize`, as of Cedar's own tool

struct Answer {
  std::string text;
  int exit_code = 0;
  std::string notes = {};  // for people who read machine output: they go to the error stream
};

// The command that was asked for; its errors are safe to show.
Result<Answer> answer_policy(const Options& options, const Style& style);

Result<Answer> validate_policies(const Options& options, const Style& style);  // policy_validate.cc
Result<Answer> format_policies(const Options& options);                        // policy_format.cc
Result<Answer> translate_policies(const Options& options);
Result<Answer> authorize_request(const Options& options, const Style& style);  // policy_decide.cc
Result<Answer> explain_decision(const Options& options, const Style& style);
Result<Answer> test_policies(const Options& options, const Style& style);  // policy_proof.cc
Result<Answer> run_corpus(const Options& options);

// A message may repeat names as long as the input: its head and its tail.
std::string shortened(std::string_view text);
// `1 error`, `2 errors`.
std::string count_of(std::size_t count, std::string_view noun);

}  // namespace keyturn::cli
