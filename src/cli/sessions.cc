#include "base/bytes.h"
#include "cli/cli.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

// The agent that was named, or the only one the caller owns.
Result<std::string> choose_agent(const Context& context, const Client& client) {
  if (!context.options.agent.empty()) return context.options.agent;
  TRY(const Json person, client.get("/v1/whoami"));
  TRY(const Json answer, client.get("/v1/agents"));
  const std::string me = person.string_or("id", "");
  std::vector<std::string> mine;
  const Json* agents = answer.find("agents");
  if (agents == nullptr || !agents->is_array()) {
    return fail(Code::kCorrupt, "the server's answer has no `agents`");
  }
  for (const Json& agent : *agents->if_array()) {
    const bool usable = agent.string_or("state", "") == "active";
    if (usable && agent.string_or("owner", "") == me) mine.push_back(agent.string_or("id", ""));
  }
  if (mine.size() == 1) return mine.front();
  if (mine.empty()) {
    return fail(Code::kInvalid,
                "you own no active agent; add one with `keyturn agent add ID`, or "
                "name another's with --agent");
  }
  return fail(Code::kInvalid, "you own several agents ({}); name one with --agent",
              fmt::join(mine, ", "));
}

}  // namespace

Result<Json> start_session(const Context& context, const Client& client,
                           const std::string& purpose) {
  TRY(const std::string agent, choose_agent(context, client));
  const auto lifetime = std::chrono::floor<std::chrono::seconds>(context.options.lifetime);
  return client.send("POST", "/v1/sessions",
                     Json::object({{"agent", agent},
                                   {"purpose", purpose},
                                   {"lifetime_seconds", std::int64_t{lifetime.count()}}}));
}

Result<int> start_session(const Context& context) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json answer, start_session(context, client, context.options.purpose));
  if (context.options.json) {
    print(to_pretty_text(answer) + "\n");
    return kDone;
  }
  const Json* found = answer.find("session");
  const Json session = found == nullptr ? Json() : *found;
  print(
      fmt::format("# Session {} of {}, until {}. The keys are shown this once.\n"
                  "export AWS_ENDPOINT_URL={}\n"
                  "export AWS_ACCESS_KEY_ID={}\n"
                  "export AWS_SECRET_ACCESS_KEY={}\n"
                  "export AWS_SESSION_TOKEN={}\n"
                  "export AWS_EC2_METADATA_DISABLED=true\n",
                  safe(session, "id"), safe(session, "agent"), short_time(safe(session, "expiry")),
                  safe(answer, "aws_endpoint_url"), safe(answer, "access_key_id"),
                  safe(answer, "secret_access_key"), safe(answer, "session_token")));
  return kDone;
}

Result<int> list_sessions(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  const std::uint64_t limit = options.limit == 0 ? 50 : options.limit;
  TRY(const Json answer, client.get(fmt::format("/v1/sessions?limit={}", limit)));
  const Json* sessions = answer.find("sessions");
  if (sessions == nullptr || !sessions->is_array()) {
    return fail(Code::kCorrupt, "the server's answer has no `sessions`");
  }
  if (options.json) {
    print(to_pretty_text(*sessions) + "\n");
    return kDone;
  }
  if (sessions->if_array()->empty()) {
    print(
        "No agent has run yet. Start one with: keyturn run --agent ID --purpose \"…\" -- "
        "COMMAND\n");
    return kDone;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& session : *sessions->if_array()) {
    const std::string state = safe(session, "state");
    rows.push_back({{safe(session, "id"), Ink::kBold},
                    {state, ink_of_state(state)},
                    {safe(session, "agent")},
                    {safe(session, "starter")},
                    {ago(safe(session, "start"), context.clock.now())},
                    {safe(session, "purpose")}});
  }
  print(table({"ID", "STATE", "AGENT", "STARTED BY", "START", "PURPOSE"}, rows, context.style));
  return kDone;
}

Result<int> end_session(const Context& context) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json session,
      client.send("DELETE", "/v1/sessions/" + percent_encode(context.options.id), std::nullopt));
  print(fmt::format("{} of {} has ended; its keys open nothing any more\n", safe(session, "id"),
                    safe(session, "agent")));
  return kDone;
}

}  // namespace keyturn::cli
