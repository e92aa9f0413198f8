#include "gate/gate.h"

#include "gate/bodies.h"
#include "gate/decide.h"
#include "gate/destroyed.h"
#include "gate/inside.h"
#include "gate/sent.h"

namespace keyturn::gate {
namespace {

constexpr std::string_view kDecisions = "keyturn_gate_decisions_total";
constexpr std::string_view kDecisionsHelp = "Requests decided, by verdict.";
constexpr std::int64_t kSettleMax = 1'000;  // one transaction's share after a crash
constexpr std::int64_t kNobody = -1;        // no writer's number

void count(Gate::Inside& inside, VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAllow:
      return inside.allowed.add();
    case VerdictKind::kHold:
      return inside.held.add();
    case VerdictKind::kDeny:
      return inside.denied.add();
  }
}

// Records an outcome if none is recorded yet; whether it did. An index alone may be another's by
// now: that of an entry whose commit failed is given again.
Result<bool> finish(Gate::Inside& inside, store::Transaction& transaction,
                    std::uint64_t decided_index, const std::string& request_id, const Json& body) {
  TRY(const std::int64_t removed,
      transaction.execute(
          "DELETE FROM gate_unfinished WHERE decided_index = ?1 AND request_id = ?2",
          {static_cast<std::int64_t>(decided_index), printable(request_id, kRequestIdBytesMax)}));
  if (removed != 1) return false;
  TRY_VOID(inside.ledger.append(transaction, "action.outcome", body));
  return true;
}

}  // namespace

Gate::Inside::Inside(store::Store& store_in, ledger::Ledger& ledger_in,
                     identity::Identity& identity_in, review::Reviews& reviews_in,
                     const Clock& clock_in, Log& log_in, Metrics& metrics, GateOptions options_in)
    : store(store_in),
      ledger(ledger_in),
      identity(identity_in),
      reviews(reviews_in),
      clock(clock_in),
      log(log_in),
      options(std::move(options_in)),
      allowed(metrics.counter(kDecisions, kDecisionsHelp, "verdict=\"allow\"")),
      held(metrics.counter(kDecisions, kDecisionsHelp, "verdict=\"hold\"")),
      denied(metrics.counter(kDecisions, kDecisionsHelp, "verdict=\"deny\"")),
      failed(metrics.counter(kDecisions, kDecisionsHelp, "verdict=\"error\"")),
      unrecorded(metrics.counter(kDecisions, kDecisionsHelp, "verdict=\"lost\"")),
      refused(metrics.counter("keyturn_gate_refusals_total",
                              "Requests refused before they were understood.")),
      decide_time(
          metrics.histogram("keyturn_gate_decide_seconds", "From question to durable verdict.")) {}

Gate::Gate(store::Store& store, ledger::Ledger& ledger, identity::Identity& identity,
           review::Reviews& reviews, const Clock& clock, Log& log, Metrics& metrics,
           GateOptions options)
    : inside_(std::make_unique<Inside>(store, ledger, identity, reviews, clock, log, metrics,
                                       std::move(options))) {}
Gate::~Gate() = default;

Result<void> Gate::prepare(store::Store& store) {
  return context(store.migrate("gate", migrations(store.engine())), "open gate");
}

Result<void> Gate::set_policies(std::shared_ptr<const Policies> policies) {
  CHECK(policies != nullptr);
  Inside& inside = *inside_;
  const std::lock_guard one_at_a_time(inside.loading);
  TRY_VOID(prepare(inside.store));
  std::shared_ptr<const Policies> before;
  bool swapped = false;
  // Swapped inside the unit, so that every decision after policy.loaded in the ledger is made by
  // the new ones and every one before by the old; and back, on the same thread, if it is not
  // committed.
  const auto loaded = inside.store.run(
      [&](store::Transaction& transaction) -> Result<void> {
        TRY_VOID(transaction.execute(
            "INSERT INTO gate_packs (digest, pack) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            {policies->digest().hex(), policies->text()}));
        TRY_VOID(inside.ledger.append(transaction, "policy.loaded", policies_body(*policies)));
        before = inside.swap_policies(policies);
        swapped = true;
        return {};
      },
      [&](const Result<void>& committed) {
        if (!committed && swapped) inside.swap_policies(before);
      });
  return context(loaded, "load policies");
}

std::shared_ptr<const Policies> Gate::policies() const { return inside_->current_policies(); }

Result<std::shared_ptr<const Policies>> Gate::find_policies(const Digest& digest) const {
  std::shared_ptr<const Policies> current = policies();
  if (current != nullptr && current->digest() == digest) return current;
  return inside_->packs.get(digest, [this](const Digest& wanted) { return find_pack(wanted); });
}

Result<std::string> Gate::find_pack(const Digest& digest) const {
  std::optional<std::string> text;
  TRY_VOID(inside_->store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const store::Rows rows,
        transaction.query("SELECT pack FROM gate_packs WHERE digest = ?1", {digest.hex()}));
    if (!rows.empty()) text = rows.front().text(0);
    return {};
  }));
  if (!text) return fail(Code::kNotFound, "no policies are kept under the digest {}", digest.hex());
  return std::move(*text);
}

