#include "cedar/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/json.h"
#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileBytesMax = 64U << 20U;

// Members name files from the corpus's root; in the flat layout they lie beside the case.
Result<std::string> read_member(const fs::path& root, const fs::path& file, const Json& json,
                                std::string_view key) {
  TRY(const std::string name, json.get_string(key));
  const fs::path beside = file.parent_path() / fs::path(name).filename();
  return read_corpus_file(fs::exists(root / name) ? (root / name).string() : beside.string());
}

Result<EntityUid> read_uid(const Json& json, std::string_view key) {
  const Json* uid = json.find(key);
  if (uid == nullptr) return fail(Code::kInvalid, "the request has no `{}`", key);
  TRY(std::string type, uid->get_string("type"));
  TRY(std::string id, uid->get_string("id"));
  return EntityUid{std::move(type), std::move(id)};
}

std::set<std::string> read_ids(const Json& json, std::string_view key) {
  std::set<std::string> ids;
  const Json* list = json.find(key);
  if (list == nullptr || !list->is_array()) return ids;
  for (const Json& id : *list->if_array()) {
    if (const std::string* text = id.if_string()) ids.insert(*text);
  }
  return ids;
}

std::string answer_text(std::string_view decision, const std::set<std::string>& reasons,
                        const std::set<std::string>& errors) {
  return fmt::format("{} [{}] errors [{}]", decision, fmt::join(reasons, " "),
                     fmt::join(errors, " "));
}

class Case {
 public:
  Case(const CorpusOptions& options, fs::path root, fs::path file, CorpusReport& report)
      : options_(options), root_(std::move(root)), file_(std::move(file)), report_(report) {}

  void run() {
    const Result<std::monostate> done = read();
    if (!done) static_cast<void>(note("case", "a case in the corpus layout", done.error().message));
  }

 private:
  Result<std::monostate> read() {
    TRY(const std::string text, read_corpus_file(file_.string()));
    const Result<Json> json = parse_strict(text);
    if (!json) {
      ++report_.cases;
      return fail(json.error());
    }
    // Folders of handwritten cases hold entities and schemas under such names too.
    if (json->find("policies") == nullptr && json->find("requests") == nullptr) {
      return std::monostate();
    }
    ++report_.cases;
    return compare_all(*json);
  }

  Result<std::monostate> compare_all(const Json& json) {
    TRY(const std::string policy_text, read_member(root_, file_, json, "policies"));
    TRY(const std::string schema_text, read_member(root_, file_, json, "schema"));
    TRY(const std::string entity_text, read_member(root_, file_, json, "entities"));
    const Json* requests = json.find("requests");
    if (requests == nullptr || !requests->is_array()) {
      return fail(Code::kInvalid, "`requests` is missing or no array");
    }
    const Result<PolicySet> policies = PolicySet::parse(policy_text);
    if (!policies) return note("policies", "parses", policies.error().message);
    const Result<Schema> schema = Schema::parse(schema_text);
    if (!schema) return note("schema", "parses", schema.error().message);
    TRY_VOID(check_validation(*policies, *schema, json));
    const Result<Entities> entities = Entities::parse_json(entity_text, &*schema);
    if (!entities) return note("entities", "parses", entities.error().message);
    for (std::size_t i = 0; i < requests->if_array()->size(); ++i) {
      TRY_VOID(check_request(*policies, *schema, *entities, (*requests->if_array())[i], i));
    }
    return std::monostate();
  }

  Result<std::monostate> note(std::string where, std::string expected, std::string actual) {
    report_.disagreements.push_back(
        {file_.stem().string(), std::move(where), std::move(expected), std::move(actual)});
    return std::monostate();
  }

  Result<std::monostate> compare(const ValidationResult& result, bool expected,
                                 const std::string& where) {
    if (result.errors.empty() == expected) return std::monostate();
    return note(where, expected ? "valid" : "invalid",
                expected ? result.errors.front().message : "valid");
  }

