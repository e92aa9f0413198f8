#include "ledger/witness.h"

#include <charconv>

#include "ledger/check.h"

namespace keyturn::ledger {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10U;
constexpr int kTriesMax = 3;  // a 409, and another writer that was faster

Result<std::uint64_t> parse_size(std::string_view body) {
  if (body.ends_with('\n')) body.remove_suffix(1);
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(body.data(), body.data() + body.size(), size);
  if (error == std::errc() && stop == body.data() + body.size() && !body.empty()) return size;
  return fail(Code::kCorrupt, "it answered 409 without its size");
}

std::string request_body(std::uint64_t older, const Proof& proof, const std::string& note) {
  std::string body = fmt::format("old {}\n", older);
  for (const Digest& hash : proof) body += base64_encode(hash.view()) + "\n";
  return body + "\n" + note;
}

}  // namespace

Result<std::string> Witnesses::read_cosignature(const TrustPolicy::Witness& witness,
                                                const std::string& note,
                                                const std::string& body) const {
  if (body.size() > kAnswerBytesMax) return fail(Code::kCorrupt, "its answer is too long");
  TRY(const Note ours, Note::parse(note));
  TRY(const Note answer, context(Note::parse(ours.text + "\n" + body), "its answer"));
  const auto verified = verify_note(answer, {witness.key});
  if (!verified) return fail(Error(verified.error()).context("its cosignature"));
  // That line alone: others may say what they like.
  for (const Note::Signature& line : answer.signatures) {
    if (line.name != witness.key.name || line.id != witness.key.id) continue;
    return fmt::format("\u2014 {} {}\n", line.name, base64_encode(line.id + line.bytes));
  }
  return fail(Code::kCorrupt, "its answer has no cosignature");
}

Result<std::string> Witnesses::ask_one(const TrustPolicy::Witness& witness, const std::string& note,
                                       const Checkpoint& checkpoint) {
  std::uint64_t& latest = latest_[witness.name];
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    TRY(const Proof proof, publisher_.prove_since(latest, checkpoint.size));
    TRY(const Answer answer,
        post_(witness.url + "/add-checkpoint", request_body(latest, proof, note)));
    if (answer.status == 200) {
      TRY(std::string line, read_cosignature(witness, note, answer.body));
      latest = checkpoint.size;
      return line;
    }
    if (answer.status == 422) {
      return fail(Code::kCorrupt,
                  "it has seen another history of this log: compare its copy of the checkpoint "
                  "with ours (docs/operations.md, \"A witness contradicts the log\")");
    }
    if (answer.status != 409) {
      return fail(Code::kUnavailable, "it answered {}: {}", answer.status,
                  printable(answer.body, 200));
    }
    TRY(const std::uint64_t size, parse_size(answer.body));
    if (size > checkpoint.size) {
      return fail(Code::kCorrupt,
                  "it has seen this log with {} entries, more than our {}: our checkpoint went "
                  "back, or a second log runs under this name (docs/operations.md, \"A witness "
                  "contradicts the log\")",
                  size, checkpoint.size);
    }
    latest = size;
  }
  return fail(Code::kUnavailable, "it keeps naming other sizes");
}

Result<Witnesses::Round> Witnesses::ask() {
  const std::string note = publisher_.checkpoint();
  if (note.empty()) return Round{};
  TRY(const Checkpoint checkpoint, read_checkpoint(note, publisher_.key(), "the checkpoint"));
  TRY(std::set<std::string> seen, find_witnesses(note, policy_));
  Round round;
  round.size = checkpoint.size;
  round.met = policy_.is_met(seen);
  if (round.met) return round;
  std::vector<std::string> lines;
  for (const TrustPolicy::Witness& witness : policy_.witnesses) {
    if (witness.url.empty() || seen.contains(witness.name)) continue;
    auto line = ask_one(witness, note, checkpoint);
    if (line) {
      lines.push_back(std::move(*line));
      seen.insert(witness.name);
      continue;
    }
    round.contradicted = round.contradicted || line.error().code == Code::kCorrupt;
    round.faults.push_back(fmt::format("witness `{}`: {}", witness.name, line.error().message));
  }
  round.met = policy_.is_met(seen);
  if (round.met) TRY_VOID(publisher_.add_cosignatures(note, lines));
  return round;
}

}  // namespace keyturn::ledger
