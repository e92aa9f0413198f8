// `keyturn policy format` and `keyturn policy translate`.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/bytes.h"
#include "cedar/format.h"
#include "cli/cli.h"
#include "cli/policy_commands.h"

namespace keyturn::cli {
namespace {

constexpr mode_t kModeBits = 07777;  // what chmod sets

Result<void> failed(std::string_view doing, const std::string& path) {
  return fail(Code::kUnavailable, "{} `{}`: {}", doing, path,
              std::generic_category().message(errno));
}

Result<void> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Written beside and renamed, so that a full disk leaves the old text; a link stays a link, and the
// file keeps its mode. The name beside is one that nobody has.
Result<void> replace_file(const std::string& given, const std::string& text) {
  std::error_code error;
  const std::string path = std::filesystem::canonical(given, error).string();
  if (error) return fail(Code::kNotFound, "replace `{}`: {}", given, error.message());
  struct stat known = {};
  if (::stat(path.c_str(), &known) != 0) return failed("replace", path);
  if (!S_ISREG(known.st_mode)) {
    return fail(Code::kInvalid, "replace `{}`: it is no regular file", given);
  }
  std::string beside = path + ".XXXXXX";
  const int file = ::mkstemp(beside.data());
  if (file < 0) return failed("write beside", path);
  Result<void> done = write_all(file, text, beside);
  if (done && ::fchmod(file, known.st_mode & kModeBits) != 0)
    done = failed("set the mode of", beside);
  if (done && ::fsync(file) != 0) done = failed("write", beside);
  ::close(file);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0) done = failed("replace", path);
  if (!done) ::unlink(beside.c_str());
  return done;
}

// In Cedar's text a policy is known by its position, or by its @id. A policy of a JSON set whose id
// is another gets it as @id; one that has a different @id cannot keep both.
Result<Json> with_ids(const Json& set) {
  Json result = set;
  std::size_t position = 0;
  for (const std::string_view group : {"staticPolicies", "templates"}) {
    Json noted = Json(Json::Object());
    for (const auto& [id, policy] : *set.find(group)->if_object()) {
      Json one = policy;
      Json notes = Json(Json::Object());
      if (const Json* given = policy.find("annotations")) notes = *given;
      const std::string name = notes.string_or("id", "");
      const bool is_positional = id == fmt::format("policy{}", position++);
      if (!is_positional && !name.empty() && name != id) {
        return fail(Code::kInvalid,
                    "the policy `{}` has the annotation @id `{}`, and Cedar's text has room for "
                    "one of them; make them the same, or take the annotation away",
                    id, name);
      }
      if (!is_positional && name.empty()) {
        notes.set("id", id);
        one.set("annotations", std::move(notes));
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
    TRY(set, cedar::parse_policies_json(text));
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
  TRY(const Json noted, with_ids(json));
  TRY(const cedar::PolicySet named, cedar::PolicySet::from_json(noted));
  TRY(std::string printed, cedar::format_policies(named.print()));
  // An @id may be the position of another policy.
  TRY_VOID(context(NamedPolicies::parse({"the translation", printed}), "the ids do not fit"));
  return printed;
}

}  // namespace

Result<Answer> format_policies(const Options& options) {
  struct Change {
    const std::string& path;
    std::string text;
  };
  Answer answer;
  std::vector<Change> changes;
  TRY(const std::vector<PolicyFile> files, read_files(options.files));
  // Nothing is written before every file is known to be good.
  for (const PolicyFile& file : files) {
    TRY(std::string formatted, context(cedar::format_policies(file.text), file.name));
    const bool is_changed = formatted != file.text;
    if (options.policy.check) {
      if (!is_changed) continue;
      answer.text += fmt::format("{}: not formatted\n", printable(file.name));
      answer.exit_code = kFailed;
    } else if (options.policy.write && file.name != "-") {
      if (is_changed) changes.push_back({file.name, std::move(formatted)});
    } else {
      answer.text += formatted;
    }
  }
  for (const Change& change : changes) {
    TRY_VOID(context(replace_file(change.path, change.text),
                     answer.text.empty() ? "no file was changed" : "not all files were changed"));
    answer.text += fmt::format("{}: formatted\n", printable(change.path));
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
