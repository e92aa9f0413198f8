// Hints between those that write to one PostgreSQL database: that something was committed which
// others wait for. A hint may be lost; whoever wants to know looks by itself, too.
#pragma once

#include <memory>

#include "store/store.h"

namespace keyturn::store {

// Within a unit of work: when it commits, those who wait are told. Nothing where one alone writes.
Result<void> announce(Transaction& transaction);

class News {
 public:
  virtual ~News() = default;
  // Returns when something has been announced since the last call, or after `timeout`, whichever is
  // first; connects anew when the session is lost. One thread.
  virtual void wait(Duration timeout) = 0;
};

}  // namespace keyturn::store
