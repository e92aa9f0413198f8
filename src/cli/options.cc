#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "base/bytes.h"
#include "cli/cli.h"
#include "cli/options_commands.h"

namespace keyturn::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 failed, 2 usage (`policy authorize`: deny), 3 denied, 4 held.\n"
    "The server is found at $KEYTURN_URL (default http://127.0.0.1:7311); your token is taken "
    "from\n"
    "$KEYTURN_TOKEN or from ~/.config/keyturn/token, which nobody else may read.";

constexpr const char* kAwsModelHelp =
    "a file made by tools/aws_model/generate, instead of the model in the binary";

void add_server(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* init =
      commands.add(app, "init", "make configuration, data folder, sealing key and the first person",
                   Command::kInit);
  commands.config(init);
  init->add_option("--person", options.person, "the first person, an administrator");
  init->add_option("--origin", options.origin,
                   "the ledger's name, such as ledger.example.com/agents (default: a random one)");
  init->add_option("--account", options.account, "the AWS account, for a new configuration");
  init->add_flag(
      "--upstream-from-environment", options.upstream_from_environment,
      "seal AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN into the vault");
  CLI::App* serve = commands.add(app, "serve", "run the server", Command::kServe);
  commands.config(serve);
  serve->add_option("--aws-model", options.aws_model, kAwsModelHelp);
  serve->add_flag("--accept-clock", options.accept_clock,
                  "the clock is right, and what the record says later was said by a wrong one");
  CLI::App* vault = commands.group(app, "vault", "the upstream credentials: seal, show");
  commands.config(commands.add(*vault, "seal", "seal AWS credentials from the environment",
                               Command::kVaultSeal));
  commands.config(commands.add(
      *vault, "show", "where the credentials come from; never what they are", Command::kVaultShow));
}

void add_store(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* backup = commands.add(app, "backup",
                                  "copy the record to a new folder and check the copy; also while "
                                  "the server runs. The keys are not part of it",
                                  Command::kBackup);
  backup->add_option("DEST", options.target, "the folder to make")->required();
  CLI::App* store = commands.group(app, "store", "the record's database: export, import, migrate");
  CLI::App* out =
      commands.add(*store, "export", "write everything to a file; the server must not run",
                   Command::kStoreExport);
  out->add_option("FILE", options.target, "the file to make")->required();
  CLI::App* in = commands.add(*store, "import",
                              "read it into the configured database, which must hold nothing yet",
                              Command::kStoreImport);
  in->add_option("FILE", options.target, "what `store export` wrote")->required();
  CLI::App* migrate = commands.add(*store, "migrate",
                                   "bring the tables in PostgreSQL up to date as their owner; the "
                                   "server must not run",
                                   Command::kStoreMigrate);
  migrate->add_option("--dsn", options.dsn,
                      "how to connect as the owner (default: as configured); a password rather in "
                      "a pgpass file");
  migrate->add_option("--role", options.role,
                      "the server's role: it gets what a server needs, and nothing else");
  for (CLI::App* sub : {backup, out, in, migrate}) commands.config(sub);
}

void add_run(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* run = commands.add(
      app, "run", "run a command as an agent, in a session that ends with it", Command::kRun);
  run->add_option("--agent", options.agent, "the agent; not needed when you own exactly one");
  run->add_option("--purpose", options.purpose, "what this run is for (default: the command)");
  commands.lifetime(run);
  run->add_option("COMMAND", options.child, "the command and its arguments, after --")->required();
  run->prefix_command();
}

