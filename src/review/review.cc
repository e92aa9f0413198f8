// Reviews: who may give one (invariant 5), what it needs, and when a quorum bears a grant.
#include "review/review.h"

#include <algorithm>

#include "review/inside.h"
#include "review/rows.h"

namespace keyturn::review {
namespace {

Result<void> check_words(Answer answer, std::string_view words) {
  if (words.size() > kWordsBytesMax) {
    return fail(Code::kInvalid, "the words have {} bytes but may have {}", words.size(),
                kWordsBytesMax);
  }
  if (!is_valid_utf8(words) || words.find('\0') != std::string_view::npos) {
    return fail(Code::kInvalid, "the words must be UTF-8 text");
  }
  if (answer == Answer::kReject && trim(words).empty()) {
    return fail(Code::kInvalid,
                "a rejection needs words: the agent reads them to choose a safer way");
  }
  return {};
}

// Invariant 5. `owner` is the agent's owner today; the change remembers who it was.
Result<void> check_independent(const Change& change, const identity::Person& person,
                               const PersonId& owner) {
  if (person.state != identity::State::kActive) {
    return fail(Code::kDenied, "`{}` is suspended and cannot review", person.id.text());
  }
  if (person.created > change.created) {
    return fail(
        Code::kDenied,
        "`{}` was added after {} was opened and cannot review it; a person known before must",
        person.id.text(), change.id.text());
  }
  if (person.id == change.owner || person.id == owner) {
    return fail(Code::kDenied, "`{}` owns agent `{}` and cannot review {}; another person must",
                person.id.text(), change.agent.text(), change.id.text());
  }
  if (person.id == change.starter) {
    return fail(Code::kDenied, "`{}` started the session and cannot review {}; another person must",
                person.id.text(), change.id.text());
  }
  return {};
}

Result<void> check_open(const Change& change, const PersonId& person, const Digest& digest) {
  const auto reviewed = [&](const Review& review) { return review.person == person; };
  if (std::any_of(change.reviews.begin(), change.reviews.end(), reviewed)) {
    return fail(Code::kConflict, "`{}` has reviewed {} already", person.text(), change.id.text());
  }
  if (change.state != ChangeState::kOpen) {
    return fail(Code::kConflict, "{} is {}; only an open change can be reviewed", change.id.text(),
                to_string(change.state));
  }
  if (digest != change.digest) {
    return fail(Code::kConflict,
                "the review is of another text than {}; load the change again and read it anew",
                change.id.text());
  }
  return {};
}

Result<void> insert_review(store::Transaction& transaction, ChangeId id, const Review& review) {
  TRY(const std::int64_t added,
      transaction.execute("INSERT INTO review_reviews (change_id, person, answer, words, digest, "
                          "time) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                          {id.number, review.person.text(), std::string(to_string(review.answer)),
                           review.words, review.digest.hex(), to_micros(review.time)}));
  if (added == 1) return {};
  return fail(Code::kConflict, "`{}` has reviewed {} already", review.person.text(), id.text());
}

}  // namespace

std::string_view to_string(ChangeState state) {
  switch (state) {
    case ChangeState::kOpen:
      return "open";
    case ChangeState::kApproved:
      return "approved";
    case ChangeState::kRejected:
      return "rejected";
    case ChangeState::kExecuted:
      return "executed";
    case ChangeState::kExpired:
      return "expired";
    case ChangeState::kVoid:
      return "void";
  }
  return "void";
}

std::string_view to_string(Answer answer) {
  return answer == Answer::kApprove ? "approve" : "reject";
}

Result<Answer> parse_answer(std::string_view text) {
  for (const Answer answer : {Answer::kApprove, Answer::kReject}) {
    if (to_string(answer) == text) return answer;
  }
  return fail(Code::kInvalid, "unknown answer `{}`; it is `approve` or `reject`",
              printable(text, 64));
}

Reviews::Reviews(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Reviews::~Reviews() = default;

Result<void> Reviews::prepare(store::Store& store) {
  return context(store.migrate("review", migrations(store.engine())), "open reviews");
}

Result<std::unique_ptr<Reviews>> Reviews::open(store::Store& store,
                                               const identity::Identity& identity,
                                               const Clock& clock, Random& random,
                                               ReviewOptions options) {
  if (options.change_lifetime <= Duration::zero() || options.grant_lifetime <= Duration::zero()) {
    return fail(Code::kInvalid, "changes and grants must live longer than no time");
  }
  TRY_VOID(prepare(store));
  return std::make_unique<Reviews>(
      std::make_unique<Inside>(Inside{identity, clock, random, options}));
}

Result<Reviews::Given> Reviews::give_review(store::Transaction& transaction, ChangeId id,
                                            const PersonId& person, Answer answer,
                                            const Digest& digest, std::string_view words) {
  TRY_VOID(check_words(answer, words));
  Given given;
  TRY(given.change, get_change(transaction, id));
  Change& change = given.change;
  TRY(const identity::Person reviewer, inside_->identity.get_person(transaction, person));
  TRY(const identity::Agent agent, inside_->identity.get_agent(transaction, change.agent));
  TRY_VOID(check_independent(change, reviewer, agent.owner));
  TRY_VOID(check_open(change, person, digest));
  change.reviews.push_back(
      Review{person, answer, std::string(words), digest, inside_->clock.now()});
  TRY_VOID(insert_review(transaction, id, change.reviews.back()));
  if (answer == Answer::kReject) {
    TRY(const bool moved, move(transaction, id, {ChangeState::kOpen, ChangeState::kRejected}));
    if (!moved) return fail(Code::kConflict, "{} was decided meanwhile", id.text());
    change.state = ChangeState::kRejected;
    return given;
  }
  TRY(const int count, approvals(transaction, change));
  if (count >= change.approvals_needed) {
    TRY(given.grant, issue_grant(transaction, change));
  }
  return given;
}

Result<int> Reviews::independent_reviewers(store::Transaction& transaction, const PersonId& owner,
                                           const PersonId& starter) const {
  TRY(const auto persons, inside_->identity.persons(transaction));
  return static_cast<int>(
      std::count_if(persons.begin(), persons.end(), [&](const identity::Person& person) {
        return person.state == identity::State::kActive && person.id != owner &&
               person.id != starter;
      }));
}

Result<int> Reviews::approvals(store::Transaction& transaction, const Change& change) const {
  TRY(const identity::Agent agent, inside_->identity.get_agent(transaction, change.agent));
  int count = 0;
  for (const Review& review : change.reviews) {
    if (review.answer != Answer::kApprove || review.digest != change.digest) continue;
    TRY(const identity::Person person, inside_->identity.get_person(transaction, review.person));
    if (check_independent(change, person, agent.owner)) ++count;
  }
  return count;
}

}  // namespace keyturn::review
