// A small world for tests: may an agent destroy a database of production?
#pragma once

#include <gtest/gtest.h>

#include "cedar/cedar.h"

namespace keyturn::cedar {

inline constexpr const char* kSchema = R"(
  entity Agent = {owner: Person, level: Long};
  entity Person = {manager?: Person};
  entity Db in [Db] = {owner: Person};
  action destroy appliesTo {principal: Agent, resource: Db,
    context: {approvals: Long, rejected: Bool, reason?: String}};)";

inline constexpr const char* kPolicies = R"(
permit(principal, action == Action::"destroy", resource in Db::"prod")
when { context.approvals >= 2 && principal.level > 0 }
unless { context.rejected };
forbid(principal, action, resource) when { principal.level > 8 };
permit(principal, action, resource is Db) when { principal.level == 7 || context.approvals > 5 };
)";

inline Entities entities() {
  const Result<Entities> result = Entities::parse_json(R"([
    {"uid":{"type":"Agent","id":"kiro"},
     "attrs":{"owner":{"__entity":{"type":"Person","id":"ann"}},"level":3,
              "address":{"__extn":{"fn":"ip","arg":"10.0.0.1"}},"names":["a","b\n\"c\""]},
     "parents":[],"tags":{"team":"blue"}},
    {"uid":{"type":"Db","id":"orders"},"attrs":{"owner":{"type":"Person","id":"bob"}},
     "parents":[{"type":"Db","id":"prod"}]}])",
                                                       nullptr);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Entities();
}

inline Request request(Json context) {
  return {{"Agent", "kiro"}, {"Action", "destroy"}, {"Db", "orders"}, std::move(context)};
}

}  // namespace keyturn::cedar
