// Many runs, over several processes, so that a run that aborts or hangs takes nothing else along
// and its seed is known.
#pragma once

#include <cstdint>
#include <string>

namespace keyturn::sim {

struct Campaign {
  std::uint64_t first = 1;  // seed
  std::uint64_t runs = 100;
  unsigned jobs = 1;
  std::string scratch;
  std::string replay;  // how a person runs one seed again; the seed is put behind it
};

// Says what failed on standard output, and last what was done. The number of failed runs.
std::uint64_t run_campaign(const Campaign& campaign);

}  // namespace keyturn::sim
