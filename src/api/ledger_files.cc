// The published ledger as c2sp.org/tlog-tiles serves it. A name is a tile's or a checkpoint's,
// spelled as its one spelling, or it is not found: nothing else of the disk can be reached.
#include "api/route.h"
#include "ledger/log_folder.h"
#include "ledger/tiles.h"

namespace keyturn::api {

Result<Answer> get_ledger_file(Call& call) {
  const auto not_found = [&call] {
    return fail(Code::kNotFound, "the ledger has no file `{}`", printable(call.id, 200));
  };
  const bool checkpoint = call.id == ledger::kCheckpointFile || call.id == ledger::kWitnessedFile;
  const auto tile = ledger::TileId::parse(call.id);
  if (call.options.ledger_folder.empty() || (!checkpoint && !tile)) return not_found();
  const bool entries = tile && tile->content == ledger::TileId::Content::kEntries;
  if (entries && call.person.id.text().empty()) {
    return fail(Code::kDenied, "entries are for persons; send your token");
  }
  auto bytes = ledger::LogFolder(call.options.ledger_folder).read(call.id);
  if (!bytes && bytes.error().code == Code::kNotFound) return not_found();
  if (!bytes) return fail(std::move(bytes.error()));
  Answer answer;
  answer.text = std::move(*bytes);
  answer.content_type = checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream";
  if (checkpoint) answer.cache_control = "no-cache";
  if (tile) answer.cache_control = "public, max-age=31536000, immutable";
  if (entries) answer.cache_control = "private, max-age=31536000, immutable";
  return answer;
}

}  // namespace keyturn::api
