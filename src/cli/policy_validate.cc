// `keyturn policy validate`.
#include "cli/cli.h"
#include "cli/policy_commands.h"

namespace keyturn::cli {
namespace {

struct Finding {
  std::string file;
  std::string policy;  // empty when the file as a whole is wrong
  std::string message;
  std::string help;
};

struct Findings {
  std::vector<Finding> errors;
  std::vector<Finding> warnings;
  std::size_t policies = 0;
};

Json to_json(const std::vector<Finding>& findings) {
  Json list(Json::Array{});
  for (const Finding& finding : findings) {
    Json json = Json::object({{"file", finding.file}, {"message", shortened(finding.message)}});
    if (!finding.policy.empty()) json.set("policy", finding.policy);
    if (!finding.help.empty()) json.set("help", finding.help);
    list.push_back(std::move(json));
  }
  return list;
}

std::string to_text(const std::vector<Finding>& findings, std::string_view kind, Ink ink,
                    const Style& style) {
  std::string text;
  for (const Finding& finding : findings) {
    const std::string policy =
        finding.policy.empty() ? "" : fmt::format(": policy `{}`", finding.policy);
    text +=
        style.paint(ink, kind) + ": " +
        safe_lines(shortened(fmt::format("{}{}: {}", finding.file, policy, finding.message)), 0);
    if (!finding.help.empty()) text += safe_lines("help: " + finding.help, 2);
  }
  return text;
}

void check_file(const PolicyFile& file, const cedar::Schema& schema,
                const cedar::ValidationOptions& options, Findings& findings) {
  const Result<NamedPolicies> policies = NamedPolicies::parse(file);
  if (!policies) {
    // The message begins with the file's name, as everywhere else.
    const std::string& message = policies.error().message;
    const std::size_t name = file.name.size() + 2;
    findings.errors.push_back({file.name, {}, message.substr(std::min(name, message.size())), {}});
    return;
  }
  findings.policies += policies->set().ids().size() + policies->set().template_ids().size();
  const cedar::ValidationResult result = cedar::validate(policies->set(), schema, options);
  const auto add = [&](const std::vector<cedar::Diagnostic>& from, std::vector<Finding>& into) {
    for (const cedar::Diagnostic& one : from) {
      into.push_back({file.name, policies->name(one.policy), one.message, one.help});
    }
  };
  add(result.errors, findings.errors);
  add(result.warnings, findings.warnings);
}

}  // namespace

Result<Answer> validate_policies(const Options& options, const Style& style) {
  TRY(const cedar::Schema schema, read_schema(options.schema));
  TRY(const std::vector<PolicyFile> files, read_policy_files(options.policy.policies));
  cedar::ValidationOptions how;
  how.mode = options.policy.permissive ? cedar::ValidationMode::kPermissive
                                       : cedar::ValidationMode::kStrict;
  how.behaviour =
      options.policy.behaviour_413 ? cedar::Behaviour::kCedar413 : cedar::Behaviour::kCedar412;
  how.level_max = options.policy.level;
  Findings findings;
  for (const PolicyFile& file : files) check_file(file, schema, how, findings);
  if (!options.policy.entities.empty()) {
    TRY(const std::string text, read_input(options.policy.entities));
    const Result<cedar::Entities> entities = cedar::Entities::parse_json(text, &schema);
    if (!entities) {
      findings.errors.push_back({options.policy.entities, {}, entities.error().message, {}});
    }
  }
  const int code = findings.errors.empty() ? kDone : kFailed;
  if (options.json) {
    const Json json = Json::object({{"valid", findings.errors.empty()},
                                    {"policies", static_cast<std::uint64_t>(findings.policies)},
                                    {"errors", to_json(findings.errors)},
                                    {"warnings", to_json(findings.warnings)}});
    return Answer{to_pretty_text(json) + "\n", code};
  }
  std::string text = to_text(findings.errors, "error", Ink::kRed, style) +
                     to_text(findings.warnings, "warning", Ink::kYellow, style);
  text += fmt::format(
      "{} in {}: {}, {}\n",
      findings.policies == 1 ? "1 policy" : fmt::format("{} policies", findings.policies),
      count_of(files.size(), "file"), count_of(findings.errors.size(), "error"),
      count_of(findings.warnings.size(), "warning"));
  return Answer{std::move(text), code};
}

}  // namespace keyturn::cli
