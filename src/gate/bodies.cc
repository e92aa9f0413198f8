#include "gate/bodies.h"

#include "crypto/crypto.h"
#include "ledger/contents.h"

namespace keyturn::gate {
namespace {

// What the ledger puts around a body (index, kind, time, version) stays well below this.
constexpr std::size_t kBodyBytesMax = ledger::kEntryBytesMax - 512;
constexpr std::size_t kFieldBytesMax = 1'000;  // of what a stranger or upstream said

std::string shown(std::string_view text) { return printable(text, kFieldBytesMax); }

Json texts(const std::vector<std::string>& texts) {
  Json list(Json::Array{});
  for (const std::string& text : texts) list.push_back(printable(text, kFieldBytesMax));
  return list;
}

bool is_empty(const Json& value) {
  if (const Json::Object* object = value.if_object()) return object->empty();
  if (const Json::Array* array = value.if_array()) return array->empty();
  return value == Json();
}

// Replaces a member by its digest and size; its text.
std::optional<std::string> take_out(Json& action, std::string_view key) {
  const Json* value = action.find(key);
  if (value == nullptr || is_empty(*value)) return std::nullopt;
  std::string text = to_canonical(*value);
  action.set(key, by_digest(*value));
  return text;
}

// The actions' contents, those that are not too large.
class Contents {
 public:
  void add(std::optional<std::string> text) {
    if (text && text->size() <= ledger::kContentBytesMax) list_.push_back(std::move(*text));
  }
  // Whatever its size: a verdict is computed again from it.
  void add_whole(std::string text) { list_.push_back(std::move(text)); }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

std::string_view to_string(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kAnswered:
      return "answered";
    case Outcome::Kind::kNotSent:
      return "not_sent";
    case Outcome::Kind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace

std::vector<store::Migration> migrations(store::Engine engine) {
  const bool sqlite = engine == store::Engine::kSqlite;
  const std::string_view integer = sqlite ? "INTEGER" : "BIGINT";
  const std::string_view end = sqlite ? ") STRICT" : ")";
  store::Migration first;
  first.number = 1;
  first.statements = {
      fmt::format("CREATE TABLE gate_unfinished (decided_index {} PRIMARY KEY, "
                  "request_id TEXT NOT NULL{}",
                  integer, end),
      fmt::format("CREATE TABLE gate_packs (digest TEXT PRIMARY KEY, pack TEXT NOT NULL{}", end),
  };
  store::Migration second;
  second.number = 2;
  second.statements = {
      fmt::format("CREATE TABLE gate_contents (digest TEXT PRIMARY KEY, content TEXT NOT NULL{}",
                  end),
  };
  store::Migration third;
  third.number = 3;
  third.statements = {
      fmt::format(
          "CREATE TABLE gate_destroyed (decided_index {0} NOT NULL, resource TEXT NOT NULL, "
          "session TEXT NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL, "
          "decided_at {0} NOT NULL, PRIMARY KEY (decided_index, resource){1}",
          integer, end),
      "CREATE INDEX gate_destroyed_session ON gate_destroyed (session, decided_index)",
  };
  store::Migration fourth;
  fourth.number = 4;
  fourth.statements = {
      // No text in an entry can hold an unescaped quote, so what is found is the member.
      fmt::format("INSERT INTO ledger_contents (entry_index, digest, content) "
                  "SELECT e.entry_index, c.digest, c.content FROM gate_contents c "
                  "JOIN ledger_entries e ON e.kind = 'action.decided' AND "
                  "{} > 0",
                  sqlite ? R"(instr(e.text, '"beside":"' || c.digest || '"'))"
                         : R"(position('"beside":"' || c.digest || '"' in e.text))"),
      "DROP TABLE gate_contents",
  };
  store::Migration fifth;
  fifth.number = 5;
  fifth.statements = {
      fmt::format("CREATE TABLE gate_clock (id {0} PRIMARY KEY, latest {0} NOT NULL{1}", integer,
                  end),
      "INSERT INTO gate_clock (id, latest) VALUES (1, 0)",
  };
  store::Migration sixth;
  sixth.number = 6;
  sixth.statements = {
      fmt::format("ALTER TABLE gate_unfinished ADD COLUMN writer {} NOT NULL DEFAULT 0", integer),
      fmt::format("CREATE TABLE gate_sent (decided_index {0} PRIMARY KEY, signature TEXT NOT NULL, "
                  "invocation TEXT NOT NULL, peer TEXT NOT NULL, sent_at {0} NOT NULL, "
                  "valid_until {0} NOT NULL{1}",
                  integer, end),
      "CREATE INDEX gate_sent_signature ON gate_sent (signature)",
      "CREATE INDEX gate_sent_valid_until ON gate_sent (valid_until)",
  };
  return {std::move(first),  std::move(second), std::move(third),
          std::move(fourth), std::move(fifth),  std::move(sixth)};
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kPolicy:
      return "policy";
    case Cause::kReview:
      return "review";
    case Cause::kSession:
      return "session";
    case Cause::kLimit:
      return "limit";
  }
  return "policy";
}

Result<Cause> parse_cause(std::string_view text) {
  for (const Cause cause : {Cause::kPolicy, Cause::kReview, Cause::kSession, Cause::kLimit}) {
    if (to_string(cause) == text) return cause;
  }
  return fail(Code::kCorrupt, "the recorded cause `{}` is none", printable(text, 64));
}

std::string recorded_policy(std::string_view name) { return shown(name); }

Json by_digest(const Json& value) {
  const std::string text = to_canonical(value);
  Json named = Json::object(
      {{"bytes", static_cast<std::int64_t>(text.size())}, {"sha256", crypto::sha256(text).hex()}});
  if (const Json::Array* items = value.if_array()) {
    named.set("items", static_cast<std::int64_t>(items->size()));
  }
  return named;
}

RecordedAction recorded_action(const Action& action) {
  Json json = to_json(action);
  RecordedAction recorded;
  recorded.parameters = take_out(json, "parameters");
  recorded.text = to_canonical(json);
  return recorded;
}

Result<DecidedBody> decided_body(const Decided& decided) {
  const identity::Session& session = decided.question.holder->session;
  Json body = Json::object({
      {"request_id", shown(decided.question.request_id)},
      {"verdict", keyturn::to_string(decided.decision.kind)},
      {"cause", to_string(decided.cause)},
      {"message", decided.decision.message},
      {"session", session.id.text()},
      {"starter", session.starter.text()},
      {"facts", Json::object({{"agent", decided.facts.agent.text()},
                              {"owner", decided.facts.owner.text()},
                              {"purpose", decided.facts.purpose},
                              {"approvals", decided.facts.approvals},
                              {"reviewers", decided.reviewers}})},
      {"policy_digest", decided.policy_digest.hex()},
      {"policies", texts(decided.decision.policies)},
      {"errors", texts(decided.errors)},
      {"approvals_needed", decided.approvals_needed},
  });
  if (!decided.question.model_digest.empty()) {
    body.set("model_digest", decided.question.model_digest);
  }
  if (decided.decision.change) body.set("change", decided.decision.change->id.text());
  if (decided.decision.grant) body.set("grant", decided.decision.grant->id);
  // The first key in canonical order, so that its text, made beforehand, goes in front.
  const std::string rest = to_canonical(body).substr(1);
  const auto whole = [&rest](std::string_view action) {
    std::string out = R"({"action":)";
    out.append(action).append(",").append(rest);
    return out;
  };
  const auto fits = [&rest](const std::string& action) {
    return action.size() + rest.size() + 16 <= kBodyBytesMax;
  };
  Contents contents;
  contents.add(decided.action.parameters);
  if (fits(decided.action.text)) return DecidedBody{whole(decided.action.text), contents.take()};
  Json action = to_json(decided.question.action);
  take_out(action, "parameters");
  contents.add(take_out(action, "why"));  // for people; no policy reads it
  std::string text = to_canonical(action);
  if (fits(text)) return DecidedBody{whole(text), contents.take()};
  // More resources are denied unseen.
  if (decided.question.action.resources.size() <= kResourcesMax) {
    action.set("beside", crypto::sha256(text).hex());
    contents.add_whole(std::move(text));
  }
  for (const std::string_view key : {"attributes", "resources"}) {
    take_out(action, key);
    text = to_canonical(action);
    if (fits(text)) return DecidedBody{whole(text), contents.take()};
  }
  return fail(Code::kExhausted, "the record of the action has {} bytes but may have {}",
              text.size() + rest.size(), kBodyBytesMax);
}

Json opened_body(const review::Change& change) {
  return Json::object({
      {"change", change.id.text()},
      {"digest", change.digest.hex()},
      {"session", change.session.text()},
      {"agent", change.agent.text()},
      {"owner", change.owner.text()},
      {"starter", change.starter.text()},
      {"reason", change.reason},
      {"summary", change.summary},
      {"effect", keyturn::to_string(change.effect)},
      {"tier", keyturn::to_string(change.tier)},
      {"action_digest", change.action_digest.hex()},
      {"policy_digest", change.policy_digest.hex()},
      {"approvals_needed", change.approvals_needed},
      {"expires", format_time(change.expires)},
  });
}

Json moved_body(const review::Change& change, std::string_view why) {
  return Json::object({{"change", change.id.text()}, {"why", why}});
}

Json review_body(const review::Change& change, const review::Review& review) {
  return Json::object({
      {"change", change.id.text()},
      {"person", review.person.text()},
      {"answer", review::to_string(review.answer)},
      {"words", review.words},
      {"digest", review.digest.hex()},
      {"state", review::to_string(change.state)},
  });
}

Json grant_body(const review::Grant& grant) {
  return Json::object({
      {"grant", grant.id},
      {"change", grant.change.text()},
      {"session", grant.session.text()},
      {"action_digest", grant.action_digest.hex()},
      {"policy_digest", grant.policy_digest.hex()},
      {"expires", format_time(grant.expires)},
  });
}

Json policies_body(const Policies& policies) {
  return Json::object({{"policy_digest", policies.digest().hex()},
                       {"policies", static_cast<std::int64_t>(policies.size())},
                       {"bytes", static_cast<std::int64_t>(policies.text().size())}});
}

Json refused_body(const Gate::Refusal& refusal) {
  return Json::object({{"request_id", shown(refusal.request_id)},
                       {"door", shown(refusal.door)},
                       {"code", shown(refusal.code)},
                       {"detail", shown(refusal.detail)},
                       {"access_key_id", shown(refusal.access_key_id)},
                       {"peer", shown(refusal.peer)}});
}

Json child_body(const Child& child, const identity::Session& session) {
  return Json::object({{"session", session.id.text()},
                       {"agent", session.agent.text()},
                       {"owner", session.owner.text()},
                       {"starter", session.starter.text()},
                       {"purpose", shown(session.purpose)},
                       {"expiry", format_time(session.expiry)},
                       {"access_key_id", session.access_key_id},
                       {"parent", child.child.parent.text()},
                       {"root", session.root.text()},
                       {"role", shown(child.role)},
                       {"acts_as", shown(session.acts_as)},
                       {"decided", child.decided_index},
                       {"request_id", shown(child.request_id)}});
}

Json outcome_body(std::uint64_t decided_index, const std::string& request_id,
                  const Outcome& outcome) {
  return Json::object({{"decided", decided_index},
                       {"request_id", shown(request_id)},
                       {"outcome", to_string(outcome.kind)},
                       {"status", outcome.status},
                       {"detail", shown(outcome.detail)},
                       {"response_bytes", outcome.response_bytes}});
}

}  // namespace keyturn::gate
