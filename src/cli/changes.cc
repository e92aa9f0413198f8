#include "base/bytes.h"
#include "cli/change_view.h"
#include "cli/cli.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

std::string target_of(const Options& options) {
  return "/v1/changes/" + percent_encode(options.id);
}

}  // namespace

Result<int> list_changes(const Context& context) {
  const Options& options = context.options;
  TRY(const Client client, Client::create(options.url, context.environment));
  std::string target = fmt::format("/v1/changes?limit={}", options.limit == 0 ? 50 : options.limit);
  if (!options.state.empty()) target += "&state=" + options.state;
  TRY(const Json answer, client.get(target));
  const Json* changes = answer.find("changes");
  if (changes == nullptr || !changes->is_array()) {
    return fail(Code::kCorrupt, "the server's answer has no `changes`");
  }
  if (options.json) {
    print(to_pretty_text(*changes) + "\n");
    return kDone;
  }
  if (changes->if_array()->empty()) {
    print(options.state.empty() ? "Nothing has been held yet.\n"
                                : fmt::format("No change is {}.\n", options.state));
    return kDone;
  }
  print(change_table(*changes, context.style, context.clock.now()));
  return kDone;
}

Result<int> show_change(const Context& context) {
  TRY(const Client client, Client::create(context.options.url, context.environment));
  TRY(const Json change, client.get(target_of(context.options)));
  print(context.options.json ? to_pretty_text(change) + "\n"
                             : change_view(change, context.style, context.clock.now()));
  return kDone;
}

Result<int> give_review(const Context& context) {
  const Options& options = context.options;
  const bool approve = options.command == Command::kApprove;
  TRY(const Client client, Client::create(options.url, context.environment));
  TRY(const Json change, client.get(target_of(options)));
  // What is answered is what is shown: if the change differs by then, the server refuses.
  TRY(const std::string digest, change.get_string("digest"));
  Json body = Json::object({{"answer", approve ? "approve" : "reject"}, {"digest", digest}});
  if (!options.words.empty()) body.set("words", options.words);
  TRY(const Json answer, client.send("POST", target_of(options) + "/reviews", body));
  const Time now = context.clock.now();
  print(options.json ? to_pretty_text(answer) + "\n"
                     : change_view(change, context.style, now) + "\n" +
                           review_result(answer, context.style, now));
  return kDone;
}

}  // namespace keyturn::cli
