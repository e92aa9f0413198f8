// LISTEN, on a session of its own.
#pragma once

#include "store/news.h"

namespace keyturn::store {

// Connects when it is first waited for.
std::unique_ptr<News> listen_in_postgres(const PostgresOptions& options, const Clock& clock);

}  // namespace keyturn::store
