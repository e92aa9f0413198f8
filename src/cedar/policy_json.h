// Policies in Cedar's JSON format ("EST"), both ways.
#pragma once

#include <memory>

#include "base/json.h"
#include "base/json_place.h"
#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/policy_content.h"

namespace keyturn::cedar {

// The text that policies are read from, for the places of what is wrong with them later on; empty
// when they are read from values.
struct JsonSource {
  std::shared_ptr<const std::string> text;
  JsonOffsets offsets;
};

// A policy or template.
Result<std::shared_ptr<const Body>> read_policy(const Json& json, std::shared_ptr<Pool> pool,
                                                JsonFault& fault, const JsonSource& source);
// A link is written with its slots filled.
Result<Json> write_policy(const Policy& policy);
// kExhausted when the JSON would be too deep to be read; `source`, if there is one, to tell where.
Result<Json> write_expression(const Nodes& nodes, NodeId id, std::string_view source = {});

}  // namespace keyturn::cedar
