#include "ledger/tiles.h"

#include <charconv>

#include "ledger/ledger.h"

namespace keyturn::ledger {
namespace {

constexpr unsigned kLevelMax = 63;
constexpr unsigned kLevelBits = 8;  // 256 hashes a tile
// Beyond this level no tree of 2^64 leaves has a hash.
constexpr unsigned kLevelsOfAnyTree = 8;

// 1234067 as x001/x234/067.
std::string grouped(std::uint64_t number) {
  std::string text = fmt::format("{:03}", number % 1'000);
  for (number /= 1'000; number > 0; number /= 1'000) {
    text.insert(0, fmt::format("x{:03}/", number % 1'000));
  }
  return text;
}

Result<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && stop == digits.data() + digits.size()) return number;
  return fail(Code::kInvalid, "`{}` is no number", printable(digits, 40));
}

// Takes text up to `end` off `rest`; all of it when there is no `end`.
std::string_view take_until(std::string_view& rest, std::string_view end) {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + end.size());
  return taken;
}

Result<TileId> parse_loosely(std::string_view path) {
  TileId id;
  std::string_view rest = path;
  if (take_until(rest, "/") != "tile") return fail(Code::kInvalid, "no tile");
  const std::string_view level = take_until(rest, "/");
  if (level == "entries") {
    id.content = TileId::Content::kEntries;
  } else {
    TRY(const std::uint64_t number, parse_number(level));
    if (number > kLevelMax) return fail(Code::kInvalid, "no such level");
    id.level = static_cast<unsigned>(number);
  }
  std::string digits;
  for (const char c : take_until(rest, ".p/")) {
    if (c != 'x' && c != '/') digits.push_back(c);
  }
  TRY(id.number, parse_number(digits));
  if (!rest.empty()) {
    TRY(id.width, parse_number(rest));
    if (id.width == 0 || id.width >= kTileWidth) return fail(Code::kInvalid, "no such width");
  }
  return id;
}

// Those of one level, given how many hashes (or entries) the older and the newer log have there.
void add_new(std::vector<TileId>& tiles, const TileId& kind, Sizes counts) {
  if (counts.older == counts.newer) return;
  TileId id = kind;
  for (id.number = counts.older / kTileWidth; id.number < counts.newer / kTileWidth; ++id.number) {
    tiles.push_back(id);
  }
  id.width = counts.newer % kTileWidth;
  if (id.width > 0) tiles.push_back(id);
}

}  // namespace

std::string TileId::path() const {
  CHECK(level <= kLevelMax && width >= 1 && width <= kTileWidth);
  const std::string kind =
      content == Content::kEntries ? std::string("entries") : std::to_string(level);
  const std::string partial = width == kTileWidth ? "" : fmt::format(".p/{}", width);
  return fmt::format("tile/{}/{}{}", kind, grouped(number), partial);
}

Result<TileId> TileId::parse(std::string_view path) {
  const auto id = parse_loosely(path);
  // What is read loosely must be written the same.
  if (id && id->path() == path) return id;
  return fail(Code::kInvalid, "`{}` is no path of a tile", printable(path, 100));
}

std::vector<TileId> new_tiles(Sizes sizes) {
  CHECK(sizes.older <= sizes.newer);
  std::vector<TileId> tiles;
  TileId kind;
  kind.content = TileId::Content::kEntries;
  add_new(tiles, kind, sizes);
  kind.content = TileId::Content::kHashes;
  for (; kind.level < kLevelsOfAnyTree; ++kind.level) {
    const unsigned shift = kLevelBits * kind.level;
    add_new(tiles, kind, {sizes.older >> shift, sizes.newer >> shift});
  }
  return tiles;
}

Result<std::string> read_tile(const TileId& id, const ReadNode& read) {
  CHECK(id.content == TileId::Content::kHashes && id.level < kLevelsOfAnyTree);
  std::string bytes;
  bytes.reserve(id.width * sizeof(Digest::bytes));
  for (std::uint64_t i = 0; i < id.width; ++i) {
    TRY(const Digest digest, read(kLevelBits * id.level, id.number * kTileWidth + i));
    bytes += digest.view();
  }
  return bytes;
}

std::string bundle_entries(const std::vector<std::string>& entries) {
  CHECK(entries.size() <= kTileWidth);
  std::string bytes;
  for (const std::string& entry : entries) add_to_bundle(bytes, entry);
  return bytes;
}

void add_to_bundle(std::string& bundle, std::string_view entry) {
  CHECK(entry.size() <= kEntryBytesMax);
  bundle.push_back(static_cast<char>(entry.size() >> 8U));
  bundle.push_back(static_cast<char>(entry.size() & 0xFFU));
  bundle += entry;
}

Result<void> for_each_entry(std::string_view bytes, std::uint64_t count,
                            const std::function<void(std::string_view entry)>& visit) {
  std::uint64_t visited = 0;
  const auto wrong = [count] {
    return fail(Code::kCorrupt, "the entry bundle does not hold exactly {} entries", count);
  };
  for (; !bytes.empty(); ++visited) {
    if (bytes.size() < 2 || visited == count) return wrong();
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]))
                                   << 8U |
                               static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < length) return wrong();
    visit(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  if (visited != count) return wrong();
  return {};
}

Result<std::vector<std::string>> unbundle_entries(std::string_view bytes, std::uint64_t count) {
  std::vector<std::string> entries;
  TRY_VOID(for_each_entry(bytes, count,
                          [&entries](std::string_view entry) { entries.emplace_back(entry); }));
  return entries;
}

}  // namespace keyturn::ledger
