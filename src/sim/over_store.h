// A store that passes everything on to another one, for those that do some of it otherwise.
#pragma once

#include <memory>

#include "store/store.h"

namespace keyturn::sim {

class OverStore : public store::Store {
 public:
  explicit OverStore(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}

  store::Engine engine() const override { return inner_->engine(); }
  bool is_shared() const override { return inner_->is_shared(); }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override {
    return inner_->migrate(room, migrations);
  }
  void submit(store::Unit unit, store::Committed done) override {
    ++waiting_;
    inner_->submit(std::move(unit), [this, done = std::move(done)](Result<void> result) {
      --waiting_;
      done(std::move(result));
    });
  }
  Result<void> read(const store::Unit& unit) override { return inner_->read(unit); }
  void set_batch_step(store::Unit step, store::Committed done) override {
    inner_->set_batch_step(std::move(step), std::move(done));
  }
  void close() override { inner_->close(); }

 private:
  bool on_writer_thread() const override { return false; }  // the inner one looks
  // The inner one commits what waits before a unit that waits for it.
  bool commit_here() override {
    if (waiting_ == 0) return false;
    static_cast<void>(inner_->run([](store::Transaction&) { return Result<void>(); }));
    return true;
  }

  const std::unique_ptr<Store> inner_;
  std::size_t waiting_ = 0;
};

}  // namespace keyturn::sim
