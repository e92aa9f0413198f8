#include "ledger/publisher.h"

#include <algorithm>

#include "ledger/check.h"
#include "ledger/tile_reader.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

// Only the first tiles that fill after a checkpoint have partial ones: one for each level.
constexpr std::size_t kRemovedMax = 64;

Result<void> ignore_tile(const TileId&, std::string_view) { return {}; }

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::open(const Ledger& ledger, LogKey key,
                                                   std::string folder, Log& log) {
  auto publisher = std::make_unique<Publisher>(ledger, std::move(key), std::move(folder), log);
  TRY_VOID(context(publisher->resume(), "open the published ledger"));
  return publisher;
}

Result<void> Publisher::resume() {
  auto note = folder_.read(kCheckpointFile);
  if (!note && note.error().code == Code::kNotFound) return {};
  if (!note) return fail(std::move(note.error()));
  const std::string name = folder_.path() + "/" + kCheckpointFile;
  TRY(const Checkpoint checkpoint, read_checkpoint(*note, key_.verifier(), name));
  TRY(const Head head, ledger_.head());
  if (checkpoint.size > head.size) {
    return fail(Code::kCorrupt,
                "`{}` was signed over {} entries, but the database has only {}: an older copy of "
                "the database was put back, or its end was cut off; put the newest copy back, or "
                "begin a new log (docs/operations.md, \"The checkpoint is ahead of the database\")",
                name, checkpoint.size, head.size);
  }
  auto builder = TileBuilder::restore(
      checkpoint.size,
      tile_or_full([this](const std::string& file) { return folder_.read(file); }));
  if (builder && builder->tree().root == checkpoint.root) {
    builder_ = std::move(*builder);
  } else {
    TRY_VOID(rebuild(checkpoint, builder ? Error{Code::kCorrupt, "the tiles have another root"}
                                         : builder.error()));
  }
  published_ = {checkpoint.size, checkpoint.root};
  has_checkpoint_ = true;
  checkpoint_ = *note;
  return {};
}

Result<void> Publisher::rebuild(const Checkpoint& checkpoint, const Error& why) {
  TileBuilder builder;
  TRY_VOID(feed(ledger_, checkpoint.size, builder, ignore_tile));
  if (builder.tree().root != checkpoint.root) {
    return fail(Code::kCorrupt,
                "the database's first {} entries are not those that the checkpoint was signed "
                "over: an entry was changed together with its hashes, or the database is another "
                "log's; put the right database back (docs/operations.md, \"The database "
                "contradicts the checkpoint\")",
                checkpoint.size);
  }
  TRY_VOID(builder.emit_partial([this](const TileId& id, std::string_view bytes) {
    return folder_.write(id.path(), bytes);
  }));
  builder_ = std::move(builder);
  log_.warning("ledger.tiles_remade",
               {{"error", why.message},
                {"note",
                 "the partial tiles were made again from the database; run `keyturn ledger fsck` "
                 "to look at all files"}});
  return {};
}

Result<Tree> Publisher::publish() {
  const std::lock_guard lock(mutex_);
  TRY(const Head head, ledger_.head());
  if (has_checkpoint_ && head.size < published_.size) {
    return fail(Code::kCorrupt, "the ledger has {} entries, fewer than the {} of its checkpoint",
                head.size, published_.size);
  }
  if (has_checkpoint_ && head.size == published_.size) {
    if (head.root == published_.root) return published_;
    return fail(Code::kCorrupt,
                "the ledger's root over {} entries is not the one that was published; nothing was "
                "signed; run `keyturn ledger fsck`",
                head.size);
  }
  // On a copy: what fails half-way is done again from the same place.
  TileBuilder next = builder_;
  std::vector<std::string> full;
  const auto write = [&](const TileId& id, std::string_view bytes) -> Result<void> {
    if (id.width == kTileWidth && full.size() < kRemovedMax) full.push_back(id.path());
    return folder_.write(id.path(), bytes);
  };
  TRY_VOID(feed(ledger_, head.size, next, write));
  if (next.tree().root != head.root) {
    return fail(Code::kCorrupt,
                "the entries {} to {} do not lead from the published checkpoint to the ledger's "
                "root; nothing was signed; run `keyturn ledger fsck`",
                builder_.size(), head.size);
  }
  TRY_VOID(next.emit_partial(write));
  TRY_VOID(folder_.sync());
  TRY_VOID(write_checkpoint(next.tree()));
  builder_ = std::move(next);
  // Only now: until the new checkpoint is there, readers of the old one may want them.
  for (const std::string& name : full) folder_.remove_partial(name);
  return published_;
}

Result<void> Publisher::write_checkpoint(const Tree& tree) {
  TRY(const std::string note, key_.sign({key_.origin(), tree.size, tree.root}));
  TRY_VOID(folder_.write(kCheckpointFile, note));
  // Whoever has read the name holds us to it, so it counts from here on, synced or not.
  published_ = tree;
  has_checkpoint_ = true;
  checkpoint_ = note;
  return folder_.sync();
}

Tree Publisher::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::string Publisher::checkpoint() const {
  const std::lock_guard lock(mutex_);
  return checkpoint_;
}

Result<void> Publisher::add_cosignatures(std::string_view note,
                                         const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  std::string cosigned(note);
  for (const std::string& line : lines) cosigned += line;
  TRY_VOID(read_checkpoint(cosigned, key_.verifier(), "the cosigned checkpoint"));
  TRY_VOID(folder_.write(kWitnessedFile, cosigned));
  if (note == checkpoint_) {
    TRY_VOID(folder_.write(kCheckpointFile, cosigned));
    checkpoint_ = cosigned;
  }
  return folder_.sync();
}

Result<Proof> Publisher::prove_since(std::uint64_t older, std::uint64_t newer) const {
  const std::lock_guard lock(mutex_);
  if (newer > published_.size) {
    return fail(Code::kInvalid, "a log of {} entries is not published", newer);
  }
  // Read in the newest size: its tiles are all there, those of `newer` may be replaced by full
  // ones.
  return prove_consistency(
      {older, newer}, node_reader(published_.size, tile_or_full([this](const std::string& name) {
                                    return folder_.read(name);
                                  })));
}

}  // namespace keyturn::ledger
