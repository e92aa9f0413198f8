#include "ledger/contents.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/crypto.h"

namespace keyturn::ledger {

std::string contents_table(store::Engine engine) {
  const bool sqlite = engine == store::Engine::kSqlite;
  // By entry, so that rows are added at the end; nothing is looked up by digest but to be erased.
  return fmt::format(
      "CREATE TABLE ledger_contents (entry_index {} NOT NULL, digest TEXT NOT NULL, "
      "content TEXT NOT NULL, PRIMARY KEY (entry_index, digest)){}",
      sqlite ? "INTEGER" : "BIGINT", sqlite ? " STRICT" : "");
}

Result<void> keep_content(store::Transaction& transaction, std::uint64_t index,
                          const Content& content) {
  TRY_VOID(transaction.execute(
      "INSERT INTO ledger_contents (entry_index, digest, content) VALUES (?1, ?2, ?3)",
      {static_cast<std::int64_t>(index), content.digest.hex(), content.text}));
  return {};
}

Result<std::vector<Content>> load_contents(store::Transaction& transaction, std::uint64_t index) {
  std::vector<Content> contents;
  if (index > INT64_MAX) return contents;
  TRY(const store::Rows rows,
      transaction.query("SELECT digest, content FROM ledger_contents WHERE entry_index = ?1 "
                        "ORDER BY digest",
                        {static_cast<std::int64_t>(index)}));
  for (const store::Row& row : rows) {
    Content content;
    TRY(content.digest, Digest::from_hex(row.text(0)));
    content.text = row.text(1);
    if (crypto::sha256(content.text) != content.digest) {
      return fail(Code::kCorrupt, "what is kept beside entry {} under {} is something else", index,
                  content.digest.hex());
    }
    contents.push_back(std::move(content));
  }
  return contents;
}

Result<std::vector<std::uint64_t>> find_entries_with(store::Transaction& transaction,
                                                     const std::vector<Content>& contents,
                                                     std::size_t limit) {
  std::vector<std::uint64_t> found;
  for (const Content& content : contents) {
    TRY(const store::Rows rows,
        transaction.query("SELECT entry_index FROM ledger_contents WHERE digest = ?1 "
                          "ORDER BY entry_index LIMIT ?2",
                          {content.digest.hex(), static_cast<std::int64_t>(limit)}));
    for (const store::Row& row : rows) found.push_back(static_cast<std::uint64_t>(row.integer(0)));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<bool> erase_content(store::Transaction& transaction, std::uint64_t index,
                           const Digest& digest) {
  TRY(const std::int64_t erased,
      transaction.execute("DELETE FROM ledger_contents WHERE entry_index = ?1 AND digest = ?2",
                          {static_cast<std::int64_t>(index), digest.hex()}));
  return erased == 1;
}

}  // namespace keyturn::ledger
