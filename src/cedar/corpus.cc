#include "cedar/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/json_place.h"
#include "cedar/cedar.h"
#include "cedar/limits.h"
#include "cedar/request.h"

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

Result<const Json*> member(const Json& json, std::string_view key, JsonFault& fault) {
  const Json* found = json.find(key);
  if (found != nullptr) return found;
  fault.note(json);
  return fail(Code::kInvalid, "the member `{}` is missing", key);
}

Result<EntityUid> read_uid(const Json& json, std::string_view key, JsonFault& fault) {
  TRY(const Json* uid, member(json, key, fault));
  const std::string where = fmt::format("`{}`", key);
  TRY(std::string type, fault.at_member(*uid, "type", context(uid->get_string("type"), where)));
  TRY(std::string id, fault.at_member(*uid, "id", context(uid->get_string("id"), where)));
  return EntityUid{std::move(type), std::move(id)};
}

Result<std::set<std::string>> read_ids(const Json& json, std::string_view key, JsonFault& fault) {
  TRY(const Json* list, member(json, key, fault));
  std::set<std::string> ids;
  const Json::Array* items = list->if_array();
  const auto refused = [&](const Json& at) {
    fault.note(at);
    return fail(Code::kInvalid, "the member `{}` must be an array of strings", key);
  };
  if (items == nullptr) return refused(*list);
  for (const Json& id : *items) {
    if (!id.is_string()) return refused(id);
    ids.insert(*id.if_string());
  }
  return ids;
}

struct Expected {
  Request request;
  RequestParts parts;
  RequestCheck check = RequestCheck::kFull;
  std::string answer;
};

std::string answer_text(std::string_view decision, const std::set<std::string>& reasons,
                        const std::set<std::string>& errors) {
  return fmt::format("{} [{}] errors [{}]", decision, fmt::join(reasons, " "),
                     fmt::join(errors, " "));
}

// A request as the corpus has it. What an expectation lacks would agree with anything.
Result<Expected> read_expected(const Json& json, JsonFault& fault) {
  if (!json.is_object()) {
    fault.note(json);
    return fail(Code::kInvalid, "a request must be an object");
  }
  Expected expected;
  TRY(expected.request.principal, read_uid(json, "principal", fault));
  TRY(expected.request.action, read_uid(json, "action", fault));
  TRY(expected.request.resource, read_uid(json, "resource", fault));
  expected.parts = {json.find("principal"), json.find("action"), json.find("resource"),
                    json.find("context")};
  if (json.find("validateRequest") != nullptr) {
    TRY(const bool is_checked,
        fault.at_member(json, "validateRequest", json.get_bool("validateRequest")));
    expected.check = is_checked ? RequestCheck::kFull : RequestCheck::kContextOnly;
  }
  TRY(const std::string decision, fault.at_member(json, "decision", json.get_string("decision")));
  if (decision != "allow" && decision != "deny") {
    fault.note(*json.find("decision"));
    return fail(Code::kInvalid, "`decision` is `{}`, expected `allow` or `deny`",
                printable(decision, 64));
  }
  TRY(const std::set<std::string> reasons, read_ids(json, "reason", fault));
  TRY(const std::set<std::string> errors, read_ids(json, "errors", fault));
  expected.answer = answer_text(decision, reasons, errors);
  return expected;
}

// A JSON file and what of it is at fault.
struct Document {
  std::string text;
  Json json;
  JsonFault fault = {};

  static Result<Document> read(const std::string& path) {
    TRY(std::string text, read_corpus_file(path));
    TRY(Json json, parse_strict(text, kValueJsonLimits));
    return Document{std::move(text), std::move(json)};
  }
  // The error with the place of the fault, which is forgotten.
  Error placed(const Error& error) { return std::exchange(fault, {}).placed(error, json, text); }
  template <class T>
  Result<T> placed(Result<T> result) {
    if (result) return result;
    return fail(placed(result.error()));
  }
};

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
  Result<void> compare_all();
  void compare(const ValidationResult& result, bool expected, std::string where);
  Result<void> check_companion(const Inputs& inputs, const Json& requests);
  Result<void> check_verdicts(Document& companion, const Inputs& inputs, const Json& requests);
  Result<void> check_entity_verdicts(const Json& verdicts, JsonFault& fault);
  Result<void> check_request_verdicts(const Json& verdicts, JsonFault& fault, const Inputs& inputs,
                                      const Json& requests);
  Result<void> check_policy_verdicts(const Json& verdicts, JsonFault& fault, const Inputs& inputs);
  Result<void> check_request(const Inputs& inputs, const Json& json, const std::string& where);
  void note(std::string where, std::string expected, std::string actual);
  void malformed(const Error& error) {
    note("case", "a case in the corpus layout",
         fmt::format("{}: {}", file_.filename().string(), case_.placed(error).message));
  }

  const CorpusOptions& options_;
  const fs::path root_;
  const fs::path file_;
  CorpusReport& report_;
  Document case_;
};

void Case::note(std::string where, std::string expected, std::string actual) {
  ++report_.disagreed;
  if (report_.disagreements.size() >= kDisagreementsMax) return;
  report_.disagreements.push_back({file_.stem().string(), std::move(where),
                                   shortened(std::move(expected), kShownBytesMax),
                                   shortened(std::move(actual), kShownBytesMax)});
}

