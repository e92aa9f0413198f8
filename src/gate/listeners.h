// Who waits for which change. Any thread. Private to the room.
#pragma once

#include <map>
#include <mutex>

#include "gate/gate.h"

namespace keyturn::gate {

class Listeners : public std::enable_shared_from_this<Listeners> {
 public:
  std::unique_ptr<Gate::Listening> listen(ChangeId change, std::function<void()> listener);
  void wake(ChangeId change);

 private:
  class Token;
  struct Entry {
    // Held while the listener runs, so that the token's end waits for it; recursive, because a
    // listener may end its own token.
    std::recursive_mutex mutex;
    std::function<void()> listener;  // empty once ended
  };
  using Entries = std::multimap<ChangeId, std::shared_ptr<Entry>>;

  std::mutex mutex_;
  Entries entries_;  // shared with wake(), which calls them without holding mutex_
};

}  // namespace keyturn::gate
