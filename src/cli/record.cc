// `keyturn ledger`: the story, and the proof.
#include <poll.h>

#include <cstdio>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/proof.h"
#include "cli/story.h"

namespace keyturn::cli {
namespace {

constexpr std::uint64_t kPage = 500;              // the API's most
constexpr std::uint64_t kShownByDefault = 1'000;  // what one reads; --limit asks for more
constexpr int kFollowMs = 1'000;

struct Page {
  Json::Array entries;
  std::uint64_t next = 0;
  std::uint64_t size = 0;
  std::string root;
};

Result<Page> get_page(const Client& client, std::uint64_t from, std::uint64_t limit) {
  TRY(const Json answer, client.get(fmt::format("/v1/ledger?from={}&limit={}", from, limit)));
  Page page;
  const Json* entries = answer.find("entries");
  const Json* head = answer.find("head");
  if (entries == nullptr || !entries->is_array() || head == nullptr) {
    return fail(Code::kCorrupt, "the server's answer has no `entries` or no `head`");
  }
  page.entries = *entries->if_array();
  TRY(const std::int64_t next, answer.get_integer("next"));
  TRY(const std::int64_t size, head->get_integer("size"));
  TRY(page.root, head->get_string("root"));
  if (next < 0 || size < 0) return fail(Code::kCorrupt, "the server's answer has negative sizes");
  page.next = static_cast<std::uint64_t>(next);
  page.size = static_cast<std::uint64_t>(size);
  return page;
}

void print_entry(const Context& context, const Json& entry) {
  print(context.options.json ? to_text(entry) + "\n" : story_of(entry, context.style));
}

// Prints from `from` on until the end or `limit`; where it stopped.
Result<std::uint64_t> print_from(const Context& context, const Client& client, std::uint64_t from,
                                 std::uint64_t limit) {
  for (std::uint64_t shown = 0; shown < limit;) {
    TRY(const Page page, get_page(client, from, std::min(kPage, limit - shown)));
    for (const Json& entry : page.entries) print_entry(context, entry);
    shown += page.entries.size();
    from = page.next;
    if (page.entries.empty() || from >= page.size) return from;
  }
  return from;
}

Result<void> check_noted(const TreeHash& tree, const std::optional<NotedHead>& noted) {
  if (!noted || tree.size() != noted->size || tree.root() == noted->root) return {};
  return fail(Code::kCorrupt,
              "the first {} entries are not those of the root you noted: the ledger was rewritten",
              noted->size);
}

}  // namespace

Result<int> show_ledger(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  if (!options.json) print(story_heading(context.style));
  const std::uint64_t limit = options.limit == 0 ? kShownByDefault : options.limit;
  TRY(std::uint64_t next, print_from(context, client, options.from, limit));
  while (options.follow) {
    std::fflush(stdout);
    ::poll(nullptr, 0, kFollowMs);
    TRY(next, print_from(context, client, next, kShownByDefault));
  }
  TRY(const Page end, get_page(client, next, 1));
  if (end.size > next && !options.json) {
    print(fmt::format("… {} more: keyturn ledger show --from {}\n", end.size - next, next));
  }
  return kDone;
}

Result<int> verify_ledger(const Context& context) {
  const Options& options = context.options;
  if (!options.target.empty()) return verify_published(context);
  std::optional<NotedHead> noted;
  if (!options.root.empty()) {
    TRY(noted, parse_head(options.root));
  }
  TRY(const Client client, Client::create(options.url, context.environment));
  TRY(const Page first, get_page(client, 0, 1));
  TreeHash tree;
  while (tree.size() < first.size) {
    TRY(const Page page, get_page(client, tree.size(), std::min(kPage, first.size - tree.size())));
    if (page.entries.empty()) {
      return fail(Code::kCorrupt, "the server says {} entries and gives only {}", first.size,
                  tree.size());
    }
    for (const Json& entry : page.entries) {
      TRY(const std::string text, check_entry(entry, tree.size()));
      tree.add(text);
      TRY_VOID(check_noted(tree, noted));
    }
  }
  if (noted && noted->size > tree.size()) {
    return fail(Code::kCorrupt, "the ledger has {} entries, fewer than the {} you noted",
                tree.size(), noted->size);
  }
  const std::string root = tree.root().hex();
  if (root != first.root) {
    return fail(Code::kCorrupt, "the entries hash to {}, but the server says {}", root, first.root);
  }
  if (options.json) {
    print(to_pretty_text(Json::object({{"size", tree.size()}, {"root", root}})) + "\n");
    return kDone;
  }
  print(
      fmt::format("{} {} entries: every hash was recomputed here and agrees\n"
                  "Note this and ask again later with --root: the ledger must still contain it\n\n"
                  "  {}:{}\n",
                  context.style.paint(Ink::kGreen, "good:"), tree.size(), tree.size(), root));
  return kDone;
}

}  // namespace keyturn::cli
