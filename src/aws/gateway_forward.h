// The way out: a request that was allowed, signed with the vault's credentials, sent, and its
// answer passed back without anything that belongs to those credentials. Belongs to the request's
// event loop.
#pragma once

#include <functional>

#include "aws/chunked.h"
#include "aws/gateway_body.h"
#include "aws/gateway_door.h"
#include "aws/gateway_parts.h"

namespace keyturn::aws {

// How it ended, for the ledger and the client.
struct Arrival {
  gate::Outcome outcome;
  std::optional<Refused> refused;  // to be answered; nothing when the client has its answer
};

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
  std::shared_ptr<const vault::Signer> signer;
  // What the client is told instead of upstream's answer of status 200; empty: that answer.
  std::function<Result<std::string>(const http::ResponseHead&, std::string_view)> rewrite;
  // Looks into upstream's answer and answers the client; empty: it is passed on.
  std::function<boost::asio::awaitable<Arrival>(http::ClientResponse, const vault::Signer&)> take;
};

// `http://127.0.0.1:5000` → `127.0.0.1:5000`, as the http room writes Host.
std::string host_of(const http::Origin& origin);

// `2F8A…` of an answer; empty when there is none.
std::string upstream_request_id(const http::Headers& headers);

boost::asio::awaitable<Arrival> forward(Shared& shared, http::Exchange& exchange,
                                        Departure departure);

// Whether an error answer of upstream speaks of the gateway's own credentials. What it says then
// (S3 repeats the canonical request with the session token) is for operators at most.
bool concerns_own_credentials(const http::ResponseHead& head, std::string_view body,
                              const vault::Signer& signer);

// Tells operators, and what the client is told: of a session that acts as a role, to assume it
// anew.
Refused refusal_of_credentials(Shared& shared, const http::Exchange& exchange, const Caller& caller,
                               int status);

// Drops the fields that only the first hop may see. For requests: credentials and what the gateway
// itself reads. For answers: challenges and cookies.
void drop_private_fields(http::Headers& headers);

}  // namespace keyturn::aws
