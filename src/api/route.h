// The table of routes: what exists, who may call it, what it takes, what it answers. Dispatch,
// validation and the OpenAPI document all read this one table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/fields.h"

namespace keyturn::api {

enum class Access { kAnyone, kPerson, kAdministrator };

struct Route {
  std::string_view method;
  std::string_view path;  // `/v1/changes/{id}`
  Access access = Access::kPerson;
  std::string_view name;  // OpenAPI's operationId
  std::string_view summary;
  Result<Answer> (*handle)(Call&) = nullptr;
  std::span<const Field> query = {};
  std::span<const Field> body = {};
  int status = 200;           // when it succeeds
  std::string_view schema{};  // of the answer, in the document's components; empty: plain text
};

std::span<const Route> routes();

inline bool is_mutation(const Route& route) { return route.method != "GET"; }

struct Match {
  const Route* route = nullptr;  // null: no such path, or `allow` lists its methods
  std::string allow;
  std::string id;
};
// `path` is the raw target without its query; nothing in it is decoded.
Match find_route(std::string_view method, std::string_view path);

// The handlers, by the file they live in.
Result<Answer> whoami(Call& call);  // accounts.cc
Result<Answer> list_persons(Call& call);
Result<Answer> create_person(Call& call);
Result<Answer> set_person_state(Call& call);
Result<Answer> list_agents(Call& call);
Result<Answer> create_agent(Call& call);
Result<Answer> set_agent_state(Call& call);
Result<Answer> list_sessions(Call& call);  // sessions.cc
Result<Answer> start_session(Call& call);
Result<Answer> end_session(Call& call);
Result<Answer> list_changes(Call& call);  // changes.cc
Result<Answer> get_change(Call& call);
Result<Answer> give_review(Call& call);
Result<Answer> read_ledger(Call& call);  // record.cc
Result<Answer> get_contents(Call& call);
Result<Answer> erase_contents(Call& call);
Result<Answer> get_kept(Call& call);
Result<Answer> get_ledger_file(Call& call);  // ledger_files.cc
Result<Answer> get_health(Call& call);       // health.cc
Result<Answer> get_readiness(Call& call);
Result<Answer> get_metrics(Call& call);
Result<Answer> get_openapi(Call& call);  // openapi.cc

}  // namespace keyturn::api
