// Loading a policy pack: parse, name, validate, and ask it once about everything.
#include <algorithm>

#include "crypto/crypto.h"
#include "gate/gate.h"

namespace keyturn::gate {
namespace {

constexpr std::size_t kAdviceBytesMax = 500;  // of an error message that a model reads
constexpr std::size_t kNameBytesMax = 128;    // a name stands in every message and ledger entry

// Where `text` begins in a file, for people.
std::string place_in(const std::string& file, std::string_view whole, std::size_t offset) {
  const std::string_view before = whole.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return fmt::format("{}:{}:{}", file, line, column);
}

struct Loading {
  cedar::PolicySet set;
  std::map<std::string, std::string, std::less<>> names;
  std::map<std::string, std::string> places;  // of names taken
  std::map<std::string, std::string, std::less<>> advice;
};

std::string prefix_of(const std::string& file) { return file + "#"; }

Result<std::string> name_of(const cedar::PolicySet& set, const std::string& id,
                            const std::string& fallback) {
  for (const cedar::Annotation& annotation : set.annotations(id)) {
    if (annotation.key != "id") continue;
    if (annotation.value.empty() || annotation.value.size() > kNameBytesMax ||
        printable(annotation.value) != annotation.value) {
      return fail(Code::kInvalid, "the @id `{}` must be 1 to {} printable bytes",
                  printable(annotation.value, 64), kNameBytesMax);
    }
    return annotation.value;
  }
  return fallback;
}

Result<void> add_file(Loading& loading, const Policies::File& file, const cedar::Schema& schema) {
  TRY(const cedar::PolicySet set, context(cedar::PolicySet::parse(file.text), file.name));
  if (!set.template_ids().empty()) {
    const std::string text = set.text(set.template_ids().front()).value_or("");
    return fail(Code::kInvalid,
                "{}: this is a template, which nothing links; write it without slots",
                place_in(file.name, file.text, std::min(file.text.find(text), file.text.size())));
  }
  std::map<std::string, std::string> places;
  std::size_t from = 0;
  std::size_t position = 0;
  for (const std::string& id : set.ids()) {
    const std::string text = set.text(id).value_or("");
    const std::size_t found = std::min(file.text.find(text, from), file.text.size());
    const std::string place = place_in(file.name, file.text, found);
    from = std::min(found + text.size(), file.text.size());
    TRY(const std::string name,
        context(name_of(set, id, fmt::format("{}#{}", file.name, position++)), place));
    const auto [other, added] = loading.places.emplace(name, place);
    if (!added) {
      return fail(Code::kInvalid, "{}: the policy id `{}` is taken at {}; give it another @id",
                  place, name, other->second);
    }
    loading.names.emplace(prefix_of(file.name) + id, name);
    for (const cedar::Annotation& annotation : set.annotations(id)) {
      if (annotation.key != "advice") continue;
      loading.advice.emplace(name, printable(annotation.value, kAdviceBytesMax));
    }
    places.emplace(id, place);
  }
  const auto checked = cedar::validate(set, schema, cedar::ValidationMode::kStrict);
  if (!checked.errors.empty()) {
    const cedar::Diagnostic& first = checked.errors.front();
    return fail(Code::kInvalid, "{}: policy `{}` does not fit the schema: {}{}{}",
                places[first.policy], loading.names[prefix_of(file.name) + first.policy],
                first.message, first.help.empty() ? "" : "\n  help: ", first.help);
  }
  TRY(loading.set, context(loading.set.merged_with(set, prefix_of(file.name)), file.name));
  return {};
}

Json to_json(const Policies::File& file) {
  return Json::object({{"name", file.name}, {"text", file.text}});
}

// The pack as it is kept under its digest, so that any past verdict can be recomputed.
std::string text_of(const std::vector<Policies::File>& files, const Policies::File& schema) {
  Json list(Json::Array{});
  for (const Policies::File& file : files) list.push_back(to_json(file));
  return to_canonical(
      Json::object({{"files", std::move(list)}, {"schema", to_json(schema)}, {"v", 1}}));
}

// A schema that cannot hold what the gate asks would deny everything, one request at a time: say so
// at once.
Result<void> probe(const Policies& policies) {
  Facts facts{AgentId("probe"), PersonId("probe"), "probe", 0};
  for (const Effect effect :
       {Effect::kObserve, Effect::kReveal, Effect::kChange, Effect::kDestroy, Effect::kGrant}) {
    Action action;
    action.effect = effect;
    action.understood = true;
    Resource resource;
    resource.environment = "probe";
    resource.tags.emplace("probe", "probe");
    action.resources = {resource};
    action.attributes = Json::object({{"credential_exit", true},
                                      {"dry_run", true},
                                      {"recreate", Json(Json::Array{})},
                                      {"reversible", true},
                                      {"sets_role", true}});
    TRY_VOID(evaluate(policies, action, facts));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Policies>> Policies::load(const std::vector<File>& files,
                                                       const File& schema) {
  TRY(cedar::Schema parsed, context(cedar::Schema::parse(schema.text), schema.name));
  std::vector<File> sorted = files;
  const auto by_name = [](const File& a, const File& b) { return a.name < b.name; };
  std::sort(sorted.begin(), sorted.end(), by_name);
  Loading loading;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i - 1].name == sorted[i].name) {
      return fail(Code::kInvalid, "the policy file `{}` is given twice", sorted[i].name);
    }
    if (!is_valid_utf8(sorted[i].name)) {
      return fail(Code::kInvalid, "the policy file's name `{}` is not UTF-8",
                  printable(sorted[i].name, 64));
    }
    TRY_VOID(add_file(loading, sorted[i], parsed));
  }
  const std::shared_ptr<const Policies> policies = std::make_shared<const Policies>(
      Policies(text_of(sorted, schema), std::move(loading.set), std::move(parsed),
               std::move(loading.names), std::move(loading.advice)));
  TRY_VOID(context(probe(*policies),
                   fmt::format("{}: the schema does not fit what the gate asks", schema.name)));
  return policies;
}

Policies::Policies(std::string text, cedar::PolicySet set, cedar::Schema schema, Names names,
                   Names advice)
    : digest_(crypto::sha256(text)),
      text_(std::move(text)),
      set_(std::move(set)),
      schema_(std::move(schema)),
      names_(std::move(names)),
      advice_(std::move(advice)) {}

bool Policies::is_empty() const { return set_.ids().empty(); }

std::string_view Policies::advice(std::string_view name) const {
  const auto found = advice_.find(name);
  return found == advice_.end() ? std::string_view() : std::string_view(found->second);
}

const std::string& Policies::name(std::string_view id) const {
  const auto found = names_.find(id);
  CHECK(found != names_.end());
  return found->second;
}

}  // namespace keyturn::gate
