// `keyturn policy authorize` and `keyturn policy explain`.
#include "cedar/explain.h"
#include "cli/cli.h"
#include "cli/explanation.h"
#include "cli/policy_commands.h"

namespace keyturn::cli {
namespace {

struct Inputs {
  NamedPolicies policies;
  cedar::Entities entities;
  cedar::PreparedRequest request;
};

Result<Inputs> read_inputs(const Options& options) {
  TRY(const std::vector<PolicyFile> files, read_policy_files(options.policy.policies));
  TRY(NamedPolicies policies, NamedPolicies::parse_all(files));
  std::optional<cedar::Schema> schema;
  if (!options.schema.empty()) {
    TRY(schema, read_schema(options.schema));
  }
  const cedar::Schema* given = schema ? &*schema : nullptr;
  cedar::Entities entities;
  if (!options.policy.entities.empty()) {
    TRY(entities, read_entities(options.policy.entities, given));
  } else if (given != nullptr) {
    TRY(entities, cedar::Entities::parse_json("[]", given));  // the schema's actions
  }
  TRY(cedar::PreparedRequest request, read_request(options.policy, given));
  return Inputs{std::move(policies), std::move(entities), std::move(request)};
}

void rename(const NamedPolicies& policies, cedar::Response& response) {
  for (std::string& reason : response.reasons) reason = policies.name(reason);
  for (cedar::Diagnostic& error : response.errors) error.policy = policies.name(error.policy);
}

Json to_json(const cedar::Response& response) {
  Json reasons(Json::Array{});
  for (const std::string& reason : response.reasons) reasons.push_back(reason);
  Json errors(Json::Array{});
  for (const cedar::Diagnostic& error : response.errors) {
    errors.push_back(Json::object({{"policy", error.policy}, {"message", error.message}}));
  }
  return Json::object(
      {{"decision", response.decision == cedar::Decision::kAllow ? "allow" : "deny"},
       {"reasons", std::move(reasons)},
       {"errors", std::move(errors)}});
}

std::string decision_text(const cedar::Response& response, const Style& style) {
  const bool is_allowed = response.decision == cedar::Decision::kAllow;
  std::string text =
      is_allowed ? style.paint(Ink::kGreen, "allow") : style.paint(Ink::kRed, "deny");
  text += '\n';
  if (response.reasons.empty()) text += "  because no policy permits it\n";
  for (const std::string& reason : response.reasons) {
    text += safe_lines(fmt::format("by `{}`", reason), 2);
  }
  for (const cedar::Diagnostic& error : response.errors) {
    text +=
        safe_lines(fmt::format("skipped `{}`, which failed: {}", error.policy, error.message), 2);
  }
  return text;
}

std::string to_text(const cedar::Explanation& explanation, const Style& style) {
  std::string text = decision_text(explanation.response, style);
  for (const cedar::PolicyExplanation& policy : explanation.policies) {
    text += "\n" + policy_explanation(cedar::to_json(policy), style, 0);
  }
  return text;
}

}  // namespace

Result<Answer> authorize_request(const Options& options, const Style& style) {
  TRY(const Inputs inputs, read_inputs(options));
  cedar::Response response =
      cedar::authorize(inputs.policies.set(), inputs.entities, inputs.request);
  rename(inputs.policies, response);
  const int code = response.decision == cedar::Decision::kAllow ? kDone : kPolicyDenies;
  if (options.json) return Answer{to_pretty_text(to_json(response)) + "\n", code};
  return Answer{decision_text(response, style), code};
}

Result<Answer> explain_decision(const Options& options, const Style& style) {
  TRY(const Inputs inputs, read_inputs(options));
  cedar::Explanation explanation =
      cedar::explain(inputs.policies.set(), inputs.entities, inputs.request);
  rename(inputs.policies, explanation.response);
  for (cedar::PolicyExplanation& policy : explanation.policies) {
    policy.policy = inputs.policies.name(policy.policy);
  }
  if (options.json) return Answer{to_pretty_text(cedar::to_json(explanation)) + "\n", kDone};
  return Answer{to_text(explanation, style), kDone};
}

}  // namespace keyturn::cli
