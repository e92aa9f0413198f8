// What a gate decides by.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cedar/cedar.h"

namespace keyturn::gate {

// A policy pack: every *.cedar of a folder in name order, and its schema. Immutable; shared,
// because a decision keeps the pack it began with while another takes its place.
class Policies {
 public:
  struct File {
    std::string name;
    std::string text;
  };
  // kInvalid with file, line, column and help: parse errors, validation errors against the schema
  // (strict), equal ids, templates, a schema that does not fit what the gate asks. A policy's id is
  // its `@id` annotation, or file name and position.
  static Result<std::shared_ptr<const Policies>> load(const std::vector<File>& files,
                                                      const File& schema);
  // SHA-256 of text().
  const Digest& digest() const { return digest_; }
  // Names and contents of all files, as canonical JSON.
  const std::string& text() const { return text_; }
  const cedar::PolicySet& set() const { return set_; }
  bool is_empty() const;
  const cedar::Schema& schema() const { return schema_; }
  // The id that people know a policy of set() by.
  const std::string& name(std::string_view id) const;
  // What a policy's @advice says to whom it denies, by name(); empty when it says nothing.
  std::string_view advice(std::string_view name) const;
  std::size_t size() const { return names_.size(); }

 private:
  using Names = std::map<std::string, std::string, std::less<>>;  // by id in set_
  Policies(std::string text, cedar::PolicySet set, cedar::Schema schema, Names names, Names advice);
  Digest digest_;
  std::string text_;
  cedar::PolicySet set_;
  cedar::Schema schema_;
  Names names_;
  Names advice_;  // by name
};

}  // namespace keyturn::gate
