#include "sim/broken.h"

#include <algorithm>
#include <set>

#include "sim/over_store.h"

namespace keyturn::sim {
namespace {

using store::Committed;
using store::Unit;

constexpr std::uint64_t kFailingEach = 5;

// Does some statements differently from what they say.
class BrokenTransaction final : public store::Transaction {
 public:
  BrokenTransaction(Transaction& inner, Broken broken, std::set<std::int64_t>& forgotten)
      : inner_(inner), broken_(broken), forgotten_(forgotten) {}
  store::Engine engine() const override { return inner_.engine(); }
  std::int64_t writer() const override { return inner_.writer(); }
  std::optional<std::uint64_t> generation() const override { return inner_.generation(); }
  Result<std::vector<std::int64_t>> other_writers() override { return inner_.other_writers(); }
  Result<store::Rows> query(std::string_view sql, Parameters parameters) override {
    return inner_.query(sql, parameters);
  }

  Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
    if (broken_ == Broken::kGrantStaysGood && uses_grant(sql, parameters)) return 1;
    if (broken_ == Broken::kOutcomeForgotten && sql.starts_with("DELETE FROM gate_unfinished")) {
      // Once for each: whoever settles what is unfinished goes on until nothing is.
      if (forgotten_.insert(std::get<std::int64_t>(*parameters.begin())).second) return 1;
    }
    if (broken_ == Broken::kLedgerAltered && sql.starts_with("INSERT INTO ledger_entries")) {
      std::string altered(sql);
      altered.replace(altered.find("?4"), 2, R"(replace(?4, '"allow"', '"deny"'))");
      return inner_.execute(altered, parameters);
    }
    return inner_.execute(sql, parameters);
  }

 private:
  static bool uses_grant(std::string_view sql, Parameters parameters) {
    if (sql.starts_with("UPDATE review_grants SET used")) return true;
    return sql.starts_with("UPDATE review_changes SET state") &&
           std::find(parameters.begin(), parameters.end(), store::Value(std::string("executed"))) !=
               parameters.end();
  }

  Transaction& inner_;
  const Broken broken_;
  std::set<std::int64_t>& forgotten_;
};

class BrokenStore final : public OverStore {
 public:
  BrokenStore(std::unique_ptr<Store> inner, Broken broken)
      : OverStore(std::move(inner)), broken_(broken) {}

  void submit(Unit unit, Committed done) override {
    if (broken_ == Broken::kForwardsFirst) return answer_first(std::move(unit), std::move(done));
    OverStore::submit(
        [this, unit = std::move(unit)](store::Transaction& inner) {
          BrokenTransaction transaction(inner, broken_, forgotten_);
          return unit(transaction);
        },
        std::move(done));
  }

 private:
  // Answers before the commit, some of which then fail.
  void answer_first(Unit unit, Committed done) {
    const bool fails = ++answered_ % kFailingEach == 0;
    OverStore::submit(
        [unit = std::move(unit), done = std::move(done),
         fails](store::Transaction& transaction) -> Result<void> {
          Result<void> result = unit(transaction);
          done(result);
          if (fails) return fail(Code::kUnavailable, "the commit failed");
          return result;
        },
        [](const Result<void>&) {});
  }

  const Broken broken_;
  std::uint64_t answered_ = 0;
  std::set<std::int64_t> forgotten_;
};

}  // namespace

std::unique_ptr<store::Store> break_store(std::unique_ptr<store::Store> store, Broken broken) {
  switch (broken) {
    case Broken::kForwardsFirst:
    case Broken::kGrantStaysGood:
    case Broken::kLedgerAltered:
    case Broken::kOutcomeForgotten:
      return std::make_unique<BrokenStore>(std::move(store), broken);
    default:
      return store;
  }
}

}  // namespace keyturn::sim
