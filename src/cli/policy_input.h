// What the policy commands are given: policies, schemas, entities and requests from files, in Cedar
// or JSON. Whether a text is JSON is told by its first character. Errors carry the file's name and
// the place in it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/cedar.h"
#include "cli/options.h"

namespace keyturn::cli {

// A whole file; `-` is standard input. kNotFound; kExhausted over 8 MiB.
Result<std::string> read_input(const std::string& path);
bool is_json(std::string_view text);

struct PolicyFile {
  std::string name;
  std::string text;
};
// kExhausted over 2,000 files or 64 MiB in all.
Result<std::vector<PolicyFile>> read_files(const std::vector<std::string>& paths);
// Files as they are given, folders as their *.cedar in name order. kNotFound for an empty folder.
Result<std::vector<PolicyFile>> read_policy_files(const std::vector<std::string>& paths);

// Policies with the ids that people know them by: the `@id` of a policy written in Cedar, or its
// id.
class NamedPolicies {
 public:
  // A policy set, or a single policy, in either syntax. kInvalid on parse errors and equal `@id`s.
  static Result<NamedPolicies> parse(const PolicyFile& file);
  // Of all files; ids carry the file's name when there are several. kInvalid on equal names.
  static Result<NamedPolicies> parse_all(const std::vector<PolicyFile>& files);

  const cedar::PolicySet& set() const { return set_; }
  const std::string& name(std::string_view id) const;

 private:
  cedar::PolicySet set_;
  std::map<std::string, std::string, std::less<>> names_;  // by id in set_
};

Result<cedar::Schema> parse_schema(std::string_view text);
Result<cedar::Schema> read_schema(const std::string& path);
Result<cedar::Entities> read_entities(const std::string& path, const cedar::Schema* schema);
// From --request, or from --principal, --action, --resource and --context.
Result<cedar::PreparedRequest> read_request(const PolicyOptions& options,
                                            const cedar::Schema* schema);

}  // namespace keyturn::cli
