#include "identity/snapshot.h"

#include <map>

#include "identity/rows.h"

namespace keyturn::identity {
namespace {

using Persons = std::map<PersonId, Person>;
using Agents = std::map<AgentId, Agent>;

Result<Persons> load_persons(store::Transaction& transaction, Snapshot& snapshot) {
  TRY(const store::Rows rows,
      transaction.query(
          fmt::format("SELECT {}, token_sha256 FROM identity_persons", kPersonColumns)));
  Persons persons;
  for (const store::Row& row : rows) {
    TRY(Person person, read_person(row));
    TRY(const Digest token, Digest::from_hex(row.text(5)));
    snapshot.persons.emplace(token.view().substr(0, kTokenPrefixBytes), TokenHolder{token, person});
    persons.emplace(person.id, std::move(person));
  }
  return persons;
}

Result<Agents> load_agents(store::Transaction& transaction) {
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT {} FROM identity_agents", kAgentColumns)));
  Agents agents;
  for (const store::Row& row : rows) {
    TRY(Agent agent, read_agent(row));
    agents.emplace(agent.id, std::move(agent));
  }
  return agents;
}

Result<std::shared_ptr<const SessionKeys>> open_keys(const store::Row& row, const Session& session,
                                                     const crypto::SealingKey& key,
                                                     const Snapshot* before) {
  if (before != nullptr) {
    const auto found = before->running.find(session.access_key_id);
    if (found != before->running.end() && found->second->session.id == session.id) {
      return found->second->keys;
    }
  }
  auto keys = std::make_shared<SessionKeys>();
  keys->access_key_id = session.access_key_id;
  TRY(keys->secret_access_key, key.open(row.blob(kSessionColumnCount), secret_label(session.id)));
  TRY(keys->session_token, key.open(row.blob(kSessionColumnCount + 1), token_label(session.id)));
  return std::shared_ptr<const SessionKeys>(std::move(keys));
}

struct Sources {
  const Persons& persons;
  const Agents& agents;
  const crypto::SealingKey& key;
  const Snapshot* before;
};

Result<std::shared_ptr<const KeyHolder>> read_holder(const store::Row& row,
                                                     const Sources& sources) {
  TRY(Session session, read_session(row));
  const auto agent = sources.agents.find(session.agent);
  if (agent == sources.agents.end()) {
    return fail(Code::kCorrupt, "session `{}` has no agent", session.id.text());
  }
  const auto owner = sources.persons.find(agent->second.owner);
  if (owner == sources.persons.end()) {
    return fail(Code::kCorrupt, "agent `{}` has no owner", agent->first.text());
  }
  TRY(auto keys, context(open_keys(row, session, sources.key, sources.before),
                         fmt::format("open the keys of session `{}`", session.id.text())));
  return std::make_shared<const KeyHolder>(
      KeyHolder{std::move(session), agent->second, owner->second, std::move(keys)});
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> load_snapshot(store::Transaction& transaction, Time now,
                                                      const crypto::SealingKey& key,
                                                      const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  TRY(const Persons persons, load_persons(transaction, *snapshot));
  TRY(const Agents agents, load_agents(transaction));
  TRY(const store::Rows running,
      transaction.query(fmt::format("SELECT {}, sealed_secret, sealed_token FROM {} "
                                    "WHERE ended IS NULL AND expiry > ?1",
                                    kSessionColumns, kSessionTables),
                        {to_micros(now)}));
  const Sources sources{persons, agents, key, before};
  for (const store::Row& row : running) {
    TRY(auto holder, read_holder(row, sources));
    snapshot->running.emplace(holder->session.access_key_id, std::move(holder));
  }
  TRY(const store::Rows past,
      transaction.query("SELECT access_key_id FROM identity_sessions WHERE ended IS NOT NULL "
                        "OR expiry <= ?1 ORDER BY started DESC LIMIT ?2",
                        {to_micros(now), static_cast<std::int64_t>(kPastKeysMax)}));
  for (const store::Row& row : past) snapshot->past.insert(row.text(0));
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace keyturn::identity
