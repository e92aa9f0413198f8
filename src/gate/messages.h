// What the agent is told: reason and way forward, in one line. Private to the room.
#pragma once

#include <string>

#include "gate/gate.h"

namespace keyturn::gate {

std::string change_url(const std::string& console_url, ChangeId change);
std::string hold_message(const review::Change& change, const std::string& console_url);
std::string rejection_message(const review::Change& change, const std::string& console_url);
std::string denial_message(const Policies* policies, const Action& action,
                           const Judgement& judgement, int reviewers);

}  // namespace keyturn::gate
