// What a PreparedRequest holds.
#pragma once

#include "base/json_place.h"
#include "cedar/cedar.h"
#include "cedar/explain.h"
#include "cedar/schema_content.h"
#include "cedar/value.h"

namespace keyturn::cedar {

// The JSON that a request was read from, where it was: for the places of errors. The context is
// taken from here when it is given.
struct RequestParts {
  const Json* principal = nullptr;
  const Json* action = nullptr;
  const Json* resource = nullptr;
  const Json* context = nullptr;
};
// PreparedRequest::make; `fault` learns which part was wrong.
Result<PreparedRequest> prepare(const Request& request, const RequestParts& parts,
                                const Schema* schema, RequestCheck check, JsonFault& fault);

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
