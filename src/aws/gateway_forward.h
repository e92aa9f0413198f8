// The way out: a request that was allowed, signed with the vault's credentials, sent, and its
// answer passed back without anything that belongs to those credentials. Belongs to the request's
// event loop.
#pragma once

#include "aws/chunked.h"
#include "aws/gateway_body.h"
#include "aws/gateway_door.h"
#include "aws/gateway_parts.h"

namespace keyturn::aws {

// What is sent, and from where its body comes: exactly one of the three.
struct Departure {
  const Understood* understood = nullptr;
  const Caller* caller = nullptr;
  http::Origin origin;
  // As the client sent it, for telling whether its checksums still hold.
  std::optional<std::string_view> parsed_body;
  Trailers trailers;  // of a body that was decoded
  WholeBody* spooled = nullptr;
  http::Body* streamed = nullptr;
};

// How it ended, for the ledger and the client.
struct Arrival {
  gate::Outcome outcome;
  std::optional<Refused> refused;  // to be answered; nothing when the client has its answer
};

// `http://127.0.0.1:5000` → `127.0.0.1:5000`, as the http room writes Host.
std::string host_of(const http::Origin& origin);

boost::asio::awaitable<Arrival> forward(Shared& shared, http::Exchange& exchange,
                                        Departure departure);

// Whether an error answer of upstream speaks of the gateway's own credentials. What it says then
// (S3 repeats the canonical request with the session token) is for operators at most.
bool concerns_own_credentials(const http::ResponseHead& head, std::string_view body,
                              const vault::Signer& signer);

// Drops the fields that only the first hop may see. For requests: credentials and what the gateway
// itself reads. For answers: challenges and cookies.
void drop_private_fields(http::Headers& headers);

}  // namespace keyturn::aws
