#include "sim/schedule.h"

namespace keyturn::sim {

void Schedule::after(Duration duration, Owner owner, std::function<void()> event) {
  const std::int64_t due = (clock_.monotonic() + duration).micros;
  events_.emplace(Key{due, ++made_}, Event{owner, std::move(event)});
}

void Schedule::drop(Owner owner) {
  const auto theirs = [owner](const auto& item) { return item.second.owner == owner; };
  std::erase_if(events_, theirs);
  std::erase_if(late_, theirs);
  paused_.erase(owner);
}

void Schedule::resume(Owner owner) {
  paused_.erase(owner);
  const std::int64_t now = clock_.monotonic().micros;
  for (auto it = late_.begin(); it != late_.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    events_.emplace(Key{now, ++made_}, std::move(it->second));
    it = late_.erase(it);
  }
}

bool Schedule::step() {
  while (!events_.empty()) {
    auto node = events_.extract(events_.begin());
    const Duration ahead = Duration(node.key().first) - elapsed();
    if (ahead > Duration::zero()) clock_.advance(ahead);
    if (paused_.contains(node.mapped().owner)) {
      late_.insert(std::move(node));
      continue;
    }
    node.mapped().run();
    return true;
  }
  return false;
}

}  // namespace keyturn::sim
