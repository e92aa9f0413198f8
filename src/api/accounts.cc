// Persons and agents.
#include "api/route.h"
#include "api/shown.h"

namespace keyturn::api {
namespace {

identity::State read_state(const Call& call) {
  return *call.body.get_string("state") == "active" ? identity::State::kActive
                                                    : identity::State::kSuspended;
}

std::string_view kind_of(identity::State state) {
  return state == identity::State::kActive ? "activated" : "suspended";
}

}  // namespace

Result<Answer> whoami(Call& call) { return json_answer(shown(call.person)); }

Result<Answer> list_persons(Call& call) {
  Json list{Json::Array()};
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto persons, call.needs.identity.persons(transaction));
    for (const identity::Person& person : persons) list.push_back(shown(person));
    return {};
  }));
  return json_answer(Json::object({{"persons", std::move(list)}}));
}

Result<Answer> create_person(Call& call) {
  identity::Identity::NewPerson person;
  TRY(std::string id, check_handle(*call.body.get_string("id")));
  person.name = call.body.string_or("name", id);
  if (person.name.empty() || person.name.size() > 200 || !is_valid_utf8(person.name)) {
    return fail(Code::kInvalid, "`name` must be 1 to 200 bytes of UTF-8");
  }
  if (call.body.string_or("role", "member") == "administrator") {
    person.role = identity::Role::kAdministrator;
  }
  person.id = PersonId(std::move(id));
  crypto::Secret token;
  Json created;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY(token, call.needs.identity.create_person(transaction, person));
    TRY(const identity::Person stored, call.needs.identity.get_person(transaction, person.id));
    created = shown(stored);
    const Json entry = Json::object({{"person", person.id.text()},
                                     {"name", person.name},
                                     {"role", to_string(person.role)},
                                     {"by", call.person.id.text()}});
    TRY_VOID(call.needs.ledger.append(transaction, "person.created", entry));
    return {};
  }));
  return json_answer(Json::object({{"person", std::move(created)}, {"token", token.view()}}), 201);
}

Result<Answer> set_person_state(Call& call) {
  const PersonId id(call.id);
  const identity::State state = read_state(call);
  if (id == call.person.id) {
    return fail(Code::kConflict,
                "you cannot suspend or activate yourself; ask another administrator");
  }
  Json answer;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(call.needs.identity.get_person(transaction, id));
    TRY_VOID(call.needs.identity.set_person_state(transaction, id, state));
    TRY(const identity::Person person, call.needs.identity.get_person(transaction, id));
    answer = shown(person);
    const Json entry = Json::object({{"person", id.text()}, {"by", call.person.id.text()}});
    TRY_VOID(
        call.needs.ledger.append(transaction, fmt::format("person.{}", kind_of(state)), entry));
    return {};
  }));
  return json_answer(answer);
}

Result<Answer> list_agents(Call& call) {
  Json list{Json::Array()};
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto agents, call.needs.identity.agents(transaction));
    for (const identity::Agent& agent : agents) list.push_back(shown(agent));
    return {};
  }));
  return json_answer(Json::object({{"agents", std::move(list)}}));
}

Result<Answer> create_agent(Call& call) {
  TRY(const std::string id, check_handle(*call.body.get_string("id")));
  const PersonId owner(call.body.string_or("owner", call.person.id.text()));
  if (owner != call.person.id && !is_administrator(call)) {
    return fail(Code::kDenied,
                "only an administrator may create an agent for `{}`; without `owner` "
                "it becomes yours",
                printable(owner.text(), 100));
  }
  Json created;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY(const identity::Person person, call.needs.identity.get_person(transaction, owner));
    if (person.state != identity::State::kActive) {
      return fail(Code::kConflict, "the person `{}` is suspended and cannot own a new agent",
                  owner.text());
    }
    TRY(const identity::Agent agent,
        call.needs.identity.create_agent(transaction, AgentId(id), owner));
    created = shown(agent);
    const Json entry =
        Json::object({{"agent", id}, {"owner", owner.text()}, {"by", call.person.id.text()}});
    TRY_VOID(call.needs.ledger.append(transaction, "agent.created", entry));
    return {};
  }));
  return json_answer(created, 201);
}

Result<Answer> set_agent_state(Call& call) {
  const AgentId id(call.id);
  const identity::State state = read_state(call);
  Json answer;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY(const identity::Agent before, call.needs.identity.get_agent(transaction, id));
    const bool owns = before.owner == call.person.id;
    const bool may = state == identity::State::kSuspended && owns;
    if (!may && !is_administrator(call)) {
      return fail(Code::kDenied, "only an administrator{} may {} the agent `{}`",
                  state == identity::State::kSuspended ? " or its owner" : "",
                  state == identity::State::kSuspended ? "suspend" : "activate", id.text());
    }
    TRY_VOID(call.needs.identity.set_agent_state(transaction, id, state));
    TRY(const identity::Agent agent, call.needs.identity.get_agent(transaction, id));
    answer = shown(agent);
    const Json entry = Json::object({{"agent", id.text()}, {"by", call.person.id.text()}});
    TRY_VOID(call.needs.ledger.append(transaction, fmt::format("agent.{}", kind_of(state)), entry));
    return {};
  }));
  return json_answer(answer);
}

}  // namespace keyturn::api
