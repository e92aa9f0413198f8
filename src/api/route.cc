#include "api/route.h"

namespace keyturn::api {
namespace {

constexpr Field kState[] = {
    {"state", Type::kString, Presence::kRequired, "the new state", "active|suspended"}};

constexpr Field kNewPerson[] = {
    {"id", Type::kString, Presence::kRequired,
     "1 to 63 of a-z, 0-9, `-`, `_`, `.`, beginning with a letter"},
    {"name", Type::kString, Presence::kOptional, "for people; the id when missing"},
    {"role", Type::kString, Presence::kOptional, "member when missing", "member|administrator"}};

constexpr Field kNewAgent[] = {
    {"id", Type::kString, Presence::kRequired,
     "1 to 63 of a-z, 0-9, `-`, `_`, `.`, beginning with a letter"},
    {"owner", Type::kString, Presence::kOptional, "a person's id; yourself when missing"}};

constexpr Field kNewSession[] = {
    {"agent", Type::kString, Presence::kRequired, "the agent's id"},
    {"purpose", Type::kString, Presence::kRequired, "what this run is for, in a sentence"},
    {"lifetime_seconds", Type::kInteger, Presence::kOptional, "8 hours when missing, 24 at most"}};

constexpr Field kSessionQuery[] = {
    {"limit", Type::kInteger, Presence::kOptional, "newest first; 100 when missing, 1000 at most"}};

constexpr Field kChangeQuery[] = {
    {"state", Type::kString, Presence::kOptional, "only changes in this state",
     "open|approved|rejected|executed|expired|void"},
    {"limit", Type::kInteger, Presence::kOptional, "newest first; 100 when missing, 1000 at most"}};

constexpr Field kNewReview[] = {
    {"answer", Type::kString, Presence::kRequired, "the reviewer's answer", "approve|reject"},
    {"digest", Type::kString, Presence::kRequired,
     "the digest of the change as the reviewer saw it, 64 hex digits"},
    {"words", Type::kString, Presence::kOptional,
     "for the agent and the ledger; required with reject"}};

constexpr Field kLedgerQuery[] = {
    {"from", Type::kInteger, Presence::kOptional, "the first index; 0 when missing"},
    {"limit", Type::kInteger, Presence::kOptional, "oldest first; 100 when missing, 500 at most"},
    {"kinds", Type::kString, Presence::kOptional, "only these kinds, separated by commas"}};

constexpr Field kErasure[] = {{"why", Type::kString, Presence::kRequired,
                               "for the ledger, such as `contains a customer's key`"}};

constexpr Route kRoutes[] = {
    {"GET",
     "/healthz",
     Access::kAnyone,
     "getHealth",
     "whether the process is alive",
     get_health,
     {},
     {},
     200,
     "Health"},
    {"GET",
     "/readyz",
     Access::kAnyone,
     "getReadiness",
     "whether requests can be decided and sent, else 503 with the reason",
     get_readiness,
     {},
     {},
     200,
     "Readiness"},
    {"GET", "/metrics", Access::kAnyone, "getMetrics", "Prometheus text", get_metrics},
    {"GET",
     "/v1/openapi.json",
     Access::kAnyone,
     "getOpenapi",
     "this document",
     get_openapi,
     {},
     {},
     200,
     "Document"},
    {"GET",
     "/v1/whoami",
     Access::kPerson,
     "getWhoami",
     "the person whose token this is",
     whoami,
     {},
     {},
     200,
     "Person"},
    {"GET",
     "/v1/persons",
     Access::kPerson,
     "listPersons",
     "every person",
     list_persons,
     {},
     {},
     200,
     "Persons"},
    {"POST",
     "/v1/persons",
     Access::kAdministrator,
     "createPerson",
     "a new person; the answer shows the API token, once",
     create_person,
     {},
     kNewPerson,
     201,
     "NewPerson"},
    {"PATCH",
     "/v1/persons/{id}",
     Access::kAdministrator,
     "setPersonState",
     "suspend or activate a person",
     set_person_state,
     {},
     kState,
     200,
     "Person"},
    {"GET",
     "/v1/agents",
     Access::kPerson,
     "listAgents",
     "every agent",
     list_agents,
     {},
     {},
     200,
     "Agents"},
    {"POST",
     "/v1/agents",
     Access::kPerson,
     "createAgent",
     "a new agent, owned by yourself or, for administrators, by anyone",
     create_agent,
     {},
     kNewAgent,
     201,
     "Agent"},
    {"PATCH",
     "/v1/agents/{id}",
     Access::kPerson,
     "setAgentState",
     "suspend (its owner or an administrator) or activate (an administrator) an agent",
     set_agent_state,
     {},
     kState,
     200,
     "Agent"},
    {"GET",
     "/v1/sessions",
     Access::kPerson,
     "listSessions",
     "sessions, newest first",
     list_sessions,
     kSessionQuery,
     {},
     200,
     "Sessions"},
    {"POST",
     "/v1/sessions",
     Access::kPerson,
     "startSession",
     "a session of your agent; the answer shows its keys, once",
     start_session,
     {},
     kNewSession,
     201,
     "NewSession"},
    {"DELETE",
     "/v1/sessions/{id}",
     Access::kPerson,
     "endSession",
     "end a session: its agent's owner, its starter or an administrator",
     end_session,
     {},
     {},
     200,
     "Session"},
    {"GET",
     "/v1/changes",
     Access::kPerson,
     "listChanges",
     "changes, newest first",
     list_changes,
     kChangeQuery,
     {},
     200,
     "Changes"},
    {"GET",
     "/v1/changes/{id}",
     Access::kPerson,
     "getChange",
     "one change with its complete action",
     get_change,
     {},
     {},
     200,
     "CompleteChange"},
    {"POST",
     "/v1/changes/{id}/reviews",
     Access::kPerson,
     "giveReview",
     "approve or reject a change; the digest says what was seen",
     give_review,
     {},
     kNewReview,
     201,
     "GivenReview"},
    {"GET",
     "/v1/ledger",
     Access::kPerson,
     "readLedger",
     "ledger entries, oldest first",
     read_ledger,
     kLedgerQuery,
     {},
     200,
     "Ledger"},
    {"GET",
     "/v1/ledger/{id}/contents",
     Access::kPerson,
     "getContents",
     "what is kept beside an entry: parameters, and what did not fit",
     get_contents,
     {},
     {},
     200,
     "Contents"},
    {"POST",
     "/v1/ledger/{id}/erasure",
     Access::kAdministrator,
     "eraseContents",
     "erase what is kept beside an entry, wherever the same is kept; the log keeps its digest",
     erase_contents,
     {},
     kErasure,
     200,
     "Erased"},
    {"GET",
     "/v1/kept/{id}",
     Access::kPerson,
     "getKept",
     "a policy pack that was loaded once, by its digest",
     get_kept,
     {},
     {},
     200,
     "Kept"},
};

// The published ledger, by file name. Hashes and checkpoints tell nothing and are for everyone;
// entries are for those who may read the ledger.
constexpr std::string_view kLedgerFiles = "/ledger/";
constexpr std::string_view kLedgerEntries = "/ledger/tile/entries/";
constexpr Route kHashFile{"GET",           "/ledger/{file}",         Access::kAnyone,
                          "getLedgerFile", "a checkpoint or a tile", get_ledger_file};
constexpr Route kEntryFile{"GET",
                           "/ledger/tile/entries/{file}",
                           Access::kPerson,
                           "getLedgerEntries",
                           "an entry bundle",
                           get_ledger_file};

// Whether `path` has the form of `pattern`; `{id}` stands for one segment that is not empty.
std::optional<std::string> match_path(std::string_view pattern, std::string_view path) {
  const std::size_t brace = pattern.find("{id}");
  if (brace == std::string_view::npos) {
    if (path == pattern) return std::string();
    return std::nullopt;
  }
  const std::string_view before = pattern.substr(0, brace);
  const std::string_view after = pattern.substr(brace + 4);
  if (path.size() <= before.size() + after.size()) return std::nullopt;
  if (!path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  if (path.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Match find_route(std::string_view method, std::string_view path) {
  Match match;
  if (path.starts_with(kLedgerFiles)) {
    if (method != "GET") return {.route = nullptr, .allow = "GET", .id = ""};
    const Route* file = path.starts_with(kLedgerEntries) ? &kEntryFile : &kHashFile;
    return {.route = file, .allow = "", .id = std::string(path.substr(kLedgerFiles.size()))};
  }
  for (const Route& route : kRoutes) {
    std::optional<std::string> id = match_path(route.path, path);
    if (!id) continue;
    if (route.method == method) return {.route = &route, .allow = "", .id = std::move(*id)};
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
  }
  return match;
}

}  // namespace keyturn::api
