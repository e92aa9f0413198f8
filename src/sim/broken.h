// A store that is broken on purpose in one of the ways that Broken names, over one that works. For
// the tests that show each check able to fail.
#pragma once

#include <memory>

#include "sim/sim.h"
#include "store/store.h"

namespace keyturn::sim {

// The store itself when nothing about it is to be broken.
std::unique_ptr<store::Store> break_store(std::unique_ptr<store::Store> store, Broken broken);

}  // namespace keyturn::sim
