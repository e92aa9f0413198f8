// A session that comes from the one that asked for it over STS, and how its start is told.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "identity/identity.h"

namespace keyturn::gate {

struct Child {
  identity::Identity::NewChild child;
  std::uint64_t decided_index = 0;  // of the request that asked for it
  std::string request_id;
  std::string role;  // as asked for; empty for none
};
using ChildStarted = std::function<void(Result<identity::Identity::StartedSession>)>;

}  // namespace keyturn::gate
