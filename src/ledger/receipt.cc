#include "ledger/receipt.h"

#include <charconv>
#include <optional>

#include "ledger/check.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

constexpr std::string_view kTitle = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kPathMax = 64;

std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

tl::unexpected<Error> wrong(std::string_view why) {
  return fail(Code::kInvalid, "the receipt {}", why);
}

Result<std::uint64_t> parse_index(std::string_view line) {
  constexpr std::string_view kWord = "index ";
  if (!line.starts_with(kWord)) return wrong("has no `index` line");
  line.remove_prefix(kWord.size());
  std::uint64_t index = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, index);
  if (error != std::errc() || stop != end || fmt::to_string(index) != line) {
    return wrong("has an index that is no plain decimal number");
  }
  return index;
}

}  // namespace

std::string Receipt::text() const {
  std::string text(kTitle);
  text += "\n";
  if (!entry.empty()) text += fmt::format("extra {}\n", base64_encode(entry));
  text += fmt::format("index {}\n", index);
  for (const Digest& hash : path) text += base64_encode(hash.view()) + "\n";
  return text + "\n" + checkpoint;
}

Result<Receipt> Receipt::parse(std::string_view text) {
  constexpr std::string_view kExtra = "extra ";
  if (text.size() > kBytesMax) return wrong("is longer than any receipt");
  if (take_line(text) != kTitle) {
    return wrong(fmt::format("does not begin with `{}`", kTitle));
  }
  Receipt receipt;
  auto line = take_line(text);
  if (line && line->starts_with(kExtra)) {
    const auto extra = base64_decode(line->substr(kExtra.size()));
    if (!extra) return wrong("has an `extra` line that is no base64");
    receipt.entry = *extra;
    line = take_line(text);
  }
  TRY(receipt.index, parse_index(line.value_or("")));
  for (line = take_line(text); line && !line->empty(); line = take_line(text)) {
    const auto bytes = base64_decode(*line);
    if (!bytes || bytes->size() != sizeof(Digest::bytes))
      return wrong("has a line that is no hash");
    if (receipt.path.size() == kPathMax) return wrong("has more hashes than any tree is deep");
    TRY(const Digest hash, Digest::from_bytes(*bytes));
    receipt.path.push_back(hash);
  }
  if (!line) return wrong("ends before its checkpoint");
  receipt.checkpoint = text;
  return receipt;
}

Result<Checkpoint> verify_receipt(const Receipt& receipt, const VerifierKey& key) {
  TRY(const Checkpoint checkpoint, read_checkpoint(receipt.checkpoint, key, "the receipt"));
  if (receipt.entry.empty()) return wrong("does not hold its entry");
  TRY_VOID(context(verify_inclusion({receipt.index, leaf_hash(receipt.entry)},
                                    {checkpoint.size, checkpoint.root}, receipt.path),
                   "the receipt's entry is not the one that was logged, or at another place"));
  return checkpoint;
}

Result<Receipt> make_receipt(std::uint64_t index, const ReadFile& read, const VerifierKey& key) {
  Receipt receipt;
  receipt.index = index;
  TRY(receipt.checkpoint, read(kCheckpointFile));
  TRY(const Checkpoint checkpoint, read_checkpoint(receipt.checkpoint, key, kCheckpointFile));
  if (index >= checkpoint.size) {
    return fail(Code::kNotFound,
                "the checkpoint covers the entries 0 to {}, not {}; a newer entry is covered "
                "within about a second",
                static_cast<std::int64_t>(checkpoint.size) - 1, index);
  }
  const TileBuilder::ReadTile tiles = tile_or_full(read);
  const TileId id = bundle_with(index, checkpoint.size);
  TRY(const std::string bundle, tiles(id));
  TRY(const auto entries, context(unbundle_entries(bundle, id.width), id.path()));
  receipt.entry = entries[index % kTileWidth];
  TRY(receipt.path, prove_inclusion(index, checkpoint.size, node_reader(checkpoint.size, tiles)));
  TRY_VOID(context(verify_receipt(receipt, key),
                   fmt::format("entry {}: the tiles or `{}` are damaged; run `keyturn ledger fsck`",
                               index, id.path())));
  return receipt;
}

}  // namespace keyturn::ledger
