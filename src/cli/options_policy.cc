// The command line of `keyturn policy`.
#include "cli/options_commands.h"

namespace keyturn::cli {
namespace {

void add_schema(CLI::App* sub, Options& options, const char* what) {
  sub->add_option("--schema", options.schema, what);
}

void add_checks(CLI::App& policy, Commands& commands, Options& options) {
  CLI::App* check = commands.add(
      policy, "check", "what the server does with a pack before using it", Command::kPolicyCheck);
  check->add_option("FILES", options.files, "policy files (default: the built-in pack)");
  add_schema(check, options, "a schema (default: the built-in one)");

  CLI::App* validate = commands.add(policy, "validate",
                                    "check policies against any schema; every error with its place",
                                    Command::kPolicyValidate);
  validate->add_option("FILES", options.policy.policies, "policies: files, folders or -")
      ->required();
  add_schema(validate, options, "the schema, Cedar or JSON");
  validate->get_option("--schema")->required();
  validate->add_flag("--permissive", options.policy.permissive,
                     "accept what may be typed in several ways");
  validate->add_flag("--cedar-4.13", options.policy.behaviour_413,
                     "as Cedar 4.13: that no action fits a scope is a warning");
  validate->add_option("--level", options.policy.level,
                       "the most entity dereferences in a row that a policy may need");
  validate->add_option("--entities", options.policy.entities, "entities to check as well");
  commands.json(validate);

  CLI::App* format =
      commands.add(policy, "format", "lay policy text out anew", Command::kPolicyFormat);
  format->add_option("FILES", options.files, "policy files, or - for standard input")->required();
  CLI::Option* only = format->add_flag("--check", options.policy.check,
                                       "name the files that would change; exit 1 if there are any");
  format->add_flag("--write", options.policy.write, "write the files in place")->excludes(only);

  CLI::App* translate = commands.add(policy, "translate", "between Cedar and JSON, both ways",
                                     Command::kPolicyTranslate);
  translate->add_option("FILE", options.target, "policies, a policy set or a schema, or -")
      ->required();
  translate->add_option("--to", options.policy.to, "json or cedar")
      ->required()
      ->check(CLI::IsMember({"json", "cedar"}));
  translate->add_flag("--schema", options.policy.is_schema, "FILE is a schema");
}

void add_decisions(CLI::App& policy, Commands& commands, Options& options) {
  for (const auto& [name, what, command] :
       {std::tuple{"authorize", "decide one request: exit 0 allow, 2 deny, 1 error",
                   Command::kPolicyAuthorize},
        std::tuple{"explain", "why a request is decided as it is: every policy, every condition",
                   Command::kPolicyExplain}}) {
    CLI::App* sub = commands.add(policy, name, what, command);
    sub->add_option("--policies", options.policy.policies, "policies: files, folders or -")
        ->required();
    sub->add_option("--entities", options.policy.entities, "entities, JSON (default: none)");
    add_schema(sub, options, "a schema that entities and request must fit");
    sub->add_option("--principal", options.policy.principal, "like User::\"alice\"");
    sub->add_option("--action", options.policy.action, "like Action::\"view\"");
    sub->add_option("--resource", options.policy.resource, "like Photo::\"flower.jpg\"");
    sub->add_option("--context", options.policy.context, "a file with the context, JSON");
    sub->add_option("--request", options.policy.request,
                    "a file with {\"principal\", \"action\", \"resource\", \"context\"}")
        ->excludes("--principal")
        ->excludes("--action")
        ->excludes("--resource")
        ->excludes("--context");
    commands.json(sub);
  }
}

void add_proofs(CLI::App& policy, Commands& commands, Options& options) {
  CLI::App* test = commands.add(policy, "test", "run a pack's decision cases, with coverage",
                                Command::kPolicyTest);
  test->add_option("FOLDER", options.policy.folder, "the pack (default: policies)");
  test->add_option("--cases", options.policy.cases, "the cases (default: cases in FOLDER)");
  commands.json(test);

  CLI::App* corpus =
      commands.add(policy, "corpus", "run a folder of conformance cases", Command::kPolicyCorpus);
  corpus->add_option("FOLDER", options.policy.folder, "in the public corpus layout")->required();
  corpus->add_option("--validation", options.policy.validation,
                     "a folder of strict and permissive verdicts");
  commands.json(corpus);
}

}  // namespace

void add_policy(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* policy = commands.group(
      app, "policy",
      "Cedar policies: check, validate, format, translate, authorize, explain, test, corpus");
  add_checks(*policy, commands, options);
  add_decisions(*policy, commands, options);
  add_proofs(*policy, commands, options);
}

}  // namespace keyturn::cli
