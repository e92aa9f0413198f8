// `keyturn ledger replay`: past verdicts, computed again here from the entries the server gives.
// Every entry is read and hashed, so that none can be left out or altered unseen.
#include "gate/replay.h"

#include "app/policies.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/proof.h"
#include "crypto/crypto.h"

namespace keyturn::cli {
namespace {

constexpr std::uint64_t kPage = 500;   // the API's most
constexpr std::size_t kPacksMax = 64;  // remembered; an installation has had a handful
constexpr std::string_view kApproval = "approval";

std::string shown(const gate::Verdict& verdict) {
  std::string text(to_string(verdict.kind));
  if (verdict.kind == VerdictKind::kHold) {
    text += fmt::format(" ({} {}{})", verdict.approvals_needed, kApproval,
                        verdict.approvals_needed == 1 ? "" : "s");
  }
  if (!verdict.policies.empty()) {
    text += fmt::format(" by {}",
                        printable(fmt::format("{}", fmt::join(verdict.policies, ", ")), 1'000));
  }
  return text;
}

Json to_json(const gate::Verdict& verdict) {
  Json policies{Json::Array()};
  for (const std::string& name : verdict.policies) policies.push_back(name);
  return Json::object({{"verdict", to_string(verdict.kind)},
                       {"approvals_needed", verdict.approvals_needed},
                       {"policies", std::move(policies)}});
}

class Replay {
 public:
  // Without `others`, each decision is asked of the policies it was made by.
  Replay(const Context& context, const Client& client, std::shared_ptr<const gate::Policies> others)
      : context_(context), client_(client), others_(std::move(others)) {}

  Result<void> add(std::uint64_t index, std::string_view text) {
    TRY(const Json entry, parse_strict(text));
    if (entry.string_or("kind", "") != "action.decided") return {};
    const Json* body = entry.find("body");
    if (body == nullptr) return fail(Code::kCorrupt, "entry {} has no body", index);
    ++decisions_;
    const auto past = gate::PastDecision::read(
        *body, [&](const Digest& digest) { return fetch_content(index, digest); });
    if (!past && past.error().code == Code::kNotFound) {
      ++erased_;
      return {};
    }
    TRY_VOID(keyturn::context(past, fmt::format("entry {}", index)));
    TRY(const auto policies, keyturn::context(policies_of(*past), fmt::format("entry {}", index)));
    compare(index, *past, past->recompute(policies.get()));
    return {};
  }

  int finish() const {
    if (context_.options.json) {
      print(to_text(Json::object(
                {{"decisions", decisions_}, {"differ", differ_}, {"erased", erased_}})) +
            "\n");
    } else {
      print(fmt::format("{} decisions, {} differ\n", decisions_, differ_));
      if (erased_ > 0) {
        print(fmt::format("{} could not be computed: their content was erased\n", erased_));
      }
    }
    return differ_ > 0 && others_ == nullptr ? kFailed : kDone;
  }

 private:
  Result<std::string> fetch_content(std::uint64_t index, const Digest& digest) const {
    TRY(const Json answer, client_.get(fmt::format("/v1/ledger/{}/contents", index)));
    const Json* contents = answer.find("contents");
    if (contents == nullptr || contents->if_array() == nullptr) {
      return fail(Code::kCorrupt, "the server's answer has no `contents`");
    }
    for (const Json& content : *contents->if_array()) {
      if (content.string_or("digest", "") == digest.hex()) return content.get_string("text");
    }
    return fail(Code::kNotFound, "it was erased");
  }

  Result<std::string> fetch_pack(const Digest& digest) const {
    TRY(const Json answer, client_.get("/v1/kept/" + digest.hex()));
    return answer.get_string("text");
  }

  Result<std::shared_ptr<const gate::Policies>> policies_of(const gate::PastDecision& past) {
    const Digest& digest = past.policy_digest();
    if (others_ != nullptr || digest == Digest()) return others_;
    if (const auto found = packs_.find(digest); found != packs_.end()) return found->second;
    TRY(const std::string text,
        keyturn::context(fetch_pack(digest), fmt::format("the policies {}", digest.hex())));
    if (crypto::sha256(text) != digest) {
      return fail(Code::kCorrupt, "the server gives other policies than those of digest {}",
                  digest.hex());
    }
    TRY(auto pack, gate::read_pack(text));
    if (packs_.size() >= kPacksMax) packs_.clear();
    packs_.emplace(digest, pack);
    return pack;
  }

  void compare(std::uint64_t index, const gate::PastDecision& past, const gate::Verdict& again) {
    const gate::Verdict& was = past.verdict();
    const bool same = others_ == nullptr ? again == was
                                         : again.kind == was.kind &&
                                               again.approvals_needed == was.approvals_needed;
    if (same) return;
    ++differ_;
    if (context_.options.json) {
      print(to_text(Json::object({{"index", index},
                                  {"action", summary(past.action())},
                                  {"was", to_json(was)},
                                  {"would_be", to_json(again)}})) +
            "\n");
      return;
    }
    print(fmt::format("{}  {}  was {}; would be {}\n", index, summary(past.action()), shown(was),
                      shown(again)));
  }

  const Context& context_;
  const Client& client_;
  const std::shared_ptr<const gate::Policies> others_;
  std::map<Digest, std::shared_ptr<const gate::Policies>> packs_;
  std::uint64_t decisions_ = 0;
  std::uint64_t differ_ = 0;
  std::uint64_t erased_ = 0;
};

// That what was read from the beginning is what the server's head covers.
Result<void> check_root(const Json& answer, const TreeHash& tree) {
  const Json* head = answer.find("head");
  if (head == nullptr) return fail(Code::kCorrupt, "the server's answer has no `head`");
  TRY(const std::int64_t size, head->get_integer("size"));
  TRY(const std::string root, head->get_string("root"));
  if (size == static_cast<std::int64_t>(tree.size()) && root == tree.root().hex()) return {};
  return fail(Code::kCorrupt, "the {} entries do not hash to the server's root over {}",
              tree.size(), size);
}

}  // namespace

Result<int> replay_ledger(const Context& context) {
  const Options& options = context.options;
  std::shared_ptr<const gate::Policies> others;
  if (!options.policies.empty()) {
    TRY(others, app::load_policies(options.policies));
  }
  TRY(const Client client, Client::create(options.url, context.environment));
  Replay replay(context, client, std::move(others));
  TreeHash tree;
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
      if (options.from == 0) tree.add(text);
      TRY_VOID(replay.add(next, text));
      ++next;
    }
    if (!entries->if_array()->empty()) continue;
    if (options.to) return fail(Code::kNotFound, "the ledger ends before entry {}", next);
    if (options.from == 0) TRY_VOID(check_root(answer, tree));
    break;
  }
  return replay.finish();
}

}  // namespace keyturn::cli
