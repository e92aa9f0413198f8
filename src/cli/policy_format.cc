// `keyturn policy format` and `keyturn policy translate`.
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "cedar/format.h"
#include "cli/cli.h"
#include "cli/policy_commands.h"

namespace keyturn::cli {
namespace {

// Written beside and renamed, so that a full disk leaves the old text; a link stays a link.
Result<void> replace_file(const std::string& given, const std::string& text) {
  std::error_code error;
  const std::string path = std::filesystem::canonical(given, error).string();
  if (error) return fail(Code::kNotFound, "replace `{}`: {}", given, error.message());
  const std::string beside = path + ".new";
  const auto permissions = std::filesystem::status(path, error).permissions();
  {
    std::ofstream stream(beside, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    if (!stream) {
      std::filesystem::remove(beside, error);
      return fail(Code::kUnavailable, "write `{}`: it cannot be written", beside);
    }
  }
  if (!error) std::filesystem::permissions(beside, permissions, error);
  if (!error) std::filesystem::rename(beside, path, error);
  if (!error) return {};
  const std::string why = error.message();
  std::filesystem::remove(beside, error);
  return fail(Code::kUnavailable, "replace `{}`: {}", path, why);
}

// The id a policy of a JSON set is known by would be lost, since in Cedar ids are positions.
Json with_ids(const Json& set) {
  Json result = set;
  for (const std::string_view group : {"staticPolicies", "templates"}) {
    const Json* policies = set.find(group);
    if (policies == nullptr || !policies->is_object()) continue;
    Json noted = Json(Json::Object());
    std::size_t position = 0;
    for (const auto& [id, policy] : *policies->if_object()) {
      Json one = policy;
      const Json* notes = policy.find("annotations");
      const bool has_id = notes != nullptr && notes->find("id") != nullptr;
      if (!has_id && id != fmt::format("policy{}", position++)) {
        Json annotations = notes == nullptr ? Json(Json::Object()) : *notes;
        annotations.set("id", id);
        one.set("annotations", std::move(annotations));
      }
      noted.set(id, std::move(one));
    }
    result.set(group, std::move(noted));
  }
  return result;
}

Result<std::string> translate_schema(const std::string& text, bool to_json) {
  TRY(const cedar::Schema schema, parse_schema(text));
  if (to_json) return to_pretty_text(schema.json()) + "\n";
  return schema.text();
}

Result<std::string> translate_set(const std::string& text, bool to_json) {
  cedar::PolicySet set;
  if (is_json(text)) {
    TRY(set, parse_policy_json(text));
  } else {
    TRY(set, cedar::PolicySet::parse(text));
  }
  TRY(const Json json, set.json());
  if (to_json) return to_pretty_text(json) + "\n";
  const Json* links = json.find("templateLinks");
  if (links != nullptr && links->is_array() && !links->if_array()->empty()) {
    return fail(Code::kInvalid,
                "the set links templates, which Cedar's text cannot say; keep it as JSON");
  }
  if (!is_json(text)) return cedar::format_policies(set.print());
  TRY(const cedar::PolicySet named, cedar::PolicySet::from_json(with_ids(json)));
  return cedar::format_policies(named.print());
}

}  // namespace

Result<Answer> format_policies(const Options& options) {
  Answer answer;
  for (const std::string& path : options.files) {
    TRY(const std::string text, read_input(path));
    TRY(const std::string formatted, context(cedar::format_policies(text), path));
    const bool changes = formatted != text;
    if (options.policy.check) {
      if (!changes) continue;
      answer.text += fmt::format("{}: not formatted\n", printable(path));
      answer.exit_code = kFailed;
    } else if (options.policy.write && path != "-") {
      if (!changes) continue;
      TRY_VOID(replace_file(path, formatted));
      answer.text += fmt::format("{}: formatted\n", printable(path));
    } else {
      answer.text += formatted;
    }
  }
  return answer;
}

Result<Answer> translate_policies(const Options& options) {
  TRY(const std::string text, read_input(options.target));
  const bool to_json = options.policy.to == "json";
  TRY(std::string translated, context(options.policy.is_schema ? translate_schema(text, to_json)
                                                               : translate_set(text, to_json),
                                      options.target));
  if (!translated.ends_with('\n')) translated += '\n';
  return Answer{std::move(translated), kDone};
}

}  // namespace keyturn::cli
