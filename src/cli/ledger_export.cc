// `keyturn ledger export`: entries for other systems. Each line is
// {"index":…,"leaf":"…","entry":…}; what stands after `"entry":` is the logged text byte for byte,
// so that SHA-256(0x00 || text) is the leaf.
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/proof.h"

namespace keyturn::cli {
namespace {

constexpr std::uint64_t kPage = 500;  // the API's most

}  // namespace

Result<int> export_ledger(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  std::uint64_t next = options.from;
  while (!options.to || next <= *options.to) {
    const std::uint64_t limit = options.to ? std::min(kPage, *options.to - next + 1) : kPage;
    TRY(const Json answer, client.get(fmt::format("/v1/ledger?from={}&limit={}", next, limit)));
    const Json* entries = answer.find("entries");
    if (entries == nullptr || !entries->is_array()) {
      return fail(Code::kCorrupt, "the server's answer has no `entries`");
    }
    for (const Json& entry : *entries->if_array()) {
      TRY(const std::string text, check_entry(entry, next));
      print(fmt::format("{{\"index\":{},\"leaf\":\"{}\",\"entry\":{}}}\n", next,
                        entry.string_or("leaf", ""), text));
      ++next;
    }
    if (entries->if_array()->empty()) {
      if (!options.to) return kDone;
      return fail(Code::kNotFound, "the ledger ends before entry {}", next);
    }
  }
  return kDone;
}

}  // namespace keyturn::cli
