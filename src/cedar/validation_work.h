// What a validation costs, for tests that hold it to what is needed.
#pragma once

#include <optional>

#include "cedar/environments.h"

namespace keyturn::cedar {

struct CountedValidation {
  ValidationResult result;
  std::size_t work = 0;  // as kValidationWorkMax counts it
};
struct ValidationWork {
  std::size_t max = kValidationWorkMax;
  std::optional<Walk> walk;  // instead of the one that the options ask for
};
CountedValidation validate_counted(const PolicySet& policies, const Schema& schema,
                                   const ValidationOptions& options, const ValidationWork& work);

}  // namespace keyturn::cedar
