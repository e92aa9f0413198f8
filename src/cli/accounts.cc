#include "base/bytes.h"
#include "cli/cli.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

Result<Json> get_list(const Context& context, std::string_view target, std::string_view key) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json answer, client.get(target));
  const Json* list = answer.find(key);
  if (list == nullptr || !list->is_array()) {
    return fail(Code::kCorrupt, "the server's answer has no `{}`", key);
  }
  return *list;
}

int print_json(const Json& value) {
  print(to_pretty_text(value) + "\n");
  return kDone;
}

Result<int> set_state(const Context& context, std::string_view collection, std::string_view state) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json answer,
      client.send("PATCH", fmt::format("/v1/{}/{}", collection, percent_encode(context.options.id)),
                  Json::object({{"state", state}})));
  print(fmt::format("{} is {}\n", safe(answer, "id"), safe(answer, "state")));
  return kDone;
}

}  // namespace

Result<int> add_person(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  Json body = Json::object({{"id", options.id}});
  if (!options.name.empty()) body.set("name", options.name);
  if (options.administrator) body.set("role", "administrator");
  TRY(const Json answer, client.send("POST", "/v1/persons", body));
  if (options.json) return print_json(answer);
  print(
      fmt::format("{} has an account. The token is shown this once:\n\n  {}\n\n"
                  "Hand it over privately; it goes into KEYTURN_TOKEN.\n",
                  options.id, safe(answer, "token")));
  return kDone;
}

Result<int> list_persons(const Context& context) {
  TRY(const Json persons, get_list(context, "/v1/persons", "persons"));
  if (context.options.json) return print_json(persons);
  std::vector<std::vector<Cell>> rows;
  for (const Json& person : *persons.if_array()) {
    const std::string state = safe(person, "state");
    rows.push_back({{safe(person, "id"), Ink::kBold},
                    {safe(person, "role")},
                    {state, ink_of_state(state)},
                    {ago(safe(person, "created"), context.clock.now())},
                    {safe(person, "name")}});
  }
  print(table({"ID", "ROLE", "STATE", "CREATED", "NAME"}, rows, context.style));
  return kDone;
}

Result<int> set_person_state(const Context& context) {
  const bool suspend = context.options.command == Command::kPersonSuspend;
  return set_state(context, "persons", suspend ? "suspended" : "active");
}

Result<int> who_am_i(const Context& context) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json person, client.get("/v1/whoami"));
  if (context.options.json) return print_json(person);
  print(fmt::format("{} ({}, {}) at {}\n", safe(person, "id"), safe(person, "name"),
                    safe(person, "role"), client.url()));
  return kDone;
}

Result<int> add_agent(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  Json body = Json::object({{"id", options.id}});
  if (!options.owner.empty()) body.set("owner", options.owner);
  TRY(const Json agent, client.send("POST", "/v1/agents", body));
  if (options.json) return print_json(agent);
  const std::string id = safe(agent, "id");
  print(
      fmt::format("{} is an agent of {}. Run it with:\n\n"
                  "  keyturn run --agent {} --purpose \"…\" -- COMMAND\n",
                  id, safe(agent, "owner"), id));
  return kDone;
}

Result<int> list_agents(const Context& context) {
  TRY(const Json agents, get_list(context, "/v1/agents", "agents"));
  if (context.options.json) return print_json(agents);
  if (agents.if_array()->empty()) {
    print("There is no agent yet. Add one with: keyturn agent add ID\n");
    return kDone;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& agent : *agents.if_array()) {
    const std::string state = safe(agent, "state");
    rows.push_back({{safe(agent, "id"), Ink::kBold},
                    {safe(agent, "owner")},
                    {state, ink_of_state(state)},
                    {ago(safe(agent, "created"), context.clock.now())}});
  }
  print(table({"ID", "OWNER", "STATE", "CREATED"}, rows, context.style));
  return kDone;
}

Result<int> set_agent_state(const Context& context) {
  const bool suspend = context.options.command == Command::kAgentSuspend;
  return set_state(context, "agents", suspend ? "suspended" : "active");
}

}  // namespace keyturn::cli