void add_accounts(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* person =
      commands.group(app, "person", "people with accounts: add, list, suspend, activate");
  CLI::App* add =
      commands.add(*person, "add", "a new person; prints the token once", Command::kPersonAdd);
  commands.id(add, "the person's id");
  add->add_option("--name", options.name, "for people");
  add->add_flag("--administrator", options.administrator, "may manage accounts");
  commands.json(add);
  commands.json(commands.add(*person, "list", "every person", Command::kPersonList));
  commands.id(commands.add(*person, "suspend", "take all rights away", Command::kPersonSuspend),
              "the person's id");
  commands.id(commands.add(*person, "activate", "give them back", Command::kPersonActivate),
              "the person's id");
  commands.json(commands.add(app, "whoami", "whose token this is", Command::kWhoami));

  CLI::App* agent = commands.group(app, "agent", "agents: add, list, suspend, activate");
  CLI::App* add_agent = commands.add(*agent, "add", "a new agent", Command::kAgentAdd);
  commands.id(add_agent, "the agent's id");
  add_agent->add_option("--owner", options.owner, "the owner's id (default: you)");
  commands.json(add_agent);
  commands.json(commands.add(*agent, "list", "every agent", Command::kAgentList));
  commands.id(commands.add(*agent, "suspend", "stop an agent at once", Command::kAgentSuspend),
              "the agent's id");
  commands.id(commands.add(*agent, "activate", "let it work again", Command::kAgentActivate),
              "the agent's id");
}

void add_sessions(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* session = commands.group(app, "session", "runs of agents: start, list, end");
  CLI::App* start = commands.add(*session, "start", "start a session; prints its keys once",
                                 Command::kSessionStart);
  start->add_option("--agent", options.agent, "the agent; not needed when you own exactly one");
  start->add_option("--purpose", options.purpose, "what this run is for")->required();
  commands.lifetime(start);
  commands.json(start);
  CLI::App* list = commands.add(*session, "list", "sessions, newest first", Command::kSessionList);
  commands.json(list);
  commands.limit(list);
  commands.id(commands.add(*session, "end", "end a session and its keys", Command::kSessionEnd),
              "the session's id");
}

void add_changes(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* change = commands.group(app, "change", "what waits for review, or did: list, show");
  CLI::App* list = commands.add(*change, "list", "changes, newest first", Command::kChangeList);
  list->add_option("--state", options.state, "open, approved, rejected, executed, expired or void")
      ->check(CLI::IsMember({"open", "approved", "rejected", "executed", "expired", "void"}));
  commands.limit(list);
  commands.json(list);
  CLI::App* show =
      commands.add(*change, "show", "everything a reviewer needs", Command::kChangeShow);
  commands.id(show, "like CHG-7");
  commands.json(show);
  for (const auto& [name, what, command] :
       {std::tuple{"approve", "approve a change: exactly what is shown", Command::kApprove},
        std::tuple{"reject", "reject a change; the agent reads your words", Command::kReject}}) {
    CLI::App* review = commands.add(app, name, what, command);
    commands.id(review, "like CHG-7");
    CLI::Option* words =
        review->add_option("--words", options.words, "for the agent and the ledger");
    if (command == Command::kReject) words->required();
    commands.json(review);
  }
}