void Gate::decide(Question question, Decided decided) {
  Inside& inside = *inside_;
  const Instant start = inside.clock.monotonic();
  if (question.holder == nullptr) {
    inside.failed.add();
    return decided(fail(Code::kInternal, "a question without a session"));
  }
  struct Asked {
    Asked(Inside& inside_in, Question question_in, Decided decided_in)
        : deciding(inside_in, std::move(question_in)), decided(std::move(decided_in)) {}
    Deciding deciding;
    Decided decided;
    bool answered = false;  // on the writer's thread, as everything here
  };
  auto asked = std::make_shared<Asked>(inside, std::move(question), std::move(decided));
  inside.store.submit(
      [&inside, asked](store::Transaction& transaction) -> Result<void> {
        TRY_VOID(asked->deciding.decide(transaction));
        if (inside.options.observe == ObserveLeaves::kDecided && asked->deciding.only_observes()) {
          asked->answered = true;
          count(inside, VerdictKind::kAllow);
          asked->decided(asked->deciding.take());
        }
        return {};
      },
      [&inside, asked, start](Result<void> committed) {
        inside.decide_time.observe(inside.clock.monotonic() - start);
        if (asked->answered) {
          if (committed) return;
          inside.unrecorded.add();
          return inside.log.warning(
              "gate.observed_unrecorded",
              {{"request", asked->deciding.request_id()}, {"error", committed.error().message}});
        }
        if (!committed) {
          inside.failed.add();
          inside.log.warning("gate.undecided", {{"error", committed.error().message}});
          return asked->decided(fail(std::move(committed).error().context("decide")));
        }
        for (const ChangeId change : asked->deciding.touched()) inside.listeners->wake(change);
        Decision decision = asked->deciding.take();
        count(inside, decision.kind);
        asked->decided(std::move(decision));
      });
}

void Gate::refuse(Refusal refusal, std::function<void(Result<void>)> recorded) {
  Inside& inside = *inside_;
  inside.refused.add();
  inside.store.submit(
      [&inside, refusal = std::move(refusal)](store::Transaction& transaction) -> Result<void> {
        TRY_VOID(inside.ledger.append(transaction, "action.refused", refused_body(refusal)));
        return {};
      },
      std::move(recorded));
}

void Gate::record_outcome(std::uint64_t decided_index, std::string request_id, Outcome outcome,
                          std::function<void(Result<void>)> recorded) {
  Inside& inside = *inside_;
  inside.store.submit(
      [&inside, decided_index, request_id = std::move(request_id),
       outcome = std::move(outcome)](store::Transaction& transaction) -> Result<void> {
        TRY(const bool first, finish(inside, transaction, decided_index, request_id,
                                     outcome_body(decided_index, request_id, outcome)));
        const bool failed = outcome.kind == Outcome::Kind::kNotSent ||
                            (outcome.kind == Outcome::Kind::kAnswered && outcome.status >= 400);
        if (first && failed) {
          TRY_VOID(forget_sent(transaction, decided_index));
          return forget_destroyed(transaction, decided_index);
        }
        if (first) return {};
        return fail(Code::kConflict,
                    "the action at ledger index {} has an outcome already, or "
                    "was not allowed",
                    decided_index);
      },
      std::move(recorded));
}

void Gate::start_child(Child child, ChildStarted started) {
  Inside& inside = *inside_;
  // Shared by the two closures below, one after the other on the writer's thread.
  auto made = std::make_shared<std::optional<identity::Identity::StartedSession>>();
  inside.store.submit(
      [&inside, made, child = std::move(child)](store::Transaction& transaction) -> Result<void> {
        TRY(*made, inside.identity.start_child(transaction, child.child));
        TRY_VOID(inside.ledger.append(transaction, "session.started",
                                      child_body(child, (*made)->session)));
        return {};
      },
      [made, started = std::move(started)](Result<void> committed) {
        if (!committed) return started(fail(std::move(committed).error()));
        started(std::move(**made));
      });
}

Result<std::vector<std::uint64_t>> Gate::settle_after_crash() {
  Inside& inside = *inside_;
  TRY_VOID(context(inside.store.migrate("gate", migrations(inside.store.engine())), "open gate"));
  const Outcome unknown{Outcome::Kind::kUnknown, 0,
                        "the gateway stopped before it knew; perhaps sent, never retried", 0};
  std::vector<std::uint64_t> settled;
  for (bool more = true; more;) {
    TRY_VOID(inside.store.run([&](store::Transaction& transaction) -> Result<void> {
      TRY(std::vector<std::int64_t> living, transaction.other_writers());
      // One that writes alone has the same number in each of its lives, and settles before it
      // serves.
      living.push_back(transaction.writer() == 0 ? kNobody : transaction.writer());
      TRY(const store::Rows rows,
          transaction.query(fmt::format("SELECT decided_index, request_id FROM gate_unfinished "
                                        "WHERE writer NOT IN ({}) ORDER BY decided_index LIMIT ?1",
                                        fmt::join(living, ", ")),
                            {kSettleMax}));
      more = !rows.empty();
      for (const store::Row& row : rows) {
        const auto index = static_cast<std::uint64_t>(row.integer(0));
        TRY_VOID(finish(inside, transaction, index, row.text(1),
                        outcome_body(index, row.text(1), unknown)));
        settled.push_back(index);
      }
      return {};
    }));
  }
  return settled;
}

std::unique_ptr<Gate::Listening> Gate::listen(const review::Change& seen,
                                              const std::function<void()>& listener) {
  auto listening = inside_->listeners->listen(seen.id, listener);
  if (listening == nullptr) return nullptr;
  // A review may have come between the commit that `seen` is of and now, and woke nobody.
  bool same = false;
  const auto looked = inside_->store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const review::Change now, inside_->reviews.get_change(transaction, seen.id));
    same = now.state == seen.state && now.reviews.size() == seen.reviews.size();
    return {};
  });
  if (!looked || !same) listener();
  return listening;
}

void Gate::wake(ChangeId change) { inside_->listeners->wake(change); }

}  // namespace keyturn::gate
