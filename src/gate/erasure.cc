// What is kept beside the log, erased: the record of having done so is what remains.
#include "gate/bodies.h"
#include "gate/inside.h"
#include "ledger/contents.h"

namespace keyturn::gate {
namespace {

constexpr std::size_t kEntriesMax = 1'000;  // in one unit of work, and in one entry

// An entry, and what of it is to be erased.
struct Kept {
  std::uint64_t index = 0;
  std::optional<ChangeId> change;  // that it opened or waited for
};

Result<Kept> read_kept(const ledger::Ledger& ledger, std::uint64_t index) {
  TRY(const auto entries, ledger.read(index, 1));
  if (entries.empty()) return fail(Code::kNotFound, "the ledger has no entry {}", index);
  TRY(const Json entry, parse_strict(entries.front().text));
  Kept kept;
  kept.index = index;
  if (const Json* body = entry.find("body"); body != nullptr && body->find("change") != nullptr) {
    TRY(const std::string id, body->get_string("change"));
    TRY(kept.change, ChangeId::parse(id));
  }
  return kept;
}

// The action without what an entry keeps beside the log.
Json without_contents(const Json& action) {
  Json instead = action;
  for (const std::string_view key : {"parameters", "attributes", "why"}) {
    const Json* value = action.find(key);
    if (value != nullptr && value->find("sha256") == nullptr) instead.set(key, by_digest(*value));
  }
  return instead;
}

Result<void> erase_change(Gate::Inside& inside, store::Transaction& transaction, ChangeId id) {
  TRY(const review::Change change, inside.reviews.get_change(transaction, id));
  if (review::is_erased(change)) return {};
  return inside.reviews.forget_action(transaction, id, without_contents(change.action));
}

Json erased_body(const Gate::Erasure& erasure, const std::vector<std::uint64_t>& entries,
                 const std::vector<ledger::Content>& contents) {
  Json indices(Json::Array{});
  for (const std::uint64_t index : entries) indices.push_back(static_cast<std::int64_t>(index));
  Json digests(Json::Array{});
  for (const ledger::Content& content : contents) digests.push_back(content.digest.hex());
  return Json::object({{"entries", std::move(indices)},
                       {"digests", std::move(digests)},
                       {"by", erasure.person.text()},
                       {"why", erasure.why}});
}

}  // namespace

Result<Gate::Erased> Gate::erase_contents(const Erasure& erasure) {
  Inside& inside = *inside_;
  if (erasure.why.empty() || erasure.why.size() > review::kWordsBytesMax) {
    return fail(Code::kInvalid, "say in 1 to {} bytes why it is erased", review::kWordsBytesMax);
  }
  std::vector<ledger::Content> contents;
  std::vector<std::uint64_t> entries;
  TRY_VOID(inside.store.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(contents, ledger::load_contents(transaction, erasure.index));
    TRY(entries, ledger::find_entries_with(transaction, contents, kEntriesMax + 1));
    return {};
  }));
  if (contents.empty()) {
    return fail(Code::kNotFound, "nothing is kept beside entry {}, or not any more", erasure.index);
  }
  Erased erased;
  erased.more = entries.size() > kEntriesMax;
  if (erased.more) entries.resize(kEntriesMax);
  std::vector<Kept> all;
  for (const std::uint64_t index : entries) {
    TRY(Kept kept, read_kept(inside.ledger, index));
    all.push_back(std::move(kept));
  }
  TRY_VOID(inside.store.run([&](store::Transaction& transaction) -> Result<void> {
    for (const Kept& kept : all) {
      if (kept.change) TRY_VOID(erase_change(inside, transaction, *kept.change));
      for (const ledger::Content& content : contents) {
        TRY_VOID(ledger::erase_content(transaction, kept.index, content.digest));
      }
    }
    TRY_VOID(inside.ledger.append(transaction, "content.erased",
                                  erased_body(erasure, entries, contents)));
    return {};
  }));
  erased.entries = std::move(entries);
  return erased;
}

}  // namespace keyturn::gate
