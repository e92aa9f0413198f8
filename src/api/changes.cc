// Changes and their reviews.
#include "api/route.h"
#include "api/shown.h"
#include "gate/explain.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kListDefault = 100;
constexpr std::size_t kListMax = 1'000;  // summaries of at most some kilobytes each

Result<std::optional<review::ChangeState>> read_state(const Call& call) {
  using review::ChangeState;
  const Json* wanted = call.query.find("state");
  if (wanted == nullptr) return std::nullopt;
  for (const ChangeState state :
       {ChangeState::kOpen, ChangeState::kApproved, ChangeState::kRejected, ChangeState::kExecuted,
        ChangeState::kExpired, ChangeState::kVoid}) {
    if (to_string(state) == *wanted->if_string()) return state;
  }
  return fail(Code::kInvalid, "`{}` is no state of a change", *wanted->if_string());
}

// Reviewers still see the change when nobody can say any more why it was held.
Json explanation_of(const Call& call, const review::Change& change, const std::string& purpose) {
  const auto explanation = gate::explain_hold(call.needs.gate, change, purpose);
  if (explanation) return gate::to_json(*explanation);
  Json json = gate::to_json(gate::HoldExplanation());
  json.set("error", explanation.error().message);
  return json;
}

}  // namespace

Result<Answer> list_changes(Call& call) {
  TRY(const std::size_t limit, read_limit(call.query, kListDefault, kListMax));
  TRY(const auto state, read_state(call));
  Json list{Json::Array()};
  const Time now = call.needs.clock.now();
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto changes, call.needs.reviews.changes(transaction, state, limit));
    for (const review::Change& change : changes) {
      list.push_back(shown(change, Detail::kSummary, now));
    }
    return {};
  }));
  return json_answer(Json::object({{"changes", std::move(list)}}));
}

Result<Answer> get_change(Call& call) {
  TRY(const ChangeId id, ChangeId::parse(call.id));
  review::Change change;
  std::string purpose;
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(change, call.needs.reviews.get_change(transaction, id));
    TRY(const identity::Session session,
        call.needs.identity.get_session(transaction, change.session));
    purpose = session.purpose;
    return {};
  }));
  Json answer = shown(change, Detail::kComplete, call.needs.clock.now());
  answer.set("explanation", explanation_of(call, change, purpose));
  return json_answer(answer);
}

Result<Answer> give_review(Call& call) {
  TRY(const ChangeId id, ChangeId::parse(call.id));
  TRY(const review::Answer answer, review::parse_answer(*call.body.get_string("answer")));
  TRY(const Digest digest, context(Digest::from_hex(*call.body.get_string("digest")), "`digest`"));
  const std::string words = call.body.string_or("words", "");
  if (words.size() > review::kWordsBytesMax) {
    return fail(Code::kInvalid, "`words` has {} bytes, more than {}", words.size(),
                review::kWordsBytesMax);
  }
  if (answer == review::Answer::kReject && trim(words).empty()) {
    return fail(Code::kInvalid,
                "a rejection needs `words`: they tell the agent what to do instead");
  }
  TRY(const review::Reviews::Given given,
      call.needs.gate.give_review(id, call.person.id, answer, digest, words));
  Json grant;
  if (given.grant) {
    grant = Json::object({{"id", given.grant->id}, {"expires", format_time(given.grant->expires)}});
  }
  const Time now = call.needs.clock.now();
  return json_answer(Json::object({{"change", shown(given.change, Detail::kSummary, now)},
                                   {"grant", std::move(grant)}}),
                     201);
}

}  // namespace keyturn::api