  Result<std::monostate> check_validation(const PolicySet& policies, const Schema& schema,
                                          const Json& json) {
    const ValidationResult strict = validate(policies, schema, ValidationMode::kStrict);
    if (json.find("shouldValidate") != nullptr) {
      TRY(const bool expected, json.get_bool("shouldValidate"));
      TRY_VOID(compare(strict, expected, "shouldValidate"));
    }
    if (options_.validation_folder.empty()) return std::monostate();
    const fs::path path =
        fs::path(options_.validation_folder) / (file_.stem().string() + ".validation.json");
    if (!fs::exists(path)) return std::monostate();
    ++report_.verdicts;
    TRY(const std::string text, read_corpus_file(path.string()));
    TRY(const Json verdicts, context(parse_strict(text), path.filename().string()));
    const Json* whole = verdicts.find("policyValidation");
    if (whole == nullptr) {
      return fail(Code::kInvalid, "`{}` has no `policyValidation`", path.filename().string());
    }
    TRY(const bool expected_strict, whole->get_bool("strict"));
    TRY(const bool expected_permissive, whole->get_bool("permissive"));
    TRY_VOID(compare(strict, expected_strict, "strict"));
    return compare(validate(policies, schema, ValidationMode::kPermissive), expected_permissive,
                   "permissive");
  }

  Result<std::monostate> check_request(const PolicySet& policies, const Schema& schema,
                                       const Entities& entities, const Json& json,
                                       std::size_t number) {
    ++report_.requests;
    const std::string where = fmt::format("request {}", number);
    Request request;
    TRY(request.principal, read_uid(json, "principal"));
    TRY(request.action, read_uid(json, "action"));
    TRY(request.resource, read_uid(json, "resource"));
    if (const Json* context = json.find("context")) request.context = *context;
    const Json* check = json.find("validateRequest");
    const bool is_checked = check == nullptr || check->if_bool() == nullptr || *check->if_bool();
    const Result<PreparedRequest> prepared = PreparedRequest::make(
        request, &schema, is_checked ? RequestCheck::kFull : RequestCheck::kContextOnly);
    TRY(const std::string decision, json.get_string("decision"));
    const std::string expected =
        answer_text(decision, read_ids(json, "reason"), read_ids(json, "errors"));
    if (!prepared) return note(where, expected, prepared.error().message);
    const Response response = authorize(policies, entities, *prepared);
    std::set<std::string> errors;
    for (const Diagnostic& error : response.errors) errors.insert(error.policy);
    const std::string actual =
        answer_text(response.decision == Decision::kAllow ? "allow" : "deny",
                    {response.reasons.begin(), response.reasons.end()}, errors);
    return actual == expected ? std::monostate() : note(where, expected, actual);
  }

  const CorpusOptions& options_;
  const fs::path root_;
  const fs::path file_;
  CorpusReport& report_;
};

}  // namespace

Result<std::string> read_corpus_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return fail(Code::kNotFound, "cannot read `{}`: {}", path, error.message());
  if (size > kFileBytesMax) {
    return fail(Code::kExhausted, "`{}` is larger than {} bytes", path, kFileBytesMax);
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) return fail(Code::kUnavailable, "cannot read `{}`", path);
  return text;
}

Result<CorpusReport> run_corpus(const std::string& folder, const CorpusOptions& options) {
  std::error_code error;
  std::vector<fs::path> files;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(".json") && std::count(name.begin(), name.end(), '.') == 1) {
      files.push_back(at->path());
    }
  }
  if (error) {
    return fail(Code::kNotFound, "cannot read the folder `{}`: {}", folder, error.message());
  }
  if (!options.validation_folder.empty() && !fs::is_directory(options.validation_folder, error)) {
    return fail(Code::kNotFound, "cannot read the folder `{}`", options.validation_folder);
  }
  std::sort(files.begin(), files.end());
  CorpusReport report;
  for (const fs::path& file : files) {
    Case(options, folder, file, report).run();
    if (options.progress) options.progress(report.cases);
  }
  if (report.cases == 0) return fail(Code::kNotFound, "`{}` has no corpus case", folder);
  if (!options.validation_folder.empty() && report.verdicts == 0) {
    return fail(Code::kNotFound, "`{}` has no `<id>.validation.json` for any case",
                options.validation_folder);
  }
  return report;
}

}  // namespace keyturn::cedar
