// What requests carry that says more than their operation: statements, batches, templates. The
// effect of such a request is the strictest of what is inside. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/bind.h"
#include "aws/deployed.h"
#include "aws/made.h"

namespace keyturn::aws {

struct Inside {
  Effect effect = Effect::kDestroy;
  std::vector<std::string> why = {};
  Json attributes = Json::Object{};
  std::vector<std::string> roles = {};  // lent to services: ARNs or names; `*` where computed
  std::vector<Made> made = {};          // under names that it gives
};
// Nothing for operations that are not looked into: their own effect holds.
// `deployed`: the stack that the request would update, where upstream told.
std::optional<Inside> look_inside(const Model& model, const Operation& operation,
                                  const Input& input, const Deployed* deployed);

}  // namespace keyturn::aws
