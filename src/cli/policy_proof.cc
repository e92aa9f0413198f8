// `keyturn policy test` and `keyturn policy corpus`.
#include <algorithm>
#include <filesystem>

#include "app/policies.h"
#include "base/bytes.h"
#include "cedar/corpus.h"
#include "cli/cli.h"
#include "cli/policy_commands.h"
#include "gate/cases.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kCaseFilesMax = 10'000;  // of one folder
constexpr std::size_t kCasesMax = 1'000'000;   // of all its files; failures are kept in memory
constexpr std::size_t kFailuresMax = 10'000;   // kept and shown; the others are only counted

struct TestRun {
  struct Failure {
    gate::Case item;
    gate::CaseResult result;
  };
  std::size_t cases = 0;
  std::size_t policies = 0;
  std::size_t failed = 0;
  std::vector<Failure> failures;  // the first kFailuresMax
  std::vector<std::string> unexercised;
};

Result<std::vector<std::string>> case_files(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") paths.push_back(entry->path().string());
    if (paths.size() > kCaseFilesMax) {
      return fail(Code::kExhausted, "`{}` has more than {} files", folder, kCaseFilesMax);
    }
  }
  if (error) return fail(Code::kNotFound, "the cases' folder `{}`: {}", folder, error.message());
  if (paths.empty()) return fail(Code::kNotFound, "the folder `{}` has no *.json case", folder);
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<TestRun> run_cases(const std::string& pack, const std::string& folder) {
  TRY(const auto policies, app::load_policies(pack));
  TRY(const std::vector<std::string> paths, case_files(folder));
  TestRun run;
  std::set<std::string> exercised;
  for (const std::string& path : paths) {
    TRY(const std::string text, read_input(path));
    TRY(const std::vector<gate::Case> cases, gate::read_cases(text, path));
    for (const gate::Case& item : cases) {
      gate::CaseResult result = gate::run_case(*policies, item);
      ++run.cases;
      exercised.insert(result.reasons.begin(), result.reasons.end());
      if (result.passed()) continue;
      ++run.failed;
      if (run.failures.size() < kFailuresMax) run.failures.push_back({item, std::move(result)});
    }
    if (run.cases > kCasesMax) {
      return fail(Code::kExhausted, "`{}` has more than {} cases; split it", folder, kCasesMax);
    }
  }
  if (run.cases == 0) {
    return fail(Code::kNotFound,
                "the files in `{}` have no case, so nothing is tested; write at least one into "
                "`cases`, as policies/README.md shows",
                folder);
  }
  run.policies = policies->size();
  run.unexercised = gate::find_unexercised(*policies, exercised);
  return run;
}

Json to_json(const TestRun& run) {
  Json failures(Json::Array{});
  for (const TestRun::Failure& failure : run.failures) {
    failures.push_back(Json::object({{"file", failure.item.file},
                                     {"case", failure.item.name},
                                     {"expected", failure.result.expected},
                                     {"actual", failure.result.actual}}));
  }
  Json unexercised(Json::Array{});
  for (const std::string& name : run.unexercised) unexercised.push_back(name);
  return Json::object({{"cases", static_cast<std::uint64_t>(run.cases)},
                       {"failed", static_cast<std::uint64_t>(run.failed)},
                       {"failures", std::move(failures)},
                       {"policies", static_cast<std::uint64_t>(run.policies)},
                       {"not_exercised", std::move(unexercised)}});
}

std::string to_text(const TestRun& run, const Style& style) {
  std::string text;
  for (const TestRun::Failure& failure : run.failures) {
    text += style.paint(Ink::kRed, "failed") + ": " +
            safe_lines(fmt::format("{}: {}", failure.item.file, failure.item.name), 0) +
            safe_lines("expected " + failure.result.expected, 2) +
            safe_lines("got      " + failure.result.actual, 2);
  }
  for (const std::string& name : run.unexercised) {
    text += style.paint(Ink::kYellow, "not exercised") +
            fmt::format(": no case is decided by `{}`\n", printable(name));
  }
  return text +
         fmt::format("{}, {}; {} of {} exercised\n", count_of(run.cases, "case"),
                     count_of(run.failed, "failure"), run.policies - run.unexercised.size(),
                     run.policies == 1 ? "1 policy" : fmt::format("{} policies", run.policies));
}

}  // namespace

Result<Answer> test_policies(const Options& options, const Style& style) {
  const std::string pack = options.policy.folder.empty() ? "policies" : options.policy.folder;
  const std::string folder = options.policy.cases.empty()
                                 ? (std::filesystem::path(pack) / "cases").string()
                                 : options.policy.cases;
  TRY(const TestRun run, run_cases(pack, folder));
  const int code = run.failed == 0 ? kDone : kFailed;
  return Answer{options.json ? to_pretty_text(to_json(run)) + "\n" : to_text(run, style), code};
}

Result<Answer> run_corpus(const Options& options) {
  cedar::CorpusOptions how;
  how.validation_folder = options.policy.validation;
  TRY(const cedar::CorpusReport report, cedar::run_corpus(options.policy.folder, how));
  Answer answer;
  // Every line but the last of --json is JSON.
  std::string& notes = options.json ? answer.notes : answer.text;
  for (const cedar::Disagreement& one : report.disagreements) {
    if (options.json) {
      answer.text += to_text(Json::object({{"id", one.id},
                                           {"where", one.where},
                                           {"expected", one.expected},
                                           {"actual", one.actual}})) +
                     "\n";
      continue;
    }
    answer.text += safe_lines(
        fmt::format("{}, {}: expected {}, got {}", one.id, one.where, one.expected, one.actual), 0);
  }
  if (report.disagreed > report.disagreements.size()) {
    notes += fmt::format("only the first {} are shown\n", report.disagreements.size());
  }
  if (report.unreadable > 0) {
    notes += count_of(report.unreadable, "file") + " could not be read\n";
  }
  if (!options.policy.validation.empty()) {
    notes += fmt::format("{} compared, in {} of {}\n", count_of(report.verdicts, "verdict"),
                         report.companions, count_of(report.cases, "case"));
  }
  answer.text += fmt::format("{} cases, {} requests, {} disagree\n", report.cases, report.requests,
                             report.disagreed);
  if (report.disagreed > 0) answer.exit_code = kFailed;
  return answer;
}

}  // namespace keyturn::cli
