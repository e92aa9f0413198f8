#include "sim/broken.h"

#include <algorithm>
#include <set>

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

class BrokenStore final : public store::Store {
 public:
  BrokenStore(std::unique_ptr<Store> inner, Broken broken)
      : inner_(std::move(inner)), broken_(broken) {}

  store::Engine engine() const override { return inner_->engine(); }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override {
    return inner_->migrate(room, migrations);
  }
  Result<void> read(const Unit& unit) override { return inner_->read(unit); }
  void set_batch_step(Unit step, Committed done) override {
    inner_->set_batch_step(std::move(step), std::move(done));
  }
  void close() override { inner_->close(); }

  void submit(Unit unit, Committed done) override {
    if (broken_ == Broken::kForwardsFirst) return answer_first(std::move(unit), std::move(done));
    ++waiting_;
    inner_->submit(
        [this, unit = std::move(unit)](store::Transaction& inner) {
          BrokenTransaction transaction(inner, broken_, forgotten_);
          return unit(transaction);
        },
        [this, done = std::move(done)](Result<void> result) {
          --waiting_;
          done(std::move(result));
        });
  }

 private:
  // Answers before the commit, some of which then fail.
  void answer_first(Unit unit, Committed done) {
    ++waiting_;
    const bool fails = ++answered_ % kFailingEach == 0;
    inner_->submit(
        [unit = std::move(unit), done = std::move(done),
         fails](store::Transaction& transaction) -> Result<void> {
          Result<void> result = unit(transaction);
          done(result);
          if (fails) return fail(Code::kUnavailable, "the commit failed");
          return result;
        },
        [this](const Result<void>&) { --waiting_; });
  }

  bool on_writer_thread() const override { return false; }  // the inner one looks
  // The inner one commits what waits before a unit that waits for it.
  bool commit_here() override {
    if (waiting_ == 0) return false;
    return inner_->run([](store::Transaction&) { return Result<void>(); }).has_value();
  }

  const std::unique_ptr<Store> inner_;
  const Broken broken_;
  std::size_t waiting_ = 0;
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
