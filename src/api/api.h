// JSON routes for console, CLI and operators, on the API port. Persons authenticate with a bearer
// token; agents have no business here. Every change of state and its ledger entry are one store
// transaction. One Api serves all loops; its handlers run on threads of its own, because they wait
// for the store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "gate/gate.h"
#include "http/http.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "review/review.h"
#include "store/store.h"
#include "vault/vault.h"

namespace keyturn::api {

// A body of any route is an account, a session or a review: kilobytes.
inline constexpr std::size_t kBodyBytesMax = std::size_t{1} << 20U;

struct ApiOptions {
  // Host names under which the API may be called besides the loopback ones; others are refused, so
  // that a web page cannot reach it through a name that it points here (DNS rebinding).
  std::vector<std::string> host_names;
  std::string aws_endpoint_url = "http://127.0.0.1:7312";  // what sessions are told to use
  std::string version = "0.0.0";
  std::string ledger_folder{};  // whose files are served under /ledger/; empty: none
  // Where handlers run, which wait for the store. Nothing: on threads of the API's own.
  std::optional<http::Executor> executor{};
};

class Api {
 public:
  struct Needs {
    store::Store& store;
    ledger::Ledger& ledger;
    identity::Identity& identity;
    review::Reviews& reviews;
    gate::Gate& gate;
    vault::Vault& vault;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
  };
  // Its table, without the routes.
  static Result<void> prepare(store::Store& store);
  // Creates its table. The needs outlive it.
  static Result<std::unique_ptr<Api>> create(Needs needs, ApiOptions options);
  virtual ~Api() = default;
  // One request, as the http server's handler.
  virtual http::Task<> handle(http::Exchange& exchange) = 0;
};

// The OpenAPI 3.1 document of every route, as served at /v1/openapi.json.
Json openapi(const std::string& version);

}  // namespace keyturn::api