void add_ledger(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* ledger = commands.group(
      app, "ledger",
      "what was decided and done: show, contents, erase, verify, replay, receipt, key, fsck, "
      "export");
  CLI::App* show = commands.add(*ledger, "show", "tell the story", Command::kLedgerShow);
  show->add_option("--from", options.from, "the first index");
  commands.limit(show);
  show->add_flag("--follow", options.follow, "go on as entries come");
  commands.json(show);
  CLI::App* verify = commands.add(*ledger, "verify",
                                  "recompute every hash here: of a receipt, a folder or URL of a "
                                  "published ledger, or of the entries the server gives",
                                  Command::kLedgerVerify);
  verify->add_option("TARGET", options.target, "a .tlog-proof file, a folder, or http://…/ledger");
  verify->add_option("--root", options.root, "a `SIZE:ROOT` noted earlier that must still hold");
  verify->add_option("--checkpoint", options.checkpoint,
                     "a checkpoint kept earlier, which TARGET must still contain");
  commands.json(verify);
  CLI::App* receipt =
      commands.add(*ledger, "receipt", "a .tlog-proof that anyone can verify without a server",
                   Command::kLedgerReceipt);
  receipt->add_option("INDEX", options.index, "the entry")->required();
  receipt->add_option("--from", options.target, "a folder or URL (default: the server's /ledger)");
  receipt->add_option("--out", options.out, "the file to write (default: standard output)");
  for (CLI::App* sub : {verify, receipt}) {
    sub->add_option("--key", options.key, "the log's verifier key, as `ledger key` prints it")
        ->envname("KEYTURN_LEDGER_KEY");
    commands.config(sub);
  }
  commands.config(commands.add(*ledger, "key", "print the verifier key", Command::kLedgerKey));
  CLI::App* fsck = commands.add(*ledger, "fsck",
                                "derive every file again from the database and compare; the "
                                "server must not run",
                                Command::kLedgerFsck);
  commands.config(fsck);
  fsck->add_flag("--repair", options.repair, "write the files that differ again");
  CLI::App* output =
      commands.add(*ledger, "export", "entries with index and leaf hash, a line of JSON each",
                   Command::kLedgerExport);
  output->add_option("--otlp", options.otlp,
                     "post them to an OpenTelemetry collector: http://HOST:4318");
  CLI::App* replay = commands.add(*ledger, "replay",
                                  "compute past verdicts again: by the recorded policies, which "
                                  "must agree, or by others, to see what would change",
                                  Command::kLedgerReplay);
  replay->add_option("--policies", options.policies, "a folder of policies to try instead");
  commands.json(replay);
  CLI::App* contents =
      commands.add(*ledger, "contents", "what is kept beside an entry: the request's parameters",
                   Command::kLedgerContents);
  CLI::App* erase =
      commands.add(*ledger, "erase", "erase what is kept beside an entry; the log keeps its digest",
                   Command::kLedgerErase);
  erase->add_option("--why", options.words, "for the ledger")->required();
  for (CLI::App* sub : {contents, erase}) {
    sub->add_option("INDEX", options.index, "the entry")->required();
    commands.json(sub);
  }
  for (CLI::App* sub : {output, replay}) {
    sub->add_option("--from", options.from, "the first index");
    sub->add_option("--to", options.to, "the last index (default: the newest)");
  }
}

void add_tools(CLI::App& app, Commands& commands, Options& options) {
  CLI::App* aws = commands.group(app, "aws", "the AWS gateway's understanding: explain");
  CLI::App* explain =
      commands.add(*aws, "explain", "JSON requests in, one line each; what is understood out",
                   Command::kAwsExplain);
  commands.config(explain);
  explain->add_option("--aws-model", options.aws_model, kAwsModelHelp);
  commands.add(app, "version", "print the version", Command::kVersion);
}

struct UnknownCommand {
  std::string after;  // ` ledger`
  std::string word;
};
// CLI11 says only that a command is required. Names are two deep.
std::optional<UnknownCommand> find_unknown_command(const CLI::App& app,
                                                   const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  std::string after;
  for (const std::string& word : arguments) {
    if (word.starts_with('-') || at->get_require_subcommand_min() == 0) return std::nullopt;
    const auto named =
        at->get_subcommands([&](const CLI::App* sub) { return sub->check_name(word); });
    if (named.empty()) return UnknownCommand{after, word};
    after += " " + word;
    at = named.front();
  }
  return std::nullopt;
}

}  // namespace

std::variant<Options, Message> read_options(const std::vector<std::string>& arguments) {
  Options options;
  Commands commands(options);
  CLI::App app("Two keys for production. No agent turns both.", "keyturn");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--url", options.url, "the server's API");
  add_server(app, commands, options);
  add_store(app, commands, options);
  add_run(app, commands, options);
  add_accounts(app, commands, options);
  add_sessions(app, commands, options);
  add_changes(app, commands, options);
  add_ledger(app, commands, options);
  add_policy(app, commands, options);
  add_tools(app, commands, options);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 takes them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    if (const auto unknown = find_unknown_command(app, arguments)) {
      return Message{
          fmt::format("keyturn: there is no command `{}`; `keyturn{} --help` lists them\n",
                      printable(unknown->word, 64), unknown->after),
          kUsage};
    }
    std::ostringstream out;
    std::ostringstream faults;
    const int code = app.exit(error, out, faults);
    return Message{out.str() + faults.str(), code == 0 ? kDone : kUsage};
  }
  return options;
}

}  // namespace keyturn::cli
