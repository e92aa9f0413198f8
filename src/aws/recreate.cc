// Whether a request makes again what an earlier one of its session destroyed.
#include <algorithm>
#include <array>

#include "aws/made.h"
#include "aws/template.h"

namespace keyturn::aws {
namespace {

// `Table` of `DeleteTable`.
std::string_view noun_of(std::string_view operation) {
  const std::size_t next = operation.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1);
  return next == operation.npos ? std::string_view() : operation.substr(next);
}

// Of a thing that was deleted a hundred times over, a reader needs no more.
constexpr std::size_t kRecreationsShownMax = 20;
constexpr std::size_t kArnBytesShown = 300;

bool starts_with_any(std::string_view text, std::span<const std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [text](std::string_view begin) { return text.starts_with(begin); });
}

// What is made, under one name: a change set of type CREATE makes its stack.
std::string_view thing_of(const Action& action) {
  const std::string_view noun = noun_of(action.operation);
  return action.service == "cloudformation" && noun == "ChangeSet" ? "Stack" : noun;
}

// Whose names differ by case and are one all the same.
bool folds_case(std::string_view service) {
  constexpr std::array<std::string_view, 5> kServices = {"rds", "docdb", "elasticache", "neptune",
                                                         "redshift"};
  return std::find(kServices.begin(), kServices.end(), service) != kServices.end();
}

// What upstream adds to the name of what it makes: the id in `stack/prod/51af3dc0`.
bool is_added_id(std::string_view rest) {
  return rest.starts_with('/') && rest.find_first_of(":/", 1) == rest.npos;
}

// Equal segment by segment; a star stands for what a request did not say.
bool may_be_one(std::string_view a, std::string_view b) {
  if (a == "*" || b == "*") return false;
  while (!a.empty() || !b.empty()) {
    const std::size_t left = a.find_first_of(":/");
    const std::size_t right = b.find_first_of(":/");
    const std::string_view mine = a.substr(0, left);
    const std::string_view other = b.substr(0, right);
    if (mine != other && mine != "*" && other != "*") return false;
    if (left == a.npos && right == b.npos) return true;
    if (left == a.npos) return is_added_id(b.substr(right));
    if (right == b.npos) return is_added_id(a.substr(left));
    if (a[left] != b[right]) return false;
    a.remove_prefix(left + 1);
    b.remove_prefix(right + 1);
  }
  return true;
}

struct Thing {
  std::string arn;
  std::string type;
  std::string kind;      // `Table`
  bool by_type = false;  // made by its type, in a template or by Cloud Control
};

// What a creation makes: its resources, and what its template or type names.
std::vector<Thing> things_of(const Action& creation) {
  std::vector<Thing> things;
  for (const Resource& resource : creation.resources) {
    things.push_back({resource.name, resource.type, std::string(thing_of(creation))});
  }
  const Json* makes = creation.attributes.find(kMakes);
  const auto* listed = makes == nullptr ? nullptr : makes->if_array();
  for (std::size_t i = 0; listed != nullptr && i < listed->size(); ++i) {
    const Json& one = (*listed)[i];
    things.push_back({one.string_or("arn", ""), "", one.string_or("kind", ""), true});
  }
  return things;
}

// A table may be deleted by its own operation and made again by a template, and so on round; what
// was done to a part of it (`DeleteTableReplica`) is not of its kind.
bool is_of_kind(const Destroyed& gone, const Action& creation, const Thing& thing) {
  constexpr std::array<std::string_view, 3> kMaking = {"Create", "Restore", "Import"};
  if (gone.service == "cloudcontrol") {
    return thing.by_type || starts_with_any(creation.operation, kMaking);
  }
  const std::string_view noun = noun_of(gone.operation);
  if (noun.empty() || !thing.kind.starts_with(noun)) return false;
  return thing.by_type || gone.service == creation.service;
}

}  // namespace

bool creates(const Action& action) {
  constexpr std::array<std::string_view, 9> kVerbs = {
      "Create", "Run", "Restore", "Put", "Launch", "Register", "Import", "Allocate", "Execute"};
  if (action.attributes.find(kMakes) != nullptr) return true;
  const std::string_view made = noun_of(action.operation);
  return starts_with_any(action.operation, kVerbs) && made != "Object" && made != "Item";
}

std::vector<Recreation> find_recreations(const Action& creation,
                                         const std::vector<Destroyed>& destroyed) {
  constexpr std::array<std::string_view, 6> kVerbs = {"Delete",  "Terminate",  "Remove",
                                                      "Release", "Deregister", "Destroy"};
  std::vector<Recreation> found;
  if (!creates(creation)) return found;
  const std::vector<Thing> things = things_of(creation);
  for (const Destroyed& gone : destroyed) {
    if (!starts_with_any(gone.operation, kVerbs)) continue;
    const bool folds = folds_case(gone.service) || folds_case(creation.service);
    const auto name_of = [folds](const std::string& arn) { return folds ? to_lower(arn) : arn; };
    for (const Thing& thing : things) {
      if (!is_of_kind(gone, creation, thing)) continue;
      if (!may_be_one(name_of(gone.resource), name_of(thing.arn))) continue;
      found.push_back({gone.resource, thing.arn, thing.type});
    }
  }
  return found;
}

std::vector<std::string> describe_recreations(const Action& creation,
                                              const std::vector<Destroyed>& destroyed) {
  std::vector<std::string> words;
  for (const Recreation& pair : find_recreations(creation, destroyed)) {
    if (words.size() == kRecreationsShownMax) break;
    words.push_back(fmt::format("{} was destroyed earlier in this session and is made again as {}",
                                printable(pair.destroyed, kArnBytesShown),
                                printable(pair.created, kArnBytesShown)));
  }
  return words;
}

}  // namespace keyturn::aws
