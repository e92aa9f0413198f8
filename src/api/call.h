// What a route's handler is given and gives back. Handlers are plain functions on a thread that may
// wait.
#pragma once

#include <string>

#include "api/api.h"

namespace keyturn::api {

struct Answer {
  int status = 200;
  std::string text;
  std::string content_type = "application/json";
  std::string cache_control{};  // empty: nothing is kept
};
Answer json_answer(const Json& body, int status = 200);

// A request that is not carried out, in HTTP's terms.
struct Refusal {
  int status = 500;
  std::string code;
  std::string message;
};
// denied 403, not_found 404, and so on.
Refusal to_refusal(const Error& error);

// One request, checked and read.
struct Call {
  const Api::Needs& needs;
  const ApiOptions& options;
  identity::Person person;  // who asks; empty on public routes
  std::string id;           // the path's `{id}`
  Json query = Json(Json::Object());
  Json body = Json(Json::Object());
};

bool is_administrator(const Call& call);

// Runs `unit`, which changes accounts or sessions and appends to the ledger, as one transaction,
// and makes it effective for the request path.
Result<void> commit(Call& call, const store::Unit& unit);

}  // namespace keyturn::api
