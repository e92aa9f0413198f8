// The ledger, page by page.
#include <charconv>

#include "api/route.h"
#include "api/shown.h"
#include "ledger/contents.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kPageDefault = 100;
constexpr std::size_t kPageMax = 500;
constexpr std::size_t kPageBytesMax = std::size_t{4} << 20U;  // an entry has up to 64 KiB
// Entries looked at for one page; a filter that matches little then needs several calls.
constexpr std::size_t kScanMax = 5'000;
constexpr std::size_t kScanStep = 250;

bool is_wanted(std::string_view kinds, std::string_view kind) {
  if (kinds.empty()) return true;
  while (!kinds.empty()) {
    const std::size_t comma = std::min(kinds.find(','), kinds.size());
    if (kinds.substr(0, comma) == kind) return true;
    kinds.remove_prefix(std::min(comma + 1, kinds.size()));
  }
  return false;
}

struct Page {
  Json entries{Json::Array()};
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::uint64_t next = 0;
};

struct Wanted {
  std::uint64_t from = 0;
  std::size_t limit = kPageDefault;
  std::string kinds;
};

Result<Page> read_page(const ledger::Ledger& ledger, const Wanted& wanted) {
  Page page;
  page.next = wanted.from;
  for (std::size_t scanned = 0; scanned < kScanMax;) {
    TRY(const auto entries, ledger.read(page.next, kScanStep));
    for (const ledger::Entry& entry : entries) {
      page.next = entry.index + 1;
      if (!is_wanted(wanted.kinds, entry.kind)) continue;
      page.bytes += entry.text.size();
      page.entries.push_back(shown(entry));
      ++page.count;
      if (page.count == wanted.limit || page.bytes > kPageBytesMax) return page;
    }
    if (entries.size() < kScanStep) return page;
    scanned += entries.size();
  }
  return page;
}

Result<std::uint64_t> read_index(const std::string& text) {
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error == std::errc() && end == text.data() + text.size() && index <= INT64_MAX) return index;
  return fail(Code::kInvalid, "`{}` is no index of an entry", printable(text, 64));
}

}  // namespace

Result<Answer> read_ledger(Call& call) {
  Wanted wanted;
  if (const Json* from = call.query.find("from")) {
    wanted.from = static_cast<std::uint64_t>(*from->if_integer());
  }
  TRY(wanted.limit, read_limit(call.query, kPageDefault, kPageMax));
  wanted.kinds = call.query.string_or("kinds", "");
  // The head first: every entry of the page below its size is covered by its root.
  TRY(const ledger::Head head, call.needs.ledger.head());
  TRY(Page page, read_page(call.needs.ledger, wanted));
  return json_answer(Json::object(
      {{"entries", std::move(page.entries)}, {"next", page.next}, {"head", shown(head)}}));
}

Result<Answer> get_contents(Call& call) {
  TRY(const std::uint64_t index, read_index(call.id));
  Json list{Json::Array()};
  TRY_VOID(call.needs.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto contents, ledger::load_contents(transaction, index));
    for (const ledger::Content& content : contents) {
      list.push_back(Json::object({{"digest", content.digest.hex()}, {"text", content.text}}));
    }
    return {};
  }));
  return json_answer(Json::object({{"index", index}, {"contents", std::move(list)}}));
}

Result<Answer> erase_contents(Call& call) {
  TRY(const std::uint64_t index, read_index(call.id));
  TRY(const auto erased,
      call.needs.gate.erase_contents({index, call.person.id, *call.body.get_string("why")}));
  Json entries{Json::Array()};
  for (const std::uint64_t entry : erased.entries) entries.push_back(entry);
  return json_answer(Json::object({{"entries", std::move(entries)}, {"more", erased.more}}));
}

Result<Answer> get_kept(Call& call) {
  TRY(const Digest digest, context(Digest::from_hex(call.id), "the path"));
  TRY(std::string text, call.needs.gate.find_pack(digest));
  return json_answer(Json::object({{"digest", digest.hex()}, {"text", std::move(text)}}));
}

}  // namespace keyturn::api
