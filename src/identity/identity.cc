#include "identity/identity.h"

#include "identity/inside.h"
#include "identity/rows.h"

namespace keyturn::identity {
namespace {

constexpr std::string_view kTokenPrefix = "ktp_";
constexpr std::size_t kTokenBytes = 32;

// Draws an API token.
crypto::Secret draw_token(Random& random) {
  std::string raw = random.bytes(kTokenBytes);
  std::string text = base64url_encode(raw);
  text.insert(0, kTokenPrefix);
  crypto::Secret token(text);
  crypto::wipe(raw);
  crypto::wipe(text);
  return token;
}

Result<void> expect_one(std::int64_t changed, std::string_view what, std::string_view id) {
  if (changed == 1) return {};
  return fail(Code::kNotFound, "there is no {} `{}`", what, printable(id, 64));
}

}  // namespace

Identity::Identity(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Identity::~Identity() = default;

Result<void> Identity::prepare(store::Store& store) {
  return context(store.migrate("identity", migrations(store.engine())), "open identity");
}

Result<std::unique_ptr<Identity>> Identity::open(store::Store& store, const Clock& clock,
                                                 Random& random, const crypto::SealingKey& key) {
  TRY_VOID(prepare(store));
  auto identity = std::make_unique<Identity>(std::make_unique<Inside>(store, clock, random, key));
  TRY_VOID(context(identity->refresh(), "open identity"));
  return identity;
}

Result<crypto::Secret> Identity::create_person(store::Transaction& transaction,
                                               const NewPerson& person) {
  TRY_VOID(check_handle(person.id.text()));
  TRY_VOID(check_text("name", person.name, kNameBytesMax));
  crypto::Secret token = draw_token(inside_->random);
  TRY(const std::int64_t added,
      transaction.execute("INSERT INTO identity_persons (id, name, role, state, created, "
                          "token_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                          {person.id.text(), person.name, std::string(to_string(person.role)),
                           std::string(to_string(State::kActive)), to_micros(inside_->clock.now()),
                           crypto::sha256(token.view()).hex()}));
  if (added != 1) {
    return fail(Code::kConflict, "there is a person `{}` already; choose another name",
                person.id.text());
  }
  return token;
}

Result<void> Identity::set_person_state(store::Transaction& transaction, const PersonId& id,
                                        State state) {
  TRY(const std::int64_t changed,
      transaction.execute("UPDATE identity_persons SET state = ?2 WHERE id = ?1",
                          {id.text(), std::string(to_string(state))}));
  return expect_one(changed, "person", id.text());
}

Result<Agent> Identity::create_agent(store::Transaction& transaction, const AgentId& id,
                                     const PersonId& owner) {
  TRY_VOID(check_handle(id.text()));
  TRY(const Person person, get_person(transaction, owner));
  if (person.state != State::kActive) {
    return fail(Code::kDenied, "the person `{}` is suspended and cannot own a new agent",
                owner.text());
  }
  TRY_VOID(check_duties(person));
  const Agent agent{id, owner, State::kActive, inside_->clock.now()};
  TRY(const std::int64_t added,
      transaction.execute("INSERT INTO identity_agents (id, owner, state, created) "
                          "VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                          {id.text(), owner.text(), std::string(to_string(agent.state)),
                           to_micros(agent.created)}));
  if (added != 1) {
    return fail(Code::kConflict, "there is an agent `{}` already; choose another name", id.text());
  }
  return agent;
}

Result<void> Identity::set_agent_state(store::Transaction& transaction, const AgentId& id,
                                       State state) {
  TRY(const std::int64_t changed,
      transaction.execute("UPDATE identity_agents SET state = ?2 WHERE id = ?1",
                          {id.text(), std::string(to_string(state))}));
  return expect_one(changed, "agent", id.text());
}

Result<Person> Identity::get_person(store::Transaction& transaction, const PersonId& id) const {
  TRY(const store::Rows rows,
      transaction.query(
          fmt::format("SELECT {} FROM identity_persons WHERE id = ?1", kPersonColumns),
          {id.text()}));
  TRY_VOID(expect_one(static_cast<std::int64_t>(rows.size()), "person", id.text()));
  return read_person(rows.front());
}

Result<Agent> Identity::get_agent(store::Transaction& transaction, const AgentId& id) const {
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT {} FROM identity_agents WHERE id = ?1", kAgentColumns),
                        {id.text()}));
  TRY_VOID(expect_one(static_cast<std::int64_t>(rows.size()), "agent", id.text()));
  return read_agent(rows.front());
}

Result<std::vector<Person>> Identity::persons(store::Transaction& transaction) const {
  TRY(const store::Rows rows, transaction.query(fmt::format(
                                  "SELECT {} FROM identity_persons ORDER BY id", kPersonColumns)));
  std::vector<Person> persons;
  for (const store::Row& row : rows) {
    TRY(Person person, read_person(row));
    persons.push_back(std::move(person));
  }
  return persons;
}

Result<std::vector<Agent>> Identity::agents(store::Transaction& transaction) const {
  TRY(const store::Rows rows,
      transaction.query(fmt::format("SELECT {} FROM identity_agents ORDER BY id", kAgentColumns)));
  std::vector<Agent> agents;
  for (const store::Row& row : rows) {
    TRY(Agent agent, read_agent(row));
    agents.push_back(std::move(agent));
  }
  return agents;
}

Result<Person> Identity::authenticate(std::string_view token) {
  const Digest digest = crypto::sha256(token);
  auto person = inside_->find_person(digest);
  if (!inside_->store.is_shared()) return person;
  const bool active = inside_->has_row(
      "SELECT 1 FROM identity_persons WHERE token_sha256 = ?1 AND state = 'active'", digest.hex());
  if (active == person.has_value()) return person;
  TRY_VOID(refresh());
  return inside_->find_person(digest);
}

Result<Person> Identity::Inside::find_person(const Digest& digest) const {
  const auto now = current();
  const auto [first, last] =
      now->persons.equal_range(std::string(digest.view().substr(0, kTokenPrefixBytes)));
  for (auto it = first; it != last; ++it) {
    if (!crypto::equal_in_constant_time(it->second.token.view(), digest.view())) continue;
    if (it->second.person.state != State::kActive) {
      return fail(Code::kDenied, "the person `{}` is suspended; ask an administrator",
                  it->second.person.id.text());
    }
    return it->second.person;
  }
  return fail(
      Code::kDenied,
      "this token is not valid; an administrator makes a new person with `keyturn person add`");
}

}  // namespace keyturn::identity
