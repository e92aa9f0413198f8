#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cedar/cedar.h"
#include "cedar/corpus.h"

namespace keyturn::cedar {
namespace {

namespace fs = std::filesystem;

TEST(Schema, EveryPublicSchemaTranslatesToJsonAsTheReferenceDoesAndReadsBack) {
  std::size_t count = 0;
  std::size_t wrong = 0;
  for (const auto& entry :
       fs::directory_iterator(KEYTURN_CEDAR_DATA "/corpus-tests-json-schemas")) {
    const std::string id = entry.path().filename().string().substr(0, 40);
    const Result<std::string> text =
        read_corpus_file(KEYTURN_CEDAR_DATA "/corpus/" + id + ".cedarschema");
    const Result<std::string> expected = read_corpus_file(entry.path().string());
    ASSERT_TRUE(text && expected) << id;
    const Result<Schema> schema = Schema::parse(*text);
    ASSERT_TRUE(schema) << id << ": " << schema.error().message;
    const Result<Json> json = parse_strict(*expected);
    ASSERT_TRUE(json);
    const std::string actual = to_canonical(schema->json());
    ++count;
    if (actual != to_canonical(*json) && ++wrong < 5) {
      ADD_FAILURE() << id << "\n" << actual << "\n" << to_canonical(*json);
    }
    // From JSON and from printed text the same schema comes again.
    const Result<Schema> from_json = Schema::parse_json(*expected);
    ASSERT_TRUE(from_json) << id << ": " << from_json.error().message;
    EXPECT_EQ(to_canonical(from_json->json()), to_canonical(*json));
    const Result<std::string> printed = schema->text();
    ASSERT_TRUE(printed) << printed.error().message;
    const Result<Schema> reread = Schema::parse(*printed);
    ASSERT_TRUE(reread) << id << ": " << reread.error().message << "\n" << *printed;
    EXPECT_EQ(to_canonical(reread->json()), actual) << id;
  }
  EXPECT_EQ(count, 3925U);
  EXPECT_EQ(wrong, 0U);
}

// The section `schema errors` of the request probes: declarations with `ok` or an error.
TEST(Schema, EveryProbedDeclarationIsAcceptedOrRefusedAsTheReferenceDoes) {
  std::ifstream lines(KEYTURN_SOURCE_DIR "/src/cedar/testdata/probes-requests.txt");
  std::size_t count = 0;
  bool is_here = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("---")) {
      is_here = line == "--- schema errors";
      continue;
    }
    const std::size_t arrow = line.find(" => ");
    if (!is_here || arrow == std::string::npos) continue;
    ++count;
    const Result<Schema> schema = Schema::parse(line.substr(0, arrow));
    EXPECT_EQ(schema.has_value(), line.substr(arrow + 4) == "ok")
        << line << "\n"
        << (schema ? "" : schema.error().message);
  }
  EXPECT_EQ(count, 39U);
}

TEST(Schema, JsonFormsBeyondTheTextSyntaxAreRead) {
  const Result<Schema> schema = Schema::parse_json(R"({"N":{
    "commonTypes":{"T":{"type":"Record","attributes":{"a":{"type":"Extension","name":"ipaddr"},
      "b":{"type":"Set","element":{"type":"Entity","name":"U"}},"c":{"type":"Boolean"}}}},
    "entityTypes":{"U":{"shape":{"type":"T"}},"G":{"memberOfTypes":["G"]}},
    "actions":{"v":{"appliesTo":{"principalTypes":["U"],"resourceTypes":["G"],
      "context":{"type":"T"}},"memberOf":[{"id":"w"}]},"w":{}}}})");
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_EQ(schema->text().error().message,
            "the shape of entity type `U` is a common type, which the Cedar schema syntax cannot "
            "express");
}

TEST(Schema, MalformedJsonIsAnErrorThatNamesTheField) {
  const auto message = [](const char* text) {
    const Result<Schema> schema = Schema::parse_json(text);
    return schema ? std::string("accepted") : schema.error().message;
  };
  EXPECT_EQ(message(R"({"":{"entityTypes":{}}})"),
            "missing field `actions` in namespace `` at line 1, column 5 (`/`)");
  EXPECT_NE(message(R"({"":{"entityTypes":{"A":{"x":1}},"actions":{}}})").find("`x`"),
            std::string::npos);
  EXPECT_NE(message(R"({"":{"entityTypes":{"A":{"shape":{"type":"Record"}}},"actions":{}}})")
                .find("`attributes`"),
            std::string::npos);
  EXPECT_NE(message(R"({"if":{"entityTypes":{},"actions":{}}})").find("`if`"), std::string::npos);
  EXPECT_NE(message(R"({"":{"entityTypes":{"A":{"enum":[]}},"actions":{}}})").find("enum"),
            std::string::npos);
  EXPECT_NE(message("[]").find("object"), std::string::npos);
}

