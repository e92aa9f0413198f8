#include "sim/shared.h"

namespace keyturn::sim {
namespace {

constexpr Schedule::Owner kDatabase = 2'000'000;  // no gateway has this number
constexpr Duration kCommitMax = std::chrono::milliseconds(5);
constexpr Duration kBeat = std::chrono::seconds(3);
constexpr Duration kSilentMax = std::chrono::seconds(15);

}  // namespace

void DatabaseHost::schedule(std::function<void()> commit) {
  schedule_.after(dice_.between(Duration(100), kCommitMax), kDatabase, std::move(commit));
}

void DatabaseHost::drop() { schedule_.drop(kDatabase); }

class SharedStore final : public store::Store {
 public:
  SharedStore(std::shared_ptr<SharedDatabase> database, Loop& loop, bool knows)
      : database_(std::move(database)),
        loop_(loop),
        knows_(knows),
        number_(database_->add_member()) {
    beat();
  }
  ~SharedStore() override { SharedStore::close(); }
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;

  store::Engine engine() const override { return store::Engine::kSqlite; }
  bool is_shared() const override { return knows_; }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override {
    return database_->inner_->migrate(room, migrations);
  }
  void submit(store::Unit unit, store::Committed done) override {
    if (database_ == nullptr) return done(fail(Code::kUnavailable, "the store is closed"));
    ++waiting_;
    database_->inner_->submit(
        [this, alive = alive_, unit = std::move(unit)](store::Transaction& inner) -> Result<void> {
          if (!*alive) return fail(Code::kUnavailable, "the gateway is gone");
          number_ = database_->take_turn(number_);
          return run(unit, inner);
        },
        [this, alive = alive_, done = std::move(done)](Result<void> result) {
          if (*alive) answer(done, std::move(result));
        });
  }
  Result<void> read(const store::Unit& unit) override {
    if (database_ == nullptr) return fail(Code::kUnavailable, "the store is closed");
    return database_->inner_->read(unit);
  }
  void set_batch_step(store::Unit step, store::Committed done) override {
    database_->set_step(*this, std::move(step), std::move(done));
  }
  void close() override {
    if (database_ == nullptr) return;
    while (commit_here()) {
    }
    *alive_ = false;
    std::erase_if(database_->steps_,
                  [this](const auto& step) { return step.second.first == this; });
    database_->members_[number_].dead = true;
    database_.reset();
  }

 private:
  friend class SharedDatabase;

  // As this member sees it.
  class View final : public store::Transaction {
   public:
    View(store::Transaction& inner, const SharedStore& store) : inner_(inner), store_(store) {}
    store::Engine engine() const override { return inner_.engine(); }
    Result<std::int64_t> execute(std::string_view sql, Parameters parameters) override {
      return inner_.execute(sql, parameters);
    }
    Result<store::Rows> query(std::string_view sql, Parameters parameters) override {
      return inner_.query(sql, parameters);
    }
    std::int64_t writer() const override { return store_.knows_ ? store_.number_ : 0; }
    Result<std::vector<std::int64_t>> other_writers() override {
      std::vector<std::int64_t> others;
      if (!store_.knows_) return others;
      for (const auto& [number, member] : store_.database_->members_) {
        if (number != store_.number_) others.push_back(number);
      }
      return others;
    }

   private:
    store::Transaction& inner_;
    const SharedStore& store_;
  };

  using Store::run;
  Result<void> run(const store::Unit& unit, store::Transaction& inner) const {
    View view(inner, *this);
    return unit(view);
  }
  // On the gateway's own loop, which may stand still or be gone; at once where it waits.
  void answer(const store::Committed& done, Result<void> result) {
    --waiting_;
    if (waits_) return done(std::move(result));
    loop_.after(Duration(1), [done, result = std::move(result)] { done(result); });
  }
  void beat() {
    loop_.after(kBeat, [this] {
      if (database_ == nullptr) return;
      const auto member = database_->members_.find(number_);
      if (member != database_->members_.end()) member->second.seen = database_->clock_.monotonic();
      beat();
    });
  }
  bool on_writer_thread() const override { return false; }  // the inner one looks
  bool commit_here() override {
    if (waiting_ == 0) return false;
    const bool before = std::exchange(waits_, true);
    static_cast<void>(database_->inner_->run([](store::Transaction&) { return Result<void>(); }));
    waits_ = before;
    return true;
  }

  std::shared_ptr<SharedDatabase> database_;  // null once closed
  Loop& loop_;
  const bool knows_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::int64_t number_;
  std::size_t waiting_ = 0;
  bool waits_ = false;  // for its units, on this stack
};

SharedDatabase::SharedDatabase(std::unique_ptr<store::Store> inner, DatabaseHost& host,
                               const Clock& clock, std::uint64_t& numbers)
    : inner_(std::move(inner)), host_(host), clock_(clock), numbers_(numbers) {
  inner_->set_batch_step([this](store::Transaction& transaction) { return run_steps(transaction); },
                         [this](const Result<void>& result) { end_steps(result); });
}

SharedDatabase::~SharedDatabase() {
  inner_->close();
  host_.drop();
}

std::unique_ptr<store::Store> SharedDatabase::join(Loop& loop, bool knows) {
  std::erase_if(members_, [](const auto& member) { return member.second.dead; });
  return std::make_unique<SharedStore>(shared_from_this(), loop, knows);
}

std::int64_t SharedDatabase::add_member() {
  const auto number = static_cast<std::int64_t>(++numbers_);
  members_[number] = {.seen = clock_.monotonic()};
  return number;
}

std::int64_t SharedDatabase::take_turn(std::int64_t number) {
  const Instant now = clock_.monotonic();
  std::erase_if(members_, [&](const auto& member) {
    return member.first != number && now - member.second.seen >= kSilentMax;
  });
  const auto own = members_.find(number);
  if (own == members_.end()) return add_member();
  own->second.seen = now;
  return number;
}

void SharedDatabase::set_step(SharedStore& member, store::Unit unit, store::Committed done) {
  steps_[steps_made_++] = {&member, {std::move(unit), std::move(done)}};
}

Result<void> SharedDatabase::run_steps(store::Transaction& transaction) {
  for (const auto& [made, step] : steps_) {
    TRY_VOID(step.first->run(step.second.unit, transaction));
  }
  return {};
}

void SharedDatabase::end_steps(const Result<void>& result) {
  for (const auto& [made, step] : steps_) step.second.done(result);
}

}  // namespace keyturn::sim
