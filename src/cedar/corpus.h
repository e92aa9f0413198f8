// Runs the engine over a folder in the layout of the public Cedar conformance corpus
// (github.com/cedar-policy/cedar-integration-tests): `<id>.json` names policies, entities and
// schema and lists requests with the expected answers. Handwritten cases in sub-folders have the
// same form.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace keyturn::cedar {

struct CorpusOptions {
  // A folder of `<id>.validation.json` with strict and permissive verdicts; empty to leave them
  // out.
  std::string validation_folder;
  // Called after each case with the number done.
  std::function<void(std::size_t)> progress;
};

struct Disagreement {
  std::string id;     // the case
  std::string where;  // `request 3`, `shouldValidate`, `permissive`
  std::string expected;
  std::string actual;
};

struct CorpusReport {
  std::size_t cases = 0;
  std::size_t requests = 0;
  std::vector<Disagreement> disagreements;
};

// kNotFound when the folder is missing or has no case; kInvalid when a case is malformed.
Result<CorpusReport> run_corpus(const std::string& folder, const CorpusOptions& options);

// A whole file. kNotFound, kExhausted over 64 MiB.
Result<std::string> read_corpus_file(const std::string& path);

}  // namespace keyturn::cedar
