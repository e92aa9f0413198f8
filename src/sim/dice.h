// The simulator's own chance: everything that it decides is drawn from the seed. Apart from the
// randomness that the product is given, so that neither disturbs the other.
#pragma once

#include <cstdint>
#include <random>

#include "base/clock.h"
#include "base/result.h"

namespace keyturn::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t bound) {
    CHECK(bound > 0);
    return engine_() % bound;
  }
  // In so many of a hundred cases.
  bool chance(unsigned percent) { return below(100) < percent; }
  Duration between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + Duration(static_cast<std::int64_t>(below(span)));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace keyturn::sim
