// What stands in a template: names it depends on, macros, roles. Private to the room; pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace keyturn::aws {

using Names = std::set<std::string, std::less<>>;

// Null when there is none; lives as long as `object`, or for ever.
const Json& member_of(const Json& object, std::string_view key);

// What a value depends on: parameters, resources, conditions with their prefix, `mappings`, and
// `resolve` for what is looked up elsewhere at each update.
void collect_names(const Json& value, Names& names);

// Whether a macro writes parts of it.
bool has_macros(const Json& body);

// Whether a change of this property may remove data although the resource stays.
bool keeps_data(std::string_view property);

// The name that a template gives a resource: `TableName` of a Table, `DBInstanceIdentifier`,
// `Name`. Empty when it gives none.
std::string physical_name(std::string_view type, const Json& properties);

// What stands where a role is named, at any depth of a resource's properties; `*` when computed.
void collect_roles(const Json& value, std::vector<std::string>& roles);

}  // namespace keyturn::aws