TEST(Schema, WhatJsonMeansWronglyIsPlacedByLineAndPointer) {
  const auto message = [](const std::string& inner) {
    const Result<Schema> schema = Schema::parse_json("{\n \"N\": {" + inner + "}}");
    return schema ? std::string("accepted") : schema.error().message;
  };
  EXPECT_EQ(message(R"("entityTypes": {"A": {"memberOfTypes": ["A", "Nope"]}}, "actions": {})"),
            "failed to resolve type: `Nope` at line 2, column 53 "
            "(`/N/entityTypes/A/memberOfTypes/1`)");
  EXPECT_EQ(message(R"("entityTypes": {"A": {"shape": {"type": "Record", "attributes":
              {"x": {"type": "Set", "element": {"type": "Strin"}}}}}}, "actions": {})"),
            "failed to resolve type: `Strin` at line 3, column 48 "
            "(`/N/entityTypes/A/shape/attributes/x/element`)");
  for (const char* wrong :
       {R"("entityTypes": {}, "actions": {"a": {"memberOf": [{"id": "b"}]}})",
        R"("entityTypes": {}, "actions": {"a": {"memberOf": [{"id": "a"}]}})",
        R"("entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": ["X"],
           "resourceTypes": []}}})",
        R"("entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": [],
           "resourceTypes": [], "context": {"type": "Long"}}}})",
        R"("commonTypes": {"T": {"type": "T"}}, "entityTypes": {}, "actions": {})",
        R"("commonTypes": {"Long": {"type": "T"}}, "entityTypes": {}, "actions": {})",
        R"("entityTypes": {"Action": {}}, "actions": {})",
        R"("entityTypes": {"A": {"shape": {"type": "Extension", "name": "x"}}}, "actions": {})",
        R"("entityTypes": {"A": {"shape": 1}}, "actions": {})",
        R"("entityTypes": {"A": {"enum": ["a", 1]}}, "actions": {})",
        R"("entityTypes": {"A": {"tags": {"type": "Set"}}}, "actions": {})"}) {
    EXPECT_NE(message(wrong).find(" at line "), std::string::npos) << message(wrong);
    EXPECT_NE(message(wrong).find("(`/N/"), std::string::npos) << message(wrong);
  }
}

TEST(Schema, ErrorsPointAtTheLine) {
  const Result<Schema> schema = Schema::parse("entity A;\nentity B in [Nope];\n");
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().message,
            "failed to resolve type: `Nope` at line 2, column 14\n"
            "  entity B in [Nope];\n"
            "               ^^^^");
}

TEST(Schema, NestingAndExpansionAreBounded) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "Set<";
  EXPECT_FALSE(Schema::parse("type T = " + deep + "Long" + std::string(5000, '>') + ";"));
  // Each type holds the one before twice: sixty of them would be 2^60 attributes.
  std::string laughs = "type T0 = {a: Long};\n";
  for (int i = 1; i <= 60; ++i) {
    laughs += "type T" + std::to_string(i) + " = {a: T" + std::to_string(i - 1) + ", b: T" +
              std::to_string(i - 1) + "};\n";
  }
  EXPECT_EQ(Schema::parse(laughs).error().code, Code::kExhausted);
}

TEST(Schema, DeepTypesSurviveTheWayThroughJson) {
  std::string text = "Long";
  for (int i = 0; i < 150; ++i) text = i % 2 == 0 ? "{ a: " + text + " }" : "Set<" + text + ">";
  const Result<Schema> schema = Schema::parse("entity E { a: " + text + " };");
  ASSERT_TRUE(schema) << schema.error().message;
  const Result<Schema> again = Schema::parse_json(to_text(schema->json()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_canonical(again->json()), to_canonical(schema->json()));
  // Deeper than any text may be: an error, whichever limit is first.
  std::string deep = R"({"type": "Long"})";
  for (int i = 0; i < 700; ++i) deep = R"({"type": "Set", "element": )" + deep + "}";
  EXPECT_FALSE(Schema::parse_json(
      R"({"": {"entityTypes": {}, "actions": {}, "commonTypes": {"T": )" + deep + "}}}"));
}

}  // namespace
}  // namespace keyturn::cedar
