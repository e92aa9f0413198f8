// Accounts, sessions and changes as the API shows them. Field names are those of the OpenAPI
// document.
#pragma once

#include "api/api.h"

namespace keyturn::api {

Json shown(const identity::Person& person);
Json shown(const identity::Agent& agent);
Json shown(const identity::Session& session, Time now);

enum class Detail { kSummary, kComplete };
// Complete: with the action, untruncated, and every digest.
Json shown(const review::Change& change, Detail detail, Time now);
Json shown(const ledger::Entry& entry);
Json shown(const ledger::Head& head);

}  // namespace keyturn::api
