// What a PreparedRequest holds.
#pragma once

#include "cedar/cedar.h"
#include "cedar/schema_content.h"
#include "cedar/value.h"

namespace keyturn::cedar {

enum class Truth : std::uint8_t { kTrue, kFailed };

struct RequestContent {
  Pool pool;
  const Uid* principal = nullptr;
  const Uid* action = nullptr;
  const Uid* resource = nullptr;
  const RecordValue* context = nullptr;
};

}  // namespace keyturn::cedar
