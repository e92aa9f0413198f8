// What a Reviews is made of. Private to the room.
#pragma once

#include "review/review.h"

namespace keyturn::review {

struct Reviews::Inside {
  const identity::Identity& identity;
  const Clock& clock;
  Random& random;
  ReviewOptions options;
};

}  // namespace keyturn::review
