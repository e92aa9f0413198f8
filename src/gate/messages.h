// What the agent is told: reason and way forward, in one line. Private to the room.
#pragma once

#include <string>

#include "gate/gate.h"

namespace keyturn::gate {

std::string hold_message(const review::Change& change);
std::string rejection_message(const review::Change& change);
std::string denial_message(const Policies* policies, const Action& action,
                           const Judgement& judgement, int reviewers);

}  // namespace keyturn::gate
