// Deciding with part of the context unknown (Cedar's type-aware partial evaluation, RFC 95, for
// unknown context attributes): what can be settled is, and the rest comes back as policies over
// what is unknown. Sound: with any values for the unknown attributes, the residual policies decide
// as the full set would.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cedar/cedar.h"

namespace keyturn::cedar {

struct PartialRequest {
  Request request;                   // its context holds the known attributes only
  std::vector<std::string> unknown;  // attributes of the context
};

struct ResidualPolicy {
  std::string policy;
  bool is_forbid = false;
  std::string condition;  // what must still hold, as Cedar text
};

struct PartialResponse {
  // Empty when it depends on the unknown attributes.
  std::optional<Decision> decision;
  std::vector<std::string> permits;  // satisfied whatever the unknown attributes are
  std::vector<std::string> forbids;
  std::vector<Diagnostic> errors;  // skipped whatever they are
  std::vector<ResidualPolicy> residuals;
  // The satisfied and the residual policies under their ids, without scopes: they are about this
  // request.
  PolicySet remaining;
};

// With a schema the request must conform to it but for the unknown attributes, which must be
// declared; a required one then counts as present, with a value of its type. kInvalid when an
// attribute is both given and unknown.
Result<PartialResponse> authorize_partially(const PolicySet& policies, const Entities& entities,
                                            const PartialRequest& request,
                                            const Schema* schema = nullptr);

}  // namespace keyturn::cedar
