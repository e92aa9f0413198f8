// Room on the data folder's disk that a start may take when it finds no other. A server that is
// started again on a full disk then runs, answers reads and denies what it cannot record, instead
// of staying away.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace keyturn::app {

inline constexpr const char* kReserveFile = "reserve";  // in the data folder
// A start writes below 1 MiB; some starts shall fit.
inline constexpr std::uint64_t kReserveBytes = std::uint64_t{8} << 20U;

// Makes the file, unless it is there or the disk has no room to spare for it; whether it was made.
// kUnavailable with the reason.
Result<bool> set_reserve_aside(const std::string& folder);
// Gives the room up; whether there was any.
bool release_reserve(const std::string& folder);

}  // namespace keyturn::app
