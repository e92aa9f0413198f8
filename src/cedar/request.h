// What a PreparedRequest holds.
#pragma once

#include "cedar/cedar.h"
#include "cedar/explain.h"
#include "cedar/schema_content.h"
#include "cedar/value.h"

namespace keyturn::cedar {

// As PreparedRequest::make with a full check, but attributes in `unknown` may be missing from the
// context.
Result<PreparedRequest> prepare_partial(const Request& request, const Schema* schema,
                                        const std::set<std::string, std::less<>>& unknown);

struct RequestContent {
  Pool pool;
  const Uid* principal = nullptr;
  const Uid* action = nullptr;
  const Uid* resource = nullptr;
  const RecordValue* context = nullptr;
};

}  // namespace keyturn::cedar
