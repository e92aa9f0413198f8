// The effect of one request: its operation's, altered by the parameters that the reviewed list
// names, and by what it carries. Pure.
#pragma once

#include <string>
#include <vector>

#include "aws/bind.h"

namespace keyturn::aws {

struct Judged {
  Effect effect = Effect::kDestroy;
  bool reversible = false;
  Json attributes = Json::Object{};
  std::vector<std::string> why;
};
Judged judge_effect(const Model& model, const Operation& operation, const Input& input);

// PartiQL by its first word: SELECT observes, INSERT and UPDATE change, all else destroys.
Effect effect_of_partiql(std::string_view statement);

}  // namespace keyturn::aws
