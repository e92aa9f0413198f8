// The agent's process under `keyturn run`: its environment, and waiting for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyturn::cli {

struct SessionVariables {
  std::string endpoint_url;
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string config_file;  // takes the place of ~/.aws/config and ~/.aws/credentials
};

// `NAME=value` entries for the agent: the person's, without their Keyturn token and every AWS
// variable that could lead to other credentials or another endpoint, and with the session's.
std::vector<std::string> child_environment(const std::vector<std::string>& own,
                                           const SessionVariables& session);

// Runs a command, passes signals on, and waits. Returns its exit code, or 128 and the signal that
// ended it, as shells do. kNotFound when there is no such command.
Result<int> run_child(const std::vector<std::string>& command,
                      const std::vector<std::string>& environment);

}  // namespace keyturn::cli
