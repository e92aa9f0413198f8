// The effect of one request: its operation's, altered by the parameters that the reviewed list
// names, and by what it carries. Pure.
#pragma once

#include <string>
#include <vector>

#include "aws/bind.h"
#include "aws/deployed.h"

namespace keyturn::aws {

struct Judged {
  Effect effect = Effect::kDestroy;
  bool reversible = false;
  Json attributes = Json::Object{};
  std::vector<std::string> why;
  std::vector<Resource> lent = {};  // roles as which a service acts afterwards (iam:PassRole)
};
Judged judge_effect(const Model& model, const Operation& operation, const Input& input,
                    const Place& place, const Deployed* deployed);

}  // namespace keyturn::aws
