// Requests from JSON texts, for people: what is wrong is told by its place in the text. Any thread.
#pragma once

#include <string_view>

#include "cedar/cedar.h"

namespace keyturn::cedar {

// {"principal":…,"action":…,"resource":…,"context":…}: entities as policies write them
// (`"User::\"alice\""`), as {"type","id"} or within `__entity`; the context may be left out. Other
// members are refused. kExhausted, kInvalid.
Result<PreparedRequest> parse_request_json(std::string_view text, const Schema* schema = nullptr);

// `request` with the context that `context` is the JSON text of.
Result<PreparedRequest> prepare_request(const Request& request, std::string_view context,
                                        const Schema* schema = nullptr);

}  // namespace keyturn::cedar
