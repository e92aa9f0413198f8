#include "ledger/check.h"

#include <algorithm>
#include <future>
#include <thread>

#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

constexpr std::size_t kReadEntries = 1'000;
constexpr std::size_t kHashBytes = 32;
constexpr unsigned kLevelBits = 8;
// Of one thread between two meetings: some 10 ms of hashing.
constexpr std::uint64_t kBundlesAtOnce = 64;
constexpr unsigned kThreadsMax = 16;  // beyond, reading is what takes long

// Which entries a tile's hash is over, for people.
std::string entries_under(const TileId& id, std::uint64_t hash) {
  const std::uint64_t place = id.number * kTileWidth + hash;
  if (id.level == 0) return fmt::format("entry {}", place);
  const unsigned shift = kLevelBits * id.level;
  return fmt::format("entries {} to {}", place << shift, ((place + 1) << shift) - 1);
}

// How a tile differs from what the entries give.
std::string difference(const TileId& id, std::string_view is, std::string_view should_be) {
  if (is.size() != should_be.size()) {
    return fmt::format("`{}` has {} bytes and should have {}", id.path(), is.size(),
                       should_be.size());
  }
  const auto at = static_cast<std::size_t>(
      std::mismatch(is.begin(), is.end(), should_be.begin()).first - is.begin());
  if (id.content == TileId::Content::kEntries) {
    return fmt::format("`{}` is not what the ledger's entries {} to {} give, from byte {} on",
                       id.path(), id.number * kTileWidth, id.number * kTileWidth + id.width - 1,
                       at);
  }
  return fmt::format("`{}` and {} contradict each other", id.path(),
                     entries_under(id, at / kHashBytes));
}

Result<void> compare(const TileBuilder::ReadTile& read, const TileId& id,
                     std::string_view should_be) {
  TRY(const std::string is, read(id));
  if (is == should_be) return {};
  return fail(Code::kCorrupt, "{}", difference(id, is, should_be));
}

Result<void> check_kept(const TileBuilder& builder, const std::optional<Checkpoint>& kept) {
  if (!kept || builder.size() != kept->size || builder.tree().root == kept->root) return {};
  return fail(Code::kCorrupt,
              "the log's first {} entries are not those of the checkpoint you kept: its history "
              "was rewritten; keep both checkpoints, they are the proof",
              kept->size);
}

// The root over the entries of each full bundle from `first` on, whose tiles of hashes agree.
Result<std::vector<Digest>> check_bundles(const TileBuilder::ReadTile& read, std::uint64_t first,
                                          std::uint64_t count) {
  std::vector<Digest> roots;
  for (std::uint64_t number = first; number < first + count; ++number) {
    const TileId bundle{.content = TileId::Content::kEntries, .number = number};
    TRY(const std::string bytes, read(bundle));
    std::string hashes;
    hashes.reserve(kTileWidth * kHashBytes);
    TRY_VOID(context(
        for_each_entry(bytes, kTileWidth,
                       [&hashes](std::string_view entry) { hashes += leaf_hash(entry).view(); }),
        bundle.path()));
    TRY_VOID(compare(read, TileId{.number = number}, hashes));
    roots.push_back(subtree_root(hashes));
  }
  return roots;
}

// A log's files, from the first to the last, compared with what their entries give.
class LogCheck {
 public:
  LogCheck(TileBuilder::ReadTile read, const std::optional<Checkpoint>& kept)
      : read_(std::move(read)), kept_(kept) {}

