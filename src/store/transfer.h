// Everything a database holds as lines of JSON that both engines write and read alike
// (docs/format/store.md), for moving between them. Tables are found in the database's own
// catalogue, so that none is forgotten; the store's own are not part of it. Memory is bounded by a
// page of rows. Blocks: not on an event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "store/store.h"

namespace keyturn::store {

struct Transferred {
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
};

// Takes one line, without its newline.
using LineSink = std::function<Result<void>(std::string_view line)>;
// Nothing at the end.
using LineSource = std::function<Result<std::optional<std::string>>()>;

// `about` is the caller's, and comes back from read_export_head(). One consistent view.
Result<Transferred> export_store(Store& store, const Json& about, const LineSink& sink);

// The first line, checked: the format, and that the migrations are those of `store`, which has run
// its own. Returns what the exporter said. kConflict when another version of Keyturn wrote it.
Result<Json> read_export_head(Store& store, const LineSource& source);
// The rest, into a database whose rooms have run their migrations and that holds nothing yet:
// kConflict otherwise. kCorrupt when lines are damaged or missing. Until finish_import() the
// database counts as half, and no store opens it again.
Result<Transferred> import_store(Store& store, const LineSource& source);
// Once what was imported has been checked.
Result<void> finish_import(Store& store);
// kConflict when an import into the database has begun and not been finished.
Result<void> refuse_half_import(Store& store);

}  // namespace keyturn::store
