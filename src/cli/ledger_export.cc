// `keyturn ledger export`: entries for other systems. Each line is
// {"index":…,"leaf":"…","entry":…}; what stands after `"entry":` is the logged text byte for byte,
// so that SHA-256(0x00 || text) is the leaf. With --otlp they are posted to a collector instead.
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/otlp.h"
#include "cli/proof.h"
#include "http/http.h"

namespace keyturn::cli {
namespace {

constexpr std::uint64_t kPage = 500;  // the API's most, and one request to a collector
constexpr Duration kCollectorTimeout = std::chrono::seconds(30);

class Collector {
 public:
  static Result<Collector> open(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t path = scheme == std::string_view::npos ? scheme : url.find('/', scheme + 3);
    Collector collector;
    TRY(collector.origin_, context(http::parse_origin(url.substr(0, path)), "--otlp"));
    collector.path_ =
        otlp_path(path == std::string_view::npos ? std::string_view() : url.substr(path));
    return collector;
  }

  Result<void> send(const std::vector<ExportedEntry>& entries) const {
    TRY(const std::string request, otlp_request(entries));
    http::RequestHead head;
    head.method = "POST";
    head.target = path_;
    head.headers.add("content-type", "application/json");
    TRY(const auto answer, http::fetch(origin_, std::move(head), request, kCollectorTimeout));
    return check_otlp_answer(answer.status, answer.body);
  }

 private:
  http::Origin origin_;
  std::string path_;
};

// One page to where the user wants it.
Result<void> give_out(const std::optional<Collector>& collector,
                      const std::vector<ExportedEntry>& entries) {
  if (entries.empty()) return {};
  if (collector) {
    return context(collector->send(entries),
                   fmt::format("not sent from entry {} on; go on with --from {}",
                               entries.front().index, entries.front().index));
  }
  for (const ExportedEntry& entry : entries) {
    print(fmt::format("{{\"index\":{},\"leaf\":\"{}\",\"entry\":{}}}\n", entry.index, entry.leaf,
                      entry.text));
  }
  return {};
}

}  // namespace

Result<int> export_ledger(const Context& context) {
  const Options& options = context.options;
  std::optional<Collector> collector;
  if (!options.otlp.empty()) {
    TRY(collector, Collector::open(options.otlp));
  }
  TRY(const Client client, Client::create(options.url, context.environment));
  std::uint64_t next = options.from;
  while (!options.to || next <= *options.to) {
    const std::uint64_t limit = options.to ? std::min(kPage, *options.to - next + 1) : kPage;
    TRY(const Json answer, client.get(fmt::format("/v1/ledger?from={}&limit={}", next, limit)));
    const Json* entries = answer.find("entries");
    if (entries == nullptr || !entries->is_array()) {
      return fail(Code::kCorrupt, "the server's answer has no `entries`");
    }
    std::vector<ExportedEntry> page;
    for (const Json& entry : *entries->if_array()) {
      TRY(std::string text, check_entry(entry, next));
      page.push_back({next++, entry.string_or("leaf", ""), std::move(text)});
    }
    TRY_VOID(give_out(collector, page));
    if (!page.empty()) continue;
    if (options.to) return fail(Code::kNotFound, "the ledger ends before entry {}", next);
    break;
  }
  if (collector) print(fmt::format("sent; the next is entry {}\n", next));
  return kDone;
}

}  // namespace keyturn::cli
