// Cases on which the engine and the reference once disagreed, each minimised and kept with the
// reference's answer. `differential.mjs --minimise` writes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "cedar/corpus.h"
#include "cedar/differential_answer.h"

namespace keyturn::cedar {
namespace {

Json sorted(const Json& json) {
  if (const Json::Array* items = json.if_array()) {
    Json::Array result;
    for (const Json& item : *items) result.push_back(sorted(item));
    return Json(std::move(result));
  }
  const Json::Object* members = json.if_object();
  if (members == nullptr) return json;
  Json::Object result;
  for (const auto& [key, value] : *members) result.emplace_back(key, sorted(value));
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return Json(std::move(result));
}

// What is compared: the decision with reasons and errors, whether there are validation errors, or
// the JSON form. A reference that cannot say a policy in text gives no JSON.
std::string compared(const Json& answer, const Json& reference) {
  if (!*answer.get_bool("ok")) return "refused";
  std::string result = "accepted";
  for (const char* key : {"decision", "reasons", "errors", "json"}) {
    const Json* value = answer.find(key);
    const Json* wanted = reference.find(key);
    if (value == nullptr || (wanted != nullptr && wanted->is_null())) continue;
    const bool is_verdict = std::string_view(key) == "errors" && answer.find("decision") == nullptr;
    if (is_verdict) {
      result += value->if_array()->empty() ? " valid" : " invalid";
    } else {
      result += " " + to_text(sorted(*value));
    }
  }
  return result;
}

TEST(Differential, EveryFormerDisagreementIsSettledAsTheReferenceHasIt) {
  std::size_t cases = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(KEYTURN_SOURCE_DIR "/src/cedar/testdata/differential")) {
    const Result<std::string> text = read_corpus_file(entry.path().string());
    ASSERT_TRUE(text);
    const Result<Json> test = parse_strict(*text, {});
    ASSERT_TRUE(test) << entry.path() << ": " << test.error().message;
    const Json* reference = test->find("reference");
    ASSERT_NE(reference, nullptr) << entry.path();
    EXPECT_EQ(compared(answer_call(*test), *reference), compared(*reference, *reference))
        << entry.path();
    ++cases;
  }
  EXPECT_GE(cases, 10U);
}

}  // namespace
}  // namespace keyturn::cedar
