#include "gate/replay.h"

#include "crypto/crypto.h"
#include "gate/bodies.h"

namespace keyturn::gate {
namespace {

Result<const Json*> member(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value == nullptr) return fail(Code::kCorrupt, "the recorded decision lacks `{}`", key);
  return value;
}

Result<int> small_number(const Json& object, std::string_view key) {
  TRY(const Json* const value, member(object, key));
  const std::int64_t* number = value->if_integer();
  if (number == nullptr || *number < 0 || *number > 1'000'000) {
    return fail(Code::kCorrupt, "the recorded `{}` is no such number", key);
  }
  return static_cast<int>(*number);
}

Result<std::string> find_checked(const PastDecision::FindKept& find_kept, const Digest& digest) {
  TRY(std::string text, find_kept(digest));
  if (crypto::sha256(text) == digest) return text;
  return fail(Code::kCorrupt, "what is kept under {} is something else", digest.hex());
}

Result<Policies::File> read_file(const Json& recorded) {
  Policies::File file;
  TRY(file.name, recorded.get_string("name"));
  TRY(file.text, recorded.get_string("text"));
  return file;
}

}  // namespace

Result<std::shared_ptr<const Policies>> read_pack(std::string_view text) {
  TRY(const Json pack, parse_strict(text));
  TRY(const Json* const list, member(pack, "files"));
  TRY(const Json* const schema_of_pack, member(pack, "schema"));
  if (!list->is_array()) return fail(Code::kCorrupt, "the pack's `files` are no list");
  std::vector<Policies::File> files;
  for (const Json& item : *list->if_array()) {
    TRY(Policies::File file, read_file(item));
    files.push_back(std::move(file));
  }
  TRY(const Policies::File schema, read_file(*schema_of_pack));
  return Policies::load(files, schema);
}

Result<PastDecision> PastDecision::read(const Json& body, const FindKept& find_kept) {
  PastDecision past;
  TRY(const std::string kind, body.get_string("verdict"));
  TRY(past.verdict_.kind, parse_verdict(kind));
  TRY(past.verdict_.approvals_needed, small_number(body, "approvals_needed"));
  TRY(const Json* const policies, member(body, "policies"));
  if (!policies->is_array()) return fail(Code::kCorrupt, "the recorded `policies` are no list");
  for (const Json& name : *policies->if_array()) {
    if (!name.is_string()) return fail(Code::kCorrupt, "a recorded policy's name is no text");
    past.verdict_.policies.push_back(*name.if_string());
  }
  TRY(const std::string digest, body.get_string("policy_digest"));
  TRY(past.policy_digest_, Digest::from_hex(digest));
  TRY(past.cause_, body.get_string("cause"));
  TRY_VOID(parse_cause(past.cause_));
  TRY_VOID(past.read_facts(body));
  TRY_VOID(past.read_action_of(body, find_kept));
  return past;
}

Result<void> PastDecision::read_facts(const Json& body) {
  TRY(const Json* const facts, member(body, "facts"));
  TRY(std::string agent, facts->get_string("agent"));
  TRY(std::string owner, facts->get_string("owner"));
  facts_.agent = AgentId(std::move(agent));
  facts_.owner = PersonId(std::move(owner));
  TRY(facts_.purpose, facts->get_string("purpose"));
  TRY(facts_.approvals, small_number(*facts, "approvals"));
  TRY(reviewers_, small_number(*facts, "reviewers"));
  // Nobody was counted for what policies permit at once: it is not known how few there were.
  counted_ = verdict_.kind != VerdictKind::kAllow || facts_.approvals > 0;
  return {};
}

Result<void> PastDecision::read_action_of(const Json& body, const FindKept& find_kept) {
  TRY(const Json* const recorded, member(body, "action"));
  Json whole = *recorded;
  if (const Json* const resources = whole.find("resources"); resources && resources->is_object()) {
    TRY(const std::int64_t items, resources->get_integer("items"));
    countless_ = items > static_cast<std::int64_t>(kResourcesMax);
    whole.set("resources", Json(Json::Array()));
  }
  if (!countless_ && whole.find("beside") != nullptr) {
    TRY(const std::string hex, whole.get_string("beside"));
    TRY(const Digest digest, Digest::from_hex(hex));
    TRY(const std::string text, find_checked(find_kept, digest));
    TRY(whole, parse_strict(text));
  }
  TRY(action_, read_action(whole));
  return {};
}

Verdict PastDecision::recompute(const Policies* policies) const {
  Verdict verdict;
  if (cause_ == to_string(Cause::kSession) || policies == nullptr || countless_) return verdict;
  const auto judgement = judge(*policies, action_, facts_, counted_ ? reviewers_ : kApprovalsMax);
  if (!judgement) return verdict;
  verdict.kind = judgement->kind;
  if (verdict.kind != VerdictKind::kAllow && cause_ == to_string(Cause::kReview)) {
    verdict.kind = VerdictKind::kDeny;
    return verdict;
  }
  if (verdict.kind == VerdictKind::kHold && cause_ == to_string(Cause::kLimit)) {
    verdict.kind = VerdictKind::kDeny;
  }
  if (verdict.kind == VerdictKind::kHold) verdict.approvals_needed = judgement->approvals_needed;
  for (const std::string& name : judgement->reasons) {
    verdict.policies.push_back(recorded_policy(name));
  }
  return verdict;
}

}  // namespace keyturn::gate
