// The commands, one function each: what it prints, and its exit code.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/screen.h"

namespace keyturn::cli {

struct Context {
  const Options& options;
  Environment environment;
  Style style;
  const Clock& clock;
};

Result<int> add_person(const Context& context);  // accounts.cc
Result<int> list_persons(const Context& context);
Result<int> set_person_state(const Context& context);
Result<int> who_am_i(const Context& context);
Result<int> add_agent(const Context& context);
Result<int> list_agents(const Context& context);
Result<int> set_agent_state(const Context& context);
Result<int> start_session(const Context& context);  // sessions.cc
Result<int> list_sessions(const Context& context);
Result<int> end_session(const Context& context);
Result<int> run_command(const Context& context);   // run.cc
Result<int> list_changes(const Context& context);  // changes.cc
Result<int> show_change(const Context& context);
Result<int> give_review(const Context& context);
Result<int> show_ledger(const Context& context);  // record.cc
Result<int> verify_ledger(const Context& context);
Result<int> verify_published(const Context& context);  // ledger_files.cc
Result<int> write_receipt(const Context& context);
Result<int> print_ledger_key(const Context& context);
Result<int> export_ledger(const Context& context);  // ledger_export.cc
Result<int> replay_ledger(const Context& context);  // replay.cc
Result<int> show_contents(const Context& context);  // contents.cc
Result<int> erase_contents(const Context& context);
Result<int> check_ledger_files(const Context& context);  // local.cc
Result<int> init(const Context& context);
Result<int> seal_credentials(const Context& context);
Result<int> show_credentials(const Context& context);
Result<int> back_up(const Context& context);  // transfer.cc
Result<int> migrate_store(const Context& context);
Result<int> export_records(const Context& context);
Result<int> import_records(const Context& context);
Result<int> serve(const Context& context);           // serve.cc
Result<int> check_policies(const Context& context);  // tools.cc
Result<int> run_policy(const Context& context);  // policy_commands.cc: the other policy commands
Result<int> explain_requests(const Context& context);
Result<int> print_version(const Context& context);

// A new session through the API, as `session start` and `run` make it.
Result<Json> start_session(const Context& context, const Client& client,
                           const std::string& purpose);

}  // namespace keyturn::cli
