// What the gateway itself asks upstream: tags of resources, and what
// is deployed. Runs on the caller's event loop.
#pragma once

#include <string>
#include <string_view>

#include "aws/deployed.h"
#include "aws/gateway_parts.h"

namespace keyturn::aws {

Forward query_call(std::string_view service, std::string_view region);

// The text of an answer with status 200, at most 16 MiB. The text of others is left out of the
// error: it may speak of the credentials.
http::Task<std::string> ask_upstream(Shared& shared, std::shared_ptr<const vault::Signer> signer,
                                     Forward call, std::string body);

// With the credentials with which the request that wants to know it would leave.
http::Task<Deployed> ask_deployed(Shared& shared, std::shared_ptr<const vault::Signer> signer,
                                  Wanted wanted, std::string region);

}  // namespace keyturn::aws
