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
  // out. A case that has none is not compared.
  std::string validation_folder;
  // Called after each case with the number done.
  std::function<void(std::size_t)> progress;
};

struct Disagreement {
  std::string id;  // the case
  // `request 3`, `shouldValidate`, `permissive`; `case` when it is malformed, `file` when it is
  // no JSON that can be read.
  std::string where;
  std::string expected;
  std::string actual;
};

struct CorpusReport {
  std::size_t cases = 0;
  std::size_t requests = 0;
  std::size_t companions = 0;  // files of the validation folder that were compared
  std::size_t verdicts = 0;    // in them: of the policies in both modes, of entities and requests
  std::size_t unreadable =
      0;                      // *.json that may be cases: they disagree, but are not counted as one
  std::size_t disagreed = 0;  // all of them
  std::vector<Disagreement> disagreements;  // the first 10,000
};

// A case that is malformed, or whose files are missing, disagrees and the run goes on; so does what
// cannot be read. kNotFound when a folder is missing, has no case, or has no verdict for any case.
Result<CorpusReport> run_corpus(const std::string& folder, const CorpusOptions& options);

// A whole file. kNotFound, kExhausted over 8 MiB.
Result<std::string> read_corpus_file(const std::string& path);

}  // namespace keyturn::cedar