  Result<Tree> run(std::uint64_t size) {
    TRY_VOID(check_kept(builder_, kept_));
    const std::uint64_t full = size / kTileWidth;
    const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax);
    for (std::uint64_t next = 0; next < full;) {
      std::vector<std::future<Result<std::vector<Digest>>>> parts;
      for (unsigned i = 0; i < threads && next < full; ++i) {
        const std::uint64_t count = std::min(kBundlesAtOnce, full - next);
        parts.push_back(
            std::async(std::launch::async, check_bundles, std::cref(read_), next, count));
        next += count;
      }
      for (auto& part : parts) {
        TRY(const std::vector<Digest> roots, part.get());
        for (const Digest& root : roots) TRY_VOID(add_bundle(root));
      }
    }
    if (builder_.size() < size) TRY_VOID(add_entries(bundle_with(builder_.size(), size)));
    TRY_VOID(builder_.emit_partial(sink_));
    return builder_.tree();
  }

 private:
  Result<void> add_bundle(const Digest& root) {
    const std::uint64_t size = builder_.size();
    // The kept checkpoint's root lies within.
    if (kept_ && kept_->size > size && kept_->size < size + kTileWidth) {
      return add_entries({.content = TileId::Content::kEntries, .number = size / kTileWidth});
    }
    TRY_VOID(builder_.append_tile(root, sink_));
    return check_kept(builder_, kept_);
  }

  Result<void> add_entries(const TileId& id) {
    TRY(const std::string bundle, read_(id));
    TRY(const auto entries, context(unbundle_entries(bundle, id.width), id.path()));
    for (const std::string& entry : entries) {
      TRY_VOID(builder_.append(entry, sink_));
      TRY_VOID(check_kept(builder_, kept_));
    }
    return {};
  }

  const TileBuilder::ReadTile read_;
  const std::optional<Checkpoint>& kept_;
  const TileBuilder::Sink sink_ = [this](const TileId& id, std::string_view bytes) -> Result<void> {
    if (id.content == TileId::Content::kEntries) return {};  // where the entries come from
    return compare(read_, id, bytes);
  };
  TileBuilder builder_;
};

// How many hashes or entries a log of `size` has where this tile is.
std::uint64_t count_at(const TileId& id, std::uint64_t size) {
  return size >> (kLevelBits * std::min(id.level, 7U));
}

}  // namespace

Result<Checkpoint> read_checkpoint(std::string_view note, const VerifierKey& key,
                                   std::string_view what) {
  TRY(const Note parsed, context(Note::parse(note), what));
  const auto verified = verify_note(parsed, {key});
  if (!verified && verified.error().code == Code::kDenied) {
    return fail(Code::kDenied,
                "{}: it is not signed by `{}`; it is another log's, or this is the wrong key", what,
                key.text());
  }
  if (!verified) return fail(Error(verified.error()).context(what));
  TRY(Checkpoint checkpoint, context(Checkpoint::parse(parsed.text), what));
  if (checkpoint.origin != key.name) {
    return fail(Code::kCorrupt, "{}: it is of the log `{}`, not `{}`", what,
                printable(checkpoint.origin, 200), key.name);
  }
  return checkpoint;
}

Result<void> feed(const Ledger& ledger, std::uint64_t size, TileBuilder& builder,
                  const TileBuilder::Sink& sink) {
  while (builder.size() < size) {
    const std::uint64_t missing = size - builder.size();
    TRY(const auto entries,
        ledger.read(builder.size(), std::min<std::uint64_t>(missing, kReadEntries)));
    if (entries.empty()) {
      return fail(Code::kCorrupt, "ledger entry {} is missing", builder.size());
    }
    for (const Entry& entry : entries) {
      if (entry.index != builder.size()) {
        return fail(Code::kCorrupt, "ledger entry {} is missing", builder.size());
      }
      if (leaf_hash(entry.text) != entry.leaf) {
        return fail(Code::kCorrupt, "ledger entry {} is not what its leaf hash says", entry.index);
      }
      TRY_VOID(builder.append(entry.text, sink));
    }
  }
  return {};
}

