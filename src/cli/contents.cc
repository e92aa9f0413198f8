// `keyturn ledger contents` and `erase`: what is kept beside an entry.
#include "cli/cli.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

std::vector<std::string> indices_of(const Json::Array& entries) {
  std::vector<std::string> indices;
  for (const Json& entry : entries) indices.push_back(safe(&entry));
  return indices;
}

}  // namespace

Result<int> show_contents(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  TRY(const Json answer, client.get(fmt::format("/v1/ledger/{}/contents", options.index)));
  if (options.json) {
    print(to_pretty_text(answer) + "\n");
    return kDone;
  }
  const Json* contents = answer.find("contents");
  if (contents == nullptr || contents->if_array() == nullptr) {
    return fail(Code::kCorrupt, "the server's answer has no `contents`");
  }
  if (contents->if_array()->empty()) {
    print(fmt::format("nothing is kept beside entry {}\n", options.index));
    return kDone;
  }
  for (const Json& content : *contents->if_array()) {
    TRY(const std::string text, content.get_string("text"));
    TRY(const Json value, parse_strict(text));
    print(fmt::format("{}\n{}\n", safe(content, "digest"), safe_lines(to_pretty_text(value), 2)));
  }
  return kDone;
}

Result<int> erase_contents(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  TRY(const Json answer, client.send("POST", fmt::format("/v1/ledger/{}/erasure", options.index),
                                     Json::object({{"why", options.words}})));
  if (options.json) {
    print(to_pretty_text(answer) + "\n");
    return kDone;
  }
  const Json* entries = answer.find("entries");
  if (entries == nullptr || entries->if_array() == nullptr) {
    return fail(Code::kCorrupt, "the server's answer has no `entries`");
  }
  print(fmt::format("erased beside {}; the log keeps the digest\n",
                    fmt::join(indices_of(*entries->if_array()), ", ")));
  if (const Json* more = answer.find("more"); more != nullptr && *more == Json(true)) {
    print(fmt::format("others keep the same: run this again, with one of them\n"));
  }
  return kDone;
}

}  // namespace keyturn::cli
