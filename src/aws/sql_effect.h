// What a SQL statement would do, by PostgreSQL's own grammar. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "action/action.h"

namespace keyturn::aws {

// Longer statements are not looked into, which makes them destroy.
inline constexpr std::size_t kSqlBytesMax = 100'000;  // the Data APIs' own limit

struct SqlEffect {
  Effect effect = Effect::kDestroy;
  std::string why;
};

// The strictest of all statements in `sql`, with `:name` for parameters as the Data APIs have them.
// SELECT and SHOW observe; INSERT, UPDATE with a condition and CREATE change; DELETE, TRUNCATE,
// DROP and UPDATE of every row destroy; GRANT, REVOKE and roles grant. Destroy is also what cannot
// be read, what calls a function that is not known to only compute, and what another dialect
// (Aurora's MySQL, Redshift) could read differently: comments, backslashes, dollar quotes.
SqlEffect effect_of_sql(std::string_view sql);

}  // namespace keyturn::aws
