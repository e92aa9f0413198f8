#include "cedar/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "cedar/cedar.h"
#include "cedar/limits.h"

namespace keyturn::cedar {
namespace {

namespace fs = std::filesystem;

// Four files a case; the public corpus has 7,843 cases. Bounds the list of names.
constexpr std::size_t kEntriesMax = 1'000'000;
// Kept with their texts; the others are only counted.
constexpr std::size_t kDisagreementsMax = 10'000;
// Each may repeat an answer with thousands of ids.
constexpr std::size_t kShownBytesMax = 4'096;

// Whether a file is there. Everything else about it, as a name that is too long or a folder that
// cannot be searched, is told by reading it.
bool is_missing(const fs::path& path) {
  std::error_code error;
  return fs::status(path, error).type() == fs::file_type::not_found;
}

// Members name files from the corpus's root; in the flat layout they lie beside the case.
Result<std::string> read_member(const fs::path& root, const fs::path& file, const Json& json,
                                std::string_view key) {
  TRY(const std::string name, json.get_string(key));
  const fs::path relative(name);
  if (relative.is_absolute() ||
      std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end()) {
    return fail(Code::kInvalid, "`{}` names `{}`, which is outside the corpus", key, name);
  }
  const fs::path from_root = root / relative;
  const fs::path path =
      is_missing(from_root) ? file.parent_path() / relative.filename() : from_root;
  return context(read_corpus_file(path.string()), fmt::format("`{}`", key));
}

Result<EntityUid> read_uid(const Json& json, std::string_view key) {
  const Json* uid = json.find(key);
  if (uid == nullptr) return fail(Code::kInvalid, "the member `{}` is missing", key);
  TRY(std::string type, context(uid->get_string("type"), fmt::format("`{}`", key)));
  TRY(std::string id, context(uid->get_string("id"), fmt::format("`{}`", key)));
  return EntityUid{std::move(type), std::move(id)};
}

Result<std::set<std::string>> read_ids(const Json& json, std::string_view key) {
  const Json* list = json.find(key);
  if (list == nullptr) return fail(Code::kInvalid, "the member `{}` is missing", key);
  std::set<std::string> ids;
  const Json::Array* items = list->if_array();
  const bool is_text =
      items != nullptr &&
      std::all_of(items->begin(), items->end(), [](const Json& id) { return id.is_string(); });
  if (!is_text) return fail(Code::kInvalid, "the member `{}` must be an array of strings", key);
  for (const Json& id : *items) ids.insert(*id.if_string());
  return ids;
}

struct Expected {
  Request request;
  RequestCheck check = RequestCheck::kFull;
  std::string answer;
};

std::string answer_text(std::string_view decision, const std::set<std::string>& reasons,
                        const std::set<std::string>& errors) {
  return fmt::format("{} [{}] errors [{}]", decision, fmt::join(reasons, " "),
                     fmt::join(errors, " "));
}

// A request as the corpus has it. What an expectation lacks would agree with anything.
Result<Expected> read_expected(const Json& json) {
  if (!json.is_object()) return fail(Code::kInvalid, "a request must be an object");
  Expected expected;
  TRY(expected.request.principal, read_uid(json, "principal"));
  TRY(expected.request.action, read_uid(json, "action"));
  TRY(expected.request.resource, read_uid(json, "resource"));
  if (const Json* context = json.find("context")) expected.request.context = *context;
  if (json.find("validateRequest") != nullptr) {
    TRY(const bool is_checked, json.get_bool("validateRequest"));
    expected.check = is_checked ? RequestCheck::kFull : RequestCheck::kContextOnly;
  }
  TRY(const std::string decision, json.get_string("decision"));
  if (decision != "allow" && decision != "deny") {
    return fail(Code::kInvalid, "`decision` is `{}`, expected `allow` or `deny`",
                printable(decision, 64));
  }
  TRY(const std::set<std::string> reasons, read_ids(json, "reason"));
  TRY(const std::set<std::string> errors, read_ids(json, "errors"));
  expected.answer = answer_text(decision, reasons, errors);
  return expected;
}

// What a case is run with, once its files are read.
struct Inputs {
  PolicySet policies;
  Schema schema;
  Entities entities;
};

class Case {
 public:
  Case(const CorpusOptions& options, fs::path root, fs::path file, CorpusReport& report)
      : options_(options), root_(std::move(root)), file_(std::move(file)), report_(report) {}

  void run() {
    if (Result<void> done = read(); !done) malformed(done.error());
  }

