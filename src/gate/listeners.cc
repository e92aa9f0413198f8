#include "gate/listeners.h"

namespace keyturn::gate {

class Listeners::Token final : public Gate::Listening {
 public:
  Token(std::shared_ptr<Listeners> listeners, Entries::iterator place)
      : listeners_(std::move(listeners)), place_(place), entry_(place->second) {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token() override {
    {
      const std::lock_guard lock(listeners_->mutex_);
      listeners_->entries_.erase(place_);
    }
    const std::lock_guard lock(entry_->mutex);
    entry_->listener = nullptr;
  }

 private:
  const std::shared_ptr<Listeners> listeners_;  // a token may outlive the gate
  const Entries::iterator place_;
  const std::shared_ptr<Entry> entry_;
};

std::unique_ptr<Gate::Listening> Listeners::listen(ChangeId change,
                                                   std::function<void()> listener) {
  auto entry = std::make_shared<Entry>();
  entry->listener = std::move(listener);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kListenersMax) return nullptr;
  const auto place = entries_.emplace(change, std::move(entry));
  return std::make_unique<Token>(shared_from_this(), place);
}

void Listeners::wake(ChangeId change) {
  std::vector<std::shared_ptr<Entry>> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = entries_.equal_range(change);
    for (auto it = first; it != last; ++it) waiting.push_back(it->second);
  }
  for (const auto& entry : waiting) {
    const std::lock_guard lock(entry->mutex);
    // A copy, so that a listener that ends its own token does not destroy itself while it runs.
    const std::function<void()> listener = entry->listener;
    if (listener) listener();
  }
}

}  // namespace keyturn::gate