Result<void> Case::read() {
  Result<Document> read = Document::read(file_.string());
  if (!read) {
    // Whether it is a case cannot be told, and what cannot be told does not agree.
    ++report_.unreadable;
    note("file", "a JSON file that can be read", read.error().message);
    return {};
  }
  case_ = std::move(*read);
  // Folders of handwritten cases hold entities and schemas under such names too.
  if (case_.json.find("policies") == nullptr && case_.json.find("requests") == nullptr) return {};
  ++report_.cases;
  return compare_all();
}

Result<void> Case::compare_all() {
  const Json& json = case_.json;
  JsonFault& fault = case_.fault;
  const auto text_of = [&](std::string_view key) {
    return fault.at_member(json, key, read_member(root_, file_, json, key));
  };
  TRY(const std::string policy_text, text_of("policies"));
  TRY(const std::string schema_text, text_of("schema"));
  TRY(const std::string entity_text, text_of("entities"));
  const Json* requests = json.find("requests");
  if (requests == nullptr || !requests->is_array()) {
    fault.note(requests == nullptr ? json : *requests);
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
  TRY(const bool is_valid,
      fault.at_member(json, "shouldValidate", json.get_bool("shouldValidate")));
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
  TRY(Document companion, context(Document::read(path.string()), name));
  ++report_.companions;
  return context(companion.placed(check_verdicts(companion, inputs, requests)), name);
}

Result<void> Case::check_verdicts(Document& companion, const Inputs& inputs, const Json& requests) {
  JsonFault& fault = companion.fault;
  TRY(const Json* policies, member(companion.json, "policyValidation", fault));
  TRY_VOID(check_policy_verdicts(*policies, fault, inputs));
  if (const Json* entities = companion.json.find("entityValidation")) {
    TRY_VOID(check_entity_verdicts(*entities, fault));
  }
  if (const Json* list = companion.json.find("requestValidation")) {
    TRY_VOID(check_request_verdicts(*list, fault, inputs, requests));
  }
  return {};
}

Result<void> Case::check_policy_verdicts(const Json& verdicts, JsonFault& fault,
                                         const Inputs& inputs) {
  const auto verdict = [&](std::string_view key) {
    return fault.at_member(verdicts, key, verdicts.get_bool(key));
  };
  TRY(const bool is_strict, verdict("strict"));
  TRY(const bool is_permissive, verdict("permissive"));
  report_.verdicts += 2;
  compare(validate(inputs.policies, inputs.schema, ValidationMode::kStrict), is_strict, "strict");
  compare(validate(inputs.policies, inputs.schema, ValidationMode::kPermissive), is_permissive,
          "permissive");
  return {};
}

// Of each entity an object that names errors where there are some. It is checked when the entities
// have been read by the schema, so that they are all valid here.
Result<void> Case::check_entity_verdicts(const Json& verdicts, JsonFault& fault) {
  const Json* each = verdicts.find("perEntity");
  if (each == nullptr || !each->is_object()) {
    fault.note(each == nullptr ? verdicts : *each);
    return fail(Code::kInvalid, "`perEntity` of `entityValidation` must be an object");
  }
  for (const auto& [id, verdict] : *each->if_object()) {
    if (!verdict.is_object()) {
      fault.note(verdict);
      return fail(Code::kInvalid, "`perEntity` of `entityValidation` must be an object of objects");
    }
    ++report_.verdicts;
    const std::string where = "entity " + id;
    if (verdict.if_object()->empty()) continue;
    note(where, "invalid: " + to_text(verdict), "valid");
  }
  return {};
}

Result<void> Case::check_request_verdicts(const Json& verdicts, JsonFault& fault,
                                          const Inputs& inputs, const Json& requests) {
  const Json::Array* list = verdicts.if_array();
  if (list == nullptr || list->size() != requests.if_array()->size()) {
    fault.note(verdicts);
    return fail(Code::kInvalid, "`requestValidation` must be an array of as many as `requests`");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("request {}", i);
    // That a request is malformed is told where it is asked.
    JsonFault unused;
    const Result<Expected> expected = read_expected((*requests.if_array())[i], unused);
    if (!expected) continue;
    const Result<PreparedRequest> prepared =
        prepare(expected->request, expected->parts, &inputs.schema, RequestCheck::kFull, unused);
    // A request fits or does not; there is no permissive way of fitting.
    for (const char* mode : {"strict", "permissive"}) {
      TRY(const bool is_valid,
          fault.at_member((*list)[i], mode, context((*list)[i].get_bool(mode), where)));
      ++report_.verdicts;
      if (prepared.has_value() == is_valid) continue;
      note(fmt::format("{}, {}", where, mode), is_valid ? "valid" : "invalid",
           prepared ? "valid" : prepared.error().message);
    }
  }
  return {};
}

Result<void> Case::check_request(const Inputs& inputs, const Json& json, const std::string& where) {
  TRY(const Expected expected, read_expected(json, case_.fault));
  const Result<PreparedRequest> prepared =
      prepare(expected.request, expected.parts, &inputs.schema, expected.check, case_.fault);
  if (!prepared) {
    note(where, expected.answer, case_.placed(prepared.error()).message);
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
