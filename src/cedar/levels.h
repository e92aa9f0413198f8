// Level validation (RFC 76): how many entities in a row a policy dereferences.
#pragma once

#include <set>

#include "cedar/typecheck.h"

namespace keyturn::cedar {

// Adds an error for each dereference beyond `level_max` and for each of an entity literal.
// `checker` has just checked `body` in `environment`; what it did not look at is dead and not
// counted.
void check_levels(const Body& body, const Typechecker& checker, const Environment& environment,
                  unsigned level_max, std::set<TypeError>& errors);

}  // namespace keyturn::cedar
