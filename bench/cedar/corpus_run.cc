#include "corpus_run.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <vector>

#include "cedar/cedar.h"
#include "cedar/corpus.h"

namespace keyturn::bench {
namespace {

struct Totals {
  std::size_t cases = 0;
  std::size_t requests = 0;
  std::size_t disagree = 0;
  double read_s = 0;
  double decide_s = 0;
  double validate_s = 0;
};

// Adds the CPU time from its making to its end.
class Timer {
 public:
  explicit Timer(double& total) : total_(total), start_(std::clock()) {}
  ~Timer() { total_ += static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC; }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  double& total_;
  std::clock_t start_;
};

cedar::EntityUid read_uid(const Json& request, std::string_view key) {
  const Json& uid = *request.find(key);
  return {*uid.get_string("type"), *uid.get_string("id")};
}

void run_case(const std::string& base, Totals& totals) {
  const Result<std::string> policy_text = cedar::read_corpus_file(base + ".cedar");
  const Result<std::string> entity_text = cedar::read_corpus_file(base + ".entities.json");
  const Result<std::string> schema_text = cedar::read_corpus_file(base + ".cedarschema");
  const Result<std::string> case_text = cedar::read_corpus_file(base + ".json");
  CHECK(policy_text && entity_text && schema_text && case_text);
  const Result<Json> test = parse_strict(*case_text, {});
  CHECK(test);
  cedar::PolicySet policies;
  cedar::Entities entities;
  {
    const Timer timer(totals.read_s);
    policies = *cedar::PolicySet::parse(*policy_text);
    entities = *cedar::Entities::parse_json(*entity_text);
  }
  std::vector<cedar::PreparedRequest> requests;
  std::string expected;
  for (const Json& given : *test->find("requests")->if_array()) {
    const cedar::Request request{read_uid(given, "principal"), read_uid(given, "action"),
                                 read_uid(given, "resource"), *given.find("context")};
    const Result<cedar::PreparedRequest> prepared = cedar::PreparedRequest::make(request);
    CHECK(prepared);
    requests.push_back(*prepared);
    expected.push_back(given.string_or("decision", "") == "allow" ? 'a' : 'd');
  }
  std::string decided;
  decided.reserve(requests.size());
  {
    const Timer timer(totals.decide_s);
    for (const cedar::PreparedRequest& request : requests) {
      const cedar::Response response = cedar::authorize(policies, entities, request);
      decided.push_back(response.decision == cedar::Decision::kAllow ? 'a' : 'd');
    }
  }
  totals.requests += requests.size();
  for (std::size_t i = 0; i < decided.size(); ++i) totals.disagree += decided[i] != expected[i];
  const Timer timer(totals.validate_s);
  const Result<cedar::Schema> schema = cedar::Schema::parse(*schema_text);
  if (schema) cedar::validate(policies, *schema, cedar::ValidationMode::kStrict);
}

}  // namespace

void run_corpus(const std::string& folder) {
  std::vector<std::string> bases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cedar") continue;
    bases.push_back((entry.path().parent_path() / entry.path().stem()).string());
  }
  std::sort(bases.begin(), bases.end());
  Totals totals;
  for (const std::string& base : bases) {
    run_case(base, totals);
    ++totals.cases;
  }
  const Json row = Json::object({{"kind", "corpus"},
                                 {"name", "corpus"},
                                 {"cases", Json(totals.cases)},
                                 {"requests", Json(totals.requests)},
                                 {"disagree", Json(totals.disagree)},
                                 {"read_s", totals.read_s},
                                 {"decide_s", totals.decide_s},
                                 {"validate_s", totals.validate_s}});
  std::printf("%s\n", to_text(row).c_str());
}

}  // namespace keyturn::bench
