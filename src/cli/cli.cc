#include "cli/cli.h"

#include <cstdlib>

#include "cli/commands.h"

namespace keyturn::cli {
namespace {

using Function = Result<int> (*)(const Context&);

Function ledger_function_of(Command command) {
  switch (command) {
    case Command::kLedgerVerify:
      return verify_ledger;
    case Command::kLedgerKey:
      return print_ledger_key;
    case Command::kLedgerReceipt:
      return write_receipt;
    case Command::kLedgerFsck:
      return check_ledger_files;
    case Command::kLedgerExport:
      return export_ledger;
    case Command::kLedgerReplay:
      return replay_ledger;
    case Command::kLedgerContents:
      return show_contents;
    case Command::kLedgerErase:
      return erase_contents;
    case Command::kLedgerShow:
      return show_ledger;
    default:
      return nullptr;
  }
}

Function store_function_of(Command command) {
  if (command == Command::kBackup) return back_up;
  if (command == Command::kStoreMigrate) return migrate_store;
  return command == Command::kStoreExport ? export_records : import_records;
}

Function function_of(Command command) {
  if (const Function function = ledger_function_of(command)) return function;
  switch (command) {
    case Command::kInit:
      return init;
    case Command::kServe:
      return serve;
    case Command::kRun:
      return run_command;
    case Command::kPersonAdd:
      return add_person;
    case Command::kPersonList:
      return list_persons;
    case Command::kPersonSuspend:
    case Command::kPersonActivate:
      return set_person_state;
    case Command::kAgentAdd:
      return add_agent;
    case Command::kAgentList:
      return list_agents;
    case Command::kAgentSuspend:
    case Command::kAgentActivate:
      return set_agent_state;
    case Command::kSessionStart:
      return start_session;
    case Command::kSessionList:
      return list_sessions;
    case Command::kSessionEnd:
      return end_session;
    case Command::kChangeList:
      return list_changes;
    case Command::kChangeShow:
      return show_change;
    case Command::kApprove:
    case Command::kReject:
      return give_review;
    case Command::kBackup:
    case Command::kStoreExport:
    case Command::kStoreImport:
    case Command::kStoreMigrate:
      return store_function_of(command);
    case Command::kVaultSeal:
      return seal_credentials;
    case Command::kVaultShow:
      return show_credentials;
    case Command::kAwsExplain:
      return explain_requests;
    case Command::kPolicyCheck:
      return check_policies;
    case Command::kPolicyValidate:
    case Command::kPolicyFormat:
    case Command::kPolicyTranslate:
    case Command::kPolicyAuthorize:
    case Command::kPolicyExplain:
    case Command::kPolicyTest:
    case Command::kPolicyCorpus:
      return run_policy;
    case Command::kWhoami:
      return who_am_i;
    default:
      return print_version;
  }
}

std::optional<std::string> read_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

int run(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const auto read = read_options(words);
  if (const Message* message = std::get_if<Message>(&read)) {
    message->exit_code == kDone ? print(message->text) : print_error(message->text);
    return message->exit_code;
  }
  const Options& options = std::get<Options>(read);
  const SystemClock clock;
  const Context context{options, read_environment, style_of_output(), clock};
  const Result<int> code = function_of(options.command)(context);
  if (code) return *code;
  print_error(fmt::format("keyturn: {}\n", code.error().message));
  return code.error().code == Code::kDenied ? kDenied : kFailed;
}

}  // namespace keyturn::cli
