#include "cli/options.h"

#include "cli/cli.h"

namespace keyturn::cli {
namespace {

Options good(const std::vector<std::string>& arguments) {
  const auto read = read_options(arguments);
  if (const Message* message = std::get_if<Message>(&read)) ADD_FAILURE() << message->text;
  const Options* options = std::get_if<Options>(&read);
  return options == nullptr ? Options() : *options;
}

Message bad(const std::vector<std::string>& arguments) {
  const auto read = read_options(arguments);
  const Message* message = std::get_if<Message>(&read);
  EXPECT_NE(message, nullptr);
  return message == nullptr ? Message() : *message;
}

TEST(Options, EveryCommandIsReached) {
  const std::vector<std::pair<std::vector<std::string>, Command>> commands = {
      {{"init", "--person", "root"}, Command::kInit},
      {{"serve"}, Command::kServe},
      {{"run", "--", "true"}, Command::kRun},
      {{"person", "add", "bob"}, Command::kPersonAdd},
      {{"person", "list"}, Command::kPersonList},
      {{"person", "suspend", "bob"}, Command::kPersonSuspend},
      {{"person", "activate", "bob"}, Command::kPersonActivate},
      {{"agent", "add", "kiro"}, Command::kAgentAdd},
      {{"agent", "list"}, Command::kAgentList},
      {{"agent", "suspend", "kiro"}, Command::kAgentSuspend},
      {{"agent", "activate", "kiro"}, Command::kAgentActivate},
      {{"session", "start", "--purpose", "x"}, Command::kSessionStart},
      {{"session", "list"}, Command::kSessionList},
      {{"session", "end", "ses_1"}, Command::kSessionEnd},
      {{"change", "list"}, Command::kChangeList},
      {{"change", "show", "CHG-1"}, Command::kChangeShow},
      {{"approve", "CHG-1"}, Command::kApprove},
      {{"reject", "CHG-1", "--words", "no"}, Command::kReject},
      {{"ledger", "show"}, Command::kLedgerShow},
      {{"ledger", "verify"}, Command::kLedgerVerify},
      {{"vault", "seal"}, Command::kVaultSeal},
      {{"vault", "show"}, Command::kVaultShow},
      {{"aws", "explain"}, Command::kAwsExplain},
      {{"policy", "check"}, Command::kPolicyCheck},
      {{"policy", "validate", "--schema", "s", "f"}, Command::kPolicyValidate},
      {{"policy", "format", "-"}, Command::kPolicyFormat},
      {{"policy", "translate", "--to", "json", "f"}, Command::kPolicyTranslate},
      {{"policy", "authorize", "--policies", "f"}, Command::kPolicyAuthorize},
      {{"policy", "explain", "--policies", "f"}, Command::kPolicyExplain},
      {{"policy", "test"}, Command::kPolicyTest},
      {{"policy", "corpus", "d"}, Command::kPolicyCorpus},
      {{"store", "migrate", "--dsn", "user=o", "--role", "r"}, Command::kStoreMigrate},
      {{"whoami"}, Command::kWhoami},
      {{"version"}, Command::kVersion}};
  for (const auto& [arguments, command] : commands) {
    EXPECT_EQ(good(arguments).command, command) << fmt::format("{}", fmt::join(arguments, " "));
  }
}

TEST(Options, WhatFollowsTheDashesBelongsToTheCommand) {
  const Options options = good({"run", "--agent", "kiro", "--purpose", "fix it", "--", "aws",
                                "--json", "s3", "ls", "--", "-x"});
  EXPECT_EQ(options.agent, "kiro");
  EXPECT_EQ(options.purpose, "fix it");
  EXPECT_FALSE(options.json);
  EXPECT_EQ(options.child, (std::vector<std::string>{"aws", "--json", "s3", "ls", "--", "-x"}));
}

TEST(Options, ADashAsAnArgumentOfTheCommandStays) {
  EXPECT_EQ(good({"run", "--", "sh", "-c", "exit 3"}).child,
            (std::vector<std::string>{"sh", "-c", "exit 3"}));
}

TEST(Options, TheLifetimeIsADuration) {
  EXPECT_EQ(good({"run", "--ttl", "30m", "--", "true"}).lifetime, std::chrono::minutes(30));
  const Message message = bad({"run", "--ttl", "soon", "--", "true"});
  EXPECT_EQ(message.exit_code, kUsage);
  EXPECT_NE(message.text.find("`soon` is not a duration"), std::string::npos) << message.text;
}

TEST(Options, UsageErrorsSayWhatIsWrong) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"approve"},
                                             {"reject", "CHG-1"},
                                             {"person"},
                                             {"change", "list", "--state", "x"},
                                             {"ledger", "show", "--limit", "0"},
                                             {"serve", "--nonsense"}}) {
    const Message message = bad(arguments);
    EXPECT_EQ(message.exit_code, kUsage);
    EXPECT_FALSE(message.text.empty());
  }
}

TEST(Options, AnUnknownCommandIsNamed) {
  const auto said = [](const std::vector<std::string>& words) {
    const auto read = read_options(words);
    const auto* message = std::get_if<Message>(&read);
    return message == nullptr ? std::string() : message->text;
  };
  EXPECT_EQ(said({"nosuch"}),
            "keyturn: there is no command `nosuch`; `keyturn --help` lists them\n");
  EXPECT_EQ(said({"ledger", "burn"}),
            "keyturn: there is no command `burn`; `keyturn ledger --help` lists them\n");
  EXPECT_EQ(said({"\x1b[2J"}).find('\x1b'), std::string::npos);
}

TEST(Options, HelpIsNoError) {
  const Message message = bad({"--help"});
  EXPECT_EQ(message.exit_code, kDone);
  EXPECT_NE(message.text.find("approve"), std::string::npos);
}

}  // namespace
}  // namespace keyturn::cli
