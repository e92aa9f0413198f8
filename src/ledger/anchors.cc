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

}  // namespace

Result<std::optional<Checkpoint>> Anchors::read(const std::string& file) const {
  const fs::path path(file);
  std::error_code ignored;
  if (!fs::is_directory(path.parent_path(), ignored)) {
    return fail(Code::kUnavailable, "no folder for the anchor `{}`; is its disk there", file);
  }
  const auto note = LogFolder(path.parent_path().string()).read(path.filename().string());
  if (!note && note.error().code == Code::kNotFound) return std::nullopt;
  if (!note) return fail(note.error());
  auto kept = read_checkpoint(*note, publisher_.key(), fmt::format("the anchor `{}`", file));
  if (!kept) return fail(Code::kCorrupt, "{}; {}", kept.error().message, kWayOut);
  return std::move(*kept);
}

Result<void> Anchors::compare(const std::string& file, const Checkpoint& kept,
                              const Tree& now) const {
  if (kept.size > now.size) {
    return fail(Code::kCorrupt,
                "the anchor `{}` was written over {} entries, but the log has only {}: an older "
                "copy of the data was put back; {}",
                file, kept.size, now.size, kWayOut);
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
              kept.size, file, kWayOut);
}

Anchors::Round Anchors::check() const {
  Round round;
  const auto now = read_checkpoint(publisher_.checkpoint(), publisher_.key(), "the checkpoint");
  if (!now) {
    round.faults.push_back("nothing is published yet to compare anchors with");
    return round;
  }
  round.tree = {now->size, now->root};
  for (const std::string& file : files_) {
    const auto kept = read(file);
    const auto compared = kept && *kept
                              ? compare(file, **kept, round.tree)
                              : (kept ? Result<void>() : Result<void>(fail(kept.error())));
    if (!compared) note_fault(round, compared.error());
  }
  return round;
}

Result<bool> Anchors::advance(const std::string& file, const Tree& now, std::string_view note,
                              std::uint64_t unsaid) const {
  TRY(const auto kept, read(file));
  if (kept) {
    TRY_VOID(compare(file, *kept, now));
    if (now.size - kept->size <= unsaid) return false;
  }
  const fs::path path(file);
  LogFolder folder(path.parent_path().string());
  TRY_VOID(folder.write(path.filename().string(), note));
  TRY_VOID(folder.sync());
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
  for (const std::string& file : files_) {
    const auto moved = advance(file, round.tree, note, unsaid);
    if (!moved) {
      note_fault(round, moved.error());
    } else if (*moved) {
      round.written.push_back(file);
    }
  }
  return round;
}

}  // namespace keyturn::ledger
