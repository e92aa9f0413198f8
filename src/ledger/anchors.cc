#include "ledger/anchors.h"

#include <filesystem>

#include "ledger/check.h"

namespace keyturn::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWayOut =
    "put the newest copy of the data back, or move the anchor away to begin it anew "
    "(docs/operations.md, \"An anchor contradicts the log\")";

void note_fault(Anchors::Round& round, const Error& error) {
  round.faults.push_back(error.message);
  round.contradicted = round.contradicted || error.code == Code::kCorrupt;
}

class AnchorFile : public AnchorPlace {
 public:
  explicit AnchorFile(std::string path) : path_(std::move(path)) {}
  const std::string& name() const override { return path_; }
  Result<std::optional<std::string>> read() const override {
    const fs::path path(path_);
    std::error_code ignored;
    if (!fs::is_directory(path.parent_path(), ignored)) {
      return fail(Code::kUnavailable, "no folder for the anchor `{}`; is its disk there", path_);
    }
    auto note = LogFolder(path.parent_path().string()).read(path.filename().string());
    if (!note && note.error().code == Code::kNotFound) return std::nullopt;
    if (!note) return fail(std::move(note).error());
    return std::move(*note);
  }
  Result<void> write(std::string_view checkpoint, std::uint64_t /*size*/) const override {
    const fs::path path(path_);
    LogFolder folder(path.parent_path().string());
    TRY_VOID(folder.write(path.filename().string(), checkpoint));
    return folder.sync();
  }

 private:
  const std::string path_;
};

}  // namespace

std::unique_ptr<AnchorPlace> anchor_file(std::string path) {
  return std::make_unique<AnchorFile>(std::move(path));
}

Result<std::optional<Checkpoint>> Anchors::read(const AnchorPlace& place) const {
  TRY(const auto note, place.read());
  if (!note) return std::nullopt;
  auto kept =
      read_checkpoint(*note, publisher_.key(), fmt::format("the anchor `{}`", place.name()));
  if (!kept) return fail(Code::kCorrupt, "{}; {}", kept.error().message, kWayOut);
  return std::move(*kept);
}

Result<void> Anchors::compare(const AnchorPlace& place, const Checkpoint& kept,
                              const Tree& now) const {
  if (kept.size > now.size) {
    return fail(Code::kCorrupt,
                "the anchor `{}` was written over {} entries, but the log has only {}: an older "
                "copy of the data was put back; {}",
                place.name(), kept.size, now.size, kWayOut);
  }
  bool same = kept.size == 0;
  if (!same) {
    TRY(const Proof proof, publisher_.prove_since(kept.size, now.size));
    same = verify_consistency({kept.size, kept.root}, now, proof).has_value();
  }
  if (same) return {};
  return fail(Code::kCorrupt,
              "the log does not begin with the {} entries of the anchor `{}`: this is another "
              "history; {}",
              kept.size, place.name(), kWayOut);
}

Anchors::Round Anchors::check() const {
  Round round;
  const auto now = read_checkpoint(publisher_.checkpoint(), publisher_.key(), "the checkpoint");
  if (!now) {
    round.faults.push_back("nothing is published yet to compare anchors with");
    return round;
  }
  round.tree = {now->size, now->root};
  for (const auto& place : places_) {
    const auto kept = read(*place);
    const auto compared = kept && *kept
                              ? compare(*place, **kept, round.tree)
                              : (kept ? Result<void>() : Result<void>(fail(kept.error())));
    if (!compared) note_fault(round, compared.error());
  }
  return round;
}

Result<bool> Anchors::advance(const AnchorPlace& place, const Tree& now, std::string_view note,
                              std::uint64_t unsaid) const {
  TRY(const auto kept, read(place));
  if (kept) {
    TRY_VOID(compare(place, *kept, now));
    if (now.size - kept->size <= unsaid) return false;
  }
  TRY_VOID(place.write(note, now.size));
  return true;
}

Anchors::Round Anchors::advance(std::uint64_t unsaid) const {
  Round round;
  const std::string note = publisher_.checkpoint();
  if (note.empty()) return round;
  const auto now = read_checkpoint(note, publisher_.key(), "the checkpoint");
  if (!now) {
    note_fault(round, now.error());
    return round;
  }
  round.tree = {now->size, now->root};
  for (const auto& place : places_) {
    const auto moved = advance(*place, round.tree, note, unsaid);
    if (!moved) {
      note_fault(round, moved.error());
    } else if (*moved) {
      round.written.push_back(place->name());
    }
  }
  return round;
}

}  // namespace keyturn::ledger