Result<Checkpoint> check_log(const ReadFile& read, const VerifierKey& key,
                             const std::optional<Checkpoint>& kept) {
  TRY(const std::string note, read(kCheckpointFile));
  TRY(const Checkpoint checkpoint, read_checkpoint(note, key, kCheckpointFile));
  if (kept && kept->size > checkpoint.size) {
    return fail(Code::kCorrupt,
                "the log has {} entries, fewer than the {} of the checkpoint you kept: its end was "
                "cut off; keep both checkpoints, they are the proof",
                checkpoint.size, kept->size);
  }
  TRY(const Tree tree, LogCheck(tile_or_full(read), kept).run(checkpoint.size));
  if (tree.root == checkpoint.root) return checkpoint;
  return fail(Code::kCorrupt,
              "the entries and tiles agree, but their root is not the one that the checkpoint was "
              "signed over: entries were replaced together with their hashes");
}

Result<std::vector<std::string>> check_other_files(const LogFolder& folder, std::uint64_t size) {
  std::vector<std::string> others;
  TRY(const auto names, folder.list());
  for (const std::string& name : names) {
    if (name == kCheckpointFile || name == kWitnessedFile) continue;
    const auto id = TileId::parse(name);
    if (!id) {
      others.push_back(name);
      continue;
    }
    const std::uint64_t first = id->number * kTileWidth;
    const std::uint64_t count = count_at(*id, size);
    if (first + id->width > count) {
      others.push_back(name);
      continue;
    }
    TileId covering = *id;
    covering.width = std::min(kTileWidth, count - first);
    if (covering == *id) continue;  // read already
    TRY(const std::string part, folder.read(name));
    auto whole = folder.read(covering.path());
    if (!whole && whole.error().code == Code::kNotFound) {
      covering.width = kTileWidth;
      whole = folder.read(covering.path());
    }
    if (!whole) return fail(std::move(whole.error()));
    const bool counted = id->content == TileId::Content::kEntries
                             ? unbundle_entries(part, id->width).has_value()
                             : part.size() == id->width * kHashBytes;
    if (counted && whole->starts_with(part)) continue;
    return fail(Code::kCorrupt, "`{}` is not the beginning of `{}`", name, covering.path());
  }
  return others;
}

Result<Fsck> fsck(const Ledger& ledger, LogFolder& folder, const VerifierKey& key, Repair repair) {
  TRY(const Head head, ledger.verify());
  TRY(const std::string note, folder.read(kCheckpointFile));
  TRY(const Checkpoint checkpoint,
      read_checkpoint(note, key, folder.path() + "/" + kCheckpointFile));
  if (checkpoint.size > head.size) {
    return fail(Code::kCorrupt,
                "the checkpoint was signed over {} entries, but the database has only {}; put the "
                "newest copy of the database back",
                checkpoint.size, head.size);
  }
  Fsck report;
  report.tree = {checkpoint.size, checkpoint.root};
  const TileBuilder::ReadTile read =
      tile_or_full([&folder](const std::string& name) { return folder.read(name); });
  const auto sink = [&](const TileId& id, std::string_view bytes) -> Result<void> {
    ++report.files;
    const auto same = compare(read, id, bytes);
    if (same) return {};
    if (report.problems.size() < Fsck::kProblemsMax)
      report.problems.push_back(same.error().message);
    if (repair == Repair::kNo) return {};
    TRY_VOID(folder.write(id.path(), bytes));
    ++report.repaired;
    return {};
  };
  TileBuilder builder;
  TRY_VOID(feed(ledger, checkpoint.size, builder, sink));
  if (builder.tree().root != checkpoint.root) {
    return fail(
        Code::kCorrupt,
        "the database's first {} entries are not those that the checkpoint was signed over: "
        "an entry was changed together with its hashes; put an untouched copy back",
        checkpoint.size);
  }
  TRY_VOID(builder.emit_partial(sink));
  TRY_VOID(folder.sync());
  if (report.problems.empty() || repair == Repair::kYes) {
    const auto others = check_other_files(folder, checkpoint.size);
    if (!others) report.problems.push_back(others.error().message);
  }
  return report;
}

}  // namespace keyturn::ledger
