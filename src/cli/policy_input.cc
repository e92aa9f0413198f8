#include "cli/policy_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cedar/limits.h"
#include "cedar/request_json.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kFilesMax = 2'000;  // of all folders together; each is merged into the rest
// Of all policy files together. Parsed, a text takes about ten times its size.
constexpr std::size_t kPolicyBytesMax = 8 * cedar::kTextBytesMax;

Result<std::string> read_stream(std::istream& stream, const std::string& name) {
  std::string text;
  std::array<char, 65'536> buffer;
  while (stream.read(buffer.data(), buffer.size()) || stream.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > cedar::kTextBytesMax) TRY_VOID(context(cedar::check_text(text), name));
  }
  if (stream.bad())
    return fail(Code::kUnavailable, "read `{}`: it cannot be read to its end", name);
  return text;
}

Result<void> too_many_files() {
  return fail(Code::kExhausted, "more than {} policy files; give them in parts", kFilesMax);
}

Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".cedar") paths.push_back(entry->path().string());
    if (paths.size() > kFilesMax) TRY_VOID(context(too_many_files(), folder));
  }
  if (error) return fail(Code::kNotFound, "the folder `{}`: {}", folder, error.message());
  if (paths.empty()) return fail(Code::kNotFound, "the folder `{}` has no *.cedar file", folder);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string name_of(const cedar::PolicySet& set, const std::string& id) {
  for (const cedar::Annotation& annotation : set.annotations(id)) {
    if (annotation.key == "id" && !annotation.value.empty()) return annotation.value;
  }
  return id;
}

// Neighbours first: one after the other, the first policies would be copied for every file.
Result<cedar::PolicySet> merged(std::vector<cedar::PolicySet> sets) {
  while (sets.size() > 1) {
    std::vector<cedar::PolicySet> half;
    for (std::size_t i = 0; i + 1 < sets.size(); i += 2) {
      TRY(cedar::PolicySet both, sets[i].merged_with(sets[i + 1], ""));
      half.push_back(std::move(both));
    }
    if (sets.size() % 2 == 1) half.push_back(std::move(sets.back()));
    sets = std::move(half);
  }
  return sets.empty() ? cedar::PolicySet() : std::move(sets.front());
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
  if (path == "-") return read_stream(std::cin, path);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(Code::kInvalid, "read `{}`: it is a folder", path);
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return fail(Code::kNotFound, "read `{}`: it cannot be opened: {}", path,
                std::generic_category().message(errno));
  }
  return read_stream(stream, path);
}

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  return text[first] == '{' || text[first] == '[';
}

Result<std::vector<PolicyFile>> read_files(const std::vector<std::string>& paths) {
  std::vector<PolicyFile> files;
  std::size_t bytes = 0;
  if (paths.size() > kFilesMax) TRY_VOID(too_many_files());
  for (const std::string& path : paths) {
    TRY(std::string text, read_input(path));
    bytes += text.size();
    if (bytes > kPolicyBytesMax) {
      return fail(Code::kExhausted,
                  "the files up to `{}` have {} bytes, more than the limit of {} in all", path,
                  bytes, kPolicyBytesMax);
    }
    files.push_back({path, std::move(text)});
  }
  return files;
}

Result<std::vector<PolicyFile>> read_policy_files(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    std::vector<std::string> inner = {path};
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      TRY(inner, files_of(path));
    }
    all.insert(all.end(), inner.begin(), inner.end());
    if (all.size() > kFilesMax) TRY_VOID(too_many_files());
  }
  return read_files(all);
}

Result<NamedPolicies> NamedPolicies::parse(const PolicyFile& file) {
  NamedPolicies named;
  const bool from_json = is_json(file.text);
  if (from_json) {
    TRY(named.set_, context(cedar::parse_policies_json(file.text), file.name));
  } else {
    TRY(named.set_, context(cedar::PolicySet::parse(file.text), file.name));
  }
  std::map<std::string, std::string, std::less<>> ids;
  for (const auto& group : {named.set_.ids(), named.set_.template_ids()}) {
    for (const std::string& id : group) {
      const std::string name = from_json ? id : name_of(named.set_, id);
      const auto [other, added] = ids.emplace(name, id);
      if (!added) {
        return fail(Code::kInvalid,
                    "{}: the policies `{}` and `{}` both have the id `{}`; give one another @id",
                    file.name, other->second, id, name);
      }
      named.names_.emplace(id, name);
    }
  }
  return named;
}

Result<NamedPolicies> NamedPolicies::parse_all(const std::vector<PolicyFile>& files) {
  if (files.size() == 1) return parse(files.front());
  NamedPolicies all;
  std::map<std::string, std::string, std::less<>> owners;
  std::vector<cedar::PolicySet> sets;
  for (const PolicyFile& file : files) {
    TRY(const NamedPolicies one, parse(file));
    const std::string prefix = file.name + "#";
    TRY(cedar::PolicySet set, context(cedar::PolicySet().merged_with(one.set_, prefix), file.name));
    sets.push_back(std::move(set));
    for (const auto& [id, name] : one.names_) {
      const bool is_given = id != name;
      const std::string shown = is_given ? name : prefix + id;
      const auto [other, added] = owners.emplace(shown, file.name);
      if (!added) {
        return fail(Code::kInvalid, "{}: the policy id `{}` is taken in `{}`; give it another @id",
                    file.name, shown, other->second);
      }
      all.names_.emplace(prefix + id, shown);
    }
  }
  TRY(all.set_, merged(std::move(sets)));
  return all;
}

const std::string& NamedPolicies::name(std::string_view id) const {
  const auto found = names_.find(id);
  CHECK(found != names_.end());
  return found->second;
}

Result<cedar::Schema> parse_schema(std::string_view text) {
  return is_json(text) ? cedar::Schema::parse_json(text) : cedar::Schema::parse(text);
}

Result<cedar::Schema> read_schema(const std::string& path) {
  TRY(const std::string text, read_input(path));
  return context(parse_schema(text), path);
}

Result<cedar::Entities> read_entities(const std::string& path, const cedar::Schema* schema) {
  TRY(const std::string text, read_input(path));
  return context(cedar::Entities::parse_json(text, schema), path);
}

Result<cedar::PreparedRequest> read_request(const PolicyOptions& options,
                                            const cedar::Schema* schema) {
  if (!options.request.empty()) {
    TRY(const std::string text, read_input(options.request));
    return context(cedar::parse_request_json(text, schema), options.request);
  }
  if (options.principal.empty() || options.action.empty() || options.resource.empty()) {
    return fail(Code::kInvalid,
                "a request needs --principal, --action and --resource, or --request with a file");
  }
  cedar::Request request;
  TRY(request.principal, context(cedar::EntityUid::parse(options.principal), "--principal"));
  TRY(request.action, context(cedar::EntityUid::parse(options.action), "--action"));
  TRY(request.resource, context(cedar::EntityUid::parse(options.resource), "--resource"));
  if (options.context.empty()) {
    return context(cedar::PreparedRequest::make(request, schema), "the request");
  }
  TRY(const std::string text, read_input(options.context));
  return context(cedar::prepare_request(request, text, schema), options.context);
}

}  // namespace keyturn::cli
