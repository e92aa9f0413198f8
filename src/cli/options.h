// What was asked for on the command line. Reading it is a pure function, so that tests need no
// process.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace keyturn::cli {

enum class Command {
  kInit,
  kServe,
  kRun,
  kPersonAdd,
  kPersonList,
  kPersonSuspend,
  kPersonActivate,
  kAgentAdd,
  kAgentList,
  kAgentSuspend,
  kAgentActivate,
  kSessionStart,
  kSessionList,
  kSessionEnd,
  kChangeList,
  kChangeShow,
  kApprove,
  kReject,
  kLedgerShow,
  kLedgerVerify,
  kLedgerKey,
  kLedgerReceipt,
  kLedgerFsck,
  kLedgerExport,
  kLedgerReplay,
  kLedgerContents,
  kLedgerErase,
  kBackup,
  kStoreExport,
  kStoreImport,
  kStoreMigrate,
  kVaultSeal,
  kVaultShow,
  kAwsExplain,
  kPolicyCheck,
  kPolicyValidate,
  kPolicyFormat,
  kPolicyTranslate,
  kPolicyAuthorize,
  kPolicyExplain,
  kPolicyTest,
  kPolicyCorpus,
  kWhoami,
  kVersion,
};

// Of the `policy` commands; files may be `-` for standard input.
struct PolicyOptions {
  bool permissive = false;
  bool behaviour_413 = false;  // where Cedar 4.13 differs
  std::optional<unsigned> level;
  std::vector<std::string> policies;  // files and folders
  std::string entities;
  bool check = false;  // only say which files would change
  bool write = false;
  std::string to;  // `json` or `cedar`
  bool is_schema = false;
  std::string principal;
  std::string action;
  std::string resource;
  std::string context;  // a file
  std::string request;  // a file instead of the four above
  std::string folder;
  std::string cases;       // a folder; empty: `cases` in the pack's folder
  std::string validation;  // a folder of expected verdicts
};

struct Options {
  Command command = Command::kVersion;
  std::string config = "keyturn.toml";
  std::string url;  // of the API; empty: $KEYTURN_URL or the default
  bool json = false;
  std::string id;  // of the person, agent, session or change
  std::string name;
  bool administrator = false;
  std::string owner;
  std::string agent;
  std::string purpose;
  std::string words;
  std::string state;
  Duration lifetime = std::chrono::hours(8);
  std::uint64_t from = 0;
  std::uint64_t limit = 0;  // 0: the command's default
  bool follow = false;
  std::string root;                 // `size:hash` that a ledger must still contain
  std::optional<std::uint64_t> to;  // the last index
  std::uint64_t index = 0;
  std::string target;  // a receipt, a folder or a URL of a published ledger; a file or folder
  std::string key;     // a verifier key; empty: $KEYTURN_LEDGER_KEY or the data folder's
  bool accept_clock = false;
  std::string aws_model;   // a file; empty: the one in the binary
  std::string checkpoint;  // a file with one that was kept
  std::string otlp;        // a collector's URL; empty: to standard output
  std::string policies;    // a folder of policies; empty: the recorded ones
  std::string out;         // a file; empty: standard output
  std::string origin;      // of a new log
  std::string dsn;         // of the database's owner; empty: the configured one
  std::string role;        // of the server in the database
  bool repair = false;
  std::string account;
  std::string person;
  bool upstream_from_environment = false;
  std::vector<std::string> files;
  std::string schema;
  PolicyOptions policy;
  std::vector<std::string> child;  // the command of `run`
};

// What to print instead of running: help, or what is wrong with the command line.
struct Message {
  std::string text;
  int exit_code = 0;
};

std::variant<Options, Message> read_options(const std::vector<std::string>& arguments);

}  // namespace keyturn::cli