 private:
  Result<void> read();
  Result<void> compare_all(const Json& json);
  void compare(const ValidationResult& result, bool expected, std::string where);
  Result<void> check_companion(const Inputs& inputs, const Json& requests);
  Result<void> check_entity_verdicts(const Json& verdicts);
  Result<void> check_request_verdicts(const Json& verdicts, const Inputs& inputs,
                                      const Json& requests);
  Result<void> check_policy_verdicts(const Json& verdicts, const Inputs& inputs);
  Result<void> check_request(const Inputs& inputs, const Json& json, const std::string& where);
  void note(std::string where, std::string expected, std::string actual);
  void malformed(const Error& error) {
    note("case", "a case in the corpus layout",
         fmt::format("{}: {}", file_.filename().string(), error.message));
  }

  const CorpusOptions& options_;
  const fs::path root_;
  const fs::path file_;
  CorpusReport& report_;
};

void Case::note(std::string where, std::string expected, std::string actual) {
  ++report_.disagreed;
  if (report_.disagreements.size() >= kDisagreementsMax) return;
  report_.disagreements.push_back({file_.stem().string(), std::move(where),
                                   shortened(std::move(expected), kShownBytesMax),
                                   shortened(std::move(actual), kShownBytesMax)});
}

Result<void> Case::read() {
  Result<std::string> text = read_corpus_file(file_.string());
  Result<Json> json = text ? parse_strict(*text, kValueJsonLimits) : fail(text.error());
  if (!json) {
    // Whether it is a case cannot be told, and what cannot be told does not agree.
    ++report_.unreadable;
    note("file", "a JSON file that can be read", json.error().message);
    return {};
  }
  // Folders of handwritten cases hold entities and schemas under such names too.
  if (json->find("policies") == nullptr && json->find("requests") == nullptr) return {};
  ++report_.cases;
  return compare_all(*json);
}

Result<void> Case::compare_all(const Json& json) {
  TRY(const std::string policy_text, read_member(root_, file_, json, "policies"));
  TRY(const std::string schema_text, read_member(root_, file_, json, "schema"));
  TRY(const std::string entity_text, read_member(root_, file_, json, "entities"));
  const Json* requests = json.find("requests");
  if (requests == nullptr || !requests->is_array()) {
    return fail(Code::kInvalid, "the member `requests` must be an array");
  }
  const auto refused = [&](std::string_view part, const Error& error) {
    note(std::string(part), "parses", error.message);
    return Result<void>();
  };
  Result<PolicySet> policies = PolicySet::parse(policy_text);
  if (!policies) return refused("policies", policies.error());
  Result<Schema> schema = Schema::parse(schema_text);
  if (!schema) return refused("schema", schema.error());
  TRY(const bool is_valid, json.get_bool("shouldValidate"));
  const ValidationResult strict = validate(*policies, *schema, ValidationMode::kStrict);
  compare(strict, is_valid, "shouldValidate");
  Result<Entities> entities = Entities::parse_json(entity_text, &*schema);
  if (!entities) return refused("entities", entities.error());
  const Inputs inputs{std::move(*policies), std::move(*schema), std::move(*entities)};
  if (!options_.validation_folder.empty()) {
    if (Result<void> done = check_companion(inputs, *requests); !done) malformed(done.error());
  }
  for (std::size_t i = 0; i < requests->if_array()->size(); ++i) {
    ++report_.requests;
    const std::string where = fmt::format("request {}", i);
    const Result<void> done = check_request(inputs, (*requests->if_array())[i], where);
    if (!done) malformed(Error(done.error()).context(where));
  }
  return {};
}

void Case::compare(const ValidationResult& result, bool expected, std::string where) {
  if (result.errors.empty() == expected) return;
  note(std::move(where), expected ? "valid" : "invalid",
       expected ? result.errors.front().message : "valid");
}

Result<void> Case::check_companion(const Inputs& inputs, const Json& requests) {
  const std::string name = file_.stem().string() + ".validation.json";
  const fs::path path = fs::path(options_.validation_folder) / name;
  if (is_missing(path)) return {};
  TRY(const std::string text, read_corpus_file(path.string()));
  TRY(const Json companion, context(parse_strict(text, kValueJsonLimits), name));
  ++report_.companions;
  const Json* policies = companion.find("policyValidation");
  if (policies == nullptr) return fail(Code::kInvalid, "{} has no `policyValidation`", name);
  TRY_VOID(context(check_policy_verdicts(*policies, inputs), name));
  if (const Json* entities = companion.find("entityValidation")) {
    TRY_VOID(context(check_entity_verdicts(*entities), name));
  }
  if (const Json* list = companion.find("requestValidation")) {
    TRY_VOID(context(check_request_verdicts(*list, inputs, requests), name));
  }
  return {};
}

Result<void> Case::check_policy_verdicts(const Json& verdicts, const Inputs& inputs) {
  TRY(const bool is_strict, verdicts.get_bool("strict"));
  TRY(const bool is_permissive, verdicts.get_bool("permissive"));
  report_.verdicts += 2;
  compare(validate(inputs.policies, inputs.schema, ValidationMode::kStrict), is_strict, "strict");
  compare(validate(inputs.policies, inputs.schema, ValidationMode::kPermissive), is_permissive,
          "permissive");
  return {};
}

// Of each entity an object that names errors where there are some. It is checked when the entities
// have been read by the schema, so that they are all valid here.
Result<void> Case::check_entity_verdicts(const Json& verdicts) {
  const Json* each = verdicts.find("perEntity");
  if (each == nullptr || !each->is_object()) {
    return fail(Code::kInvalid, "`perEntity` of `entityValidation` must be an object");
  }
  for (const auto& [id, verdict] : *each->if_object()) {
    if (!verdict.is_object()) {
      return fail(Code::kInvalid, "`perEntity` of `entityValidation` must be an object of objects");
    }
    ++report_.verdicts;
    const std::string where = "entity " + id;
    if (verdict.if_object()->empty()) continue;
    note(where, "invalid: " + to_text(verdict), "valid");
  }
  return {};
}

Result<void> Case::check_request_verdicts(const Json& verdicts, const Inputs& inputs,
                                          const Json& requests) {
  const Json::Array* list = verdicts.if_array();
  if (list == nullptr || list->size() != requests.if_array()->size()) {
    return fail(Code::kInvalid, "`requestValidation` must be an array of as many as `requests`");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("request {}", i);
    TRY(const Expected expected, context(read_expected((*requests.if_array())[i]), where));
    const Result<PreparedRequest> prepared =
        PreparedRequest::make(expected.request, &inputs.schema, RequestCheck::kFull);
    // A request fits or does not; there is no permissive way of fitting.
    for (const char* mode : {"strict", "permissive"}) {
      TRY(const bool is_valid, context((*list)[i].get_bool(mode), where));
      ++report_.verdicts;
      if (prepared.has_value() == is_valid) continue;
      note(fmt::format("{}, {}", where, mode), is_valid ? "valid" : "invalid",
           prepared ? "valid" : prepared.error().message);
    }
  }
  return {};
}

Result<void> Case::check_request(const Inputs& inputs, const Json& json, const std::string& where) {
  TRY(const Expected expected, read_expected(json));
  const Result<PreparedRequest> prepared =
      PreparedRequest::make(expected.request, &inputs.schema, expected.check);
  if (!prepared) {
    note(where, expected.answer, prepared.error().message);
    return {};
  }
  const Response response = authorize(inputs.policies, inputs.entities, *prepared);
  std::set<std::string> errors;
  for (const Diagnostic& error : response.errors) errors.insert(error.policy);
  std::string actual = answer_text(response.decision == Decision::kAllow ? "allow" : "deny",
                                   {response.reasons.begin(), response.reasons.end()}, errors);
  if (actual != expected.answer) note(where, expected.answer, std::move(actual));
  return {};
}

Result<std::vector<fs::path>> find_files(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  std::size_t entries = 0;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (++entries > kEntriesMax) {
      return fail(Code::kExhausted, "`{}` has more than {} entries; split it", folder, kEntriesMax);
    }
    const std::string name = at->path().filename().string();
    if (name.ends_with(".json") && std::count(name.begin(), name.end(), '.') == 1) {
      files.push_back(at->path());
    }
  }
  if (error) {
    return fail(Code::kNotFound, "cannot read the folder `{}`, or one within: {}", folder,
                error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::string> read_corpus_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return fail(Code::kNotFound, "cannot read `{}`: {}", path, error.message());
  if (size > kTextBytesMax) {
    return fail(Code::kExhausted, "`{}` has {} bytes, more than the limit of {}", path, size,
                kTextBytesMax);
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) return fail(Code::kUnavailable, "cannot read `{}`", path);
  return text;
}

Result<CorpusReport> run_corpus(const std::string& folder, const CorpusOptions& options) {
  TRY(const std::vector<fs::path> files, find_files(folder));
  std::error_code error;
  if (!options.validation_folder.empty() && !fs::is_directory(options.validation_folder, error)) {
    return fail(Code::kNotFound, "cannot read the folder `{}`: {}", options.validation_folder,
                error ? error.message() : "it is no folder");
  }
  CorpusReport report;
  for (const fs::path& file : files) {
    Case(options, folder, file, report).run();
    if (options.progress) options.progress(report.cases);
  }
  if (report.cases == 0 && report.unreadable == 0) {
    return fail(Code::kNotFound, "`{}` has no corpus case", folder);
  }
  if (!options.validation_folder.empty() && report.companions == 0 && report.disagreed == 0) {
    return fail(Code::kNotFound, "`{}` has no `<id>.validation.json` for any case",
                options.validation_folder);
  }
  return report;
}

}  // namespace keyturn::cedar
