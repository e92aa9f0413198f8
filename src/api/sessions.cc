// Sessions: one run of an agent, whose keys are shown once.
#include "api/route.h"
#include "api/shown.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kListDefault = 100;
constexpr std::size_t kListMax =
    1'000;  // one screen of a busy day; keeps an answer below a megabyte

Result<identity::NewSession> read_session(const Call& call) {
  identity::NewSession session;
  session.agent = AgentId(*call.body.get_string("agent"));
  session.starter = call.person.id;
  session.purpose = *call.body.get_string("purpose");
  if (const Json* lifetime = call.body.find("lifetime_seconds")) {
    const std::int64_t seconds = *lifetime->if_integer();
    const auto most = std::chrono::floor<std::chrono::seconds>(identity::kSessionLifetimeMax);
    if (seconds < 1 || seconds > most.count()) {
      return fail(Code::kInvalid, "`lifetime_seconds` is {} but must be between 1 and {}", seconds,
                  most.count());
    }
    session.lifetime = std::chrono::seconds(seconds);
  }
  return session;
}

Json entry_of(const identity::Session& session) {
  return Json::object({{"session", session.id.text()},
                       {"agent", session.agent.text()},
                       {"owner", session.owner.text()},
                       {"starter", session.starter.text()},
                       {"purpose", session.purpose},
                       {"expiry", format_time(session.expiry)},
                       {"access_key_id", session.access_key_id}});
}

}  // namespace

Result<Answer> list_sessions(Call& call) {
  TRY(const std::size_t limit, read_limit(call.query, kListDefault, kListMax));
  Json list{Json::Array()};
  const Time now = call.needs.clock.now();
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto sessions, call.needs.identity.sessions(transaction, limit));
    for (const identity::Session& session : sessions) list.push_back(shown(session, now));
    return {};
  }));
  return json_answer(Json::object({{"sessions", std::move(list)}}));
}

Result<Answer> start_session(Call& call) {
  TRY(const identity::NewSession wanted, read_session(call));
  std::optional<identity::Identity::StartedSession> started;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY(const identity::Agent agent, call.needs.identity.get_agent(transaction, wanted.agent));
    if (agent.owner != call.person.id) {
      return fail(Code::kDenied, "the agent `{}` is not yours; its owner `{}` starts its sessions",
                  agent.id.text(), agent.owner.text());
    }
    TRY(started, call.needs.identity.start_session(transaction, wanted));
    TRY_VOID(call.needs.ledger.append(transaction, "session.started", entry_of(started->session)));
    return {};
  }));
  const Json answer = Json::object({{"session", shown(started->session, call.needs.clock.now())},
                                    {"access_key_id", started->keys.access_key_id},
                                    {"secret_access_key", started->keys.secret_access_key.view()},
                                    {"session_token", started->keys.session_token.view()},
                                    {"aws_endpoint_url", call.options.aws_endpoint_url}});
  return json_answer(answer, 201);
}

Result<Answer> end_session(Call& call) {
  const SessionId id(call.id);
  Json answer;
  TRY_VOID(commit(call, [&](store::Transaction& transaction) -> Result<void> {
    TRY(const identity::Session before, call.needs.identity.get_session(transaction, id));
    const bool own = before.owner == call.person.id || before.starter == call.person.id;
    if (!own && !is_administrator(call)) {
      return fail(Code::kDenied,
                  "only its agent's owner, its starter or an administrator may end "
                  "the session `{}`",
                  id.text());
    }
    if (before.ended) {
      return fail(Code::kConflict, "the session `{}` ended at {}", id.text(),
                  format_time(*before.ended));
    }
    TRY(const auto ended, call.needs.identity.end_session(transaction, id));
    TRY(const identity::Session session, call.needs.identity.get_session(transaction, id));
    answer = shown(session, call.needs.clock.now());
    // Those that came from it end with it.
    for (const SessionId& one : ended) {
      const Json entry = Json::object({{"session", one.text()},
                                       {"agent", session.agent.text()},
                                       {"by", call.person.id.text()}});
      TRY_VOID(call.needs.ledger.append(transaction, "session.ended", entry));
    }
    return {};
  }));
  return json_answer(answer);
}

}  // namespace keyturn::api
