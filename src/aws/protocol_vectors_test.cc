// botocore's own protocol test vectors (tests/aws/protocol_vectors): small services that are
// nobody's, each with what a client must send for an input. Judged: which operation a request is,
// the values at the places where the model says they stand, and that it is the same once written
// anew.
#include <gtest/gtest.h>

#include <algorithm>

#include "aws/aws.h"
#include "aws/recognise.h"
#include "aws/understand_corpus.h"
#include "aws/understand_parts.h"

namespace keyturn::aws {
namespace {

struct Vector {
  std::string name;
  Scope scope;
  std::string operation;
  http::RequestHead head;
  std::string body;
  bool coded = false;  // compressed, which is refused
  Json values;
};

Vector read_vector(const Json& json) {
  Vector vector;
  vector.name = json.string_or("service", "") + " " + json.string_or("name", "");
  vector.scope = {json.string_or("service", ""), "us-east-1"};
  vector.operation = json.string_or("operation", "");
  vector.head.method = json.string_or("method", "");
  vector.head.target = json.string_or("target", "");
  vector.head.headers.add("Host", "127.0.0.1:9");
  for (const auto& [name, value] : *json.find("headers")->if_object()) {
    vector.head.headers.add(name, *value.if_string());
  }
  vector.body = json.string_or("body", "");
  if (*json.find("base64")->if_bool()) vector.body = base64_decode(vector.body).value_or("broken");
  vector.coded = *json.find("coded")->if_bool();
  vector.values = *json.find("values");
  return vector;
}

class ProtocolVectors : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto lines = read_packed_lines("protocol_vectors.jsonl.gz");
    ASSERT_GT(lines.size(), 360U);
    const auto first = parse_strict(lines.front());
    ASSERT_TRUE(first);
    auto loaded = load_model(first->string_or("model", ""));
    ASSERT_TRUE(loaded) << loaded.error().message;
    model() = std::move(*loaded);
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const auto json = parse_strict(lines[i]);
      ASSERT_TRUE(json) << lines[i];
      all().push_back(read_vector(*json));
    }
  }
  static std::vector<Vector>& all() {
    static std::vector<Vector> every;
    return every;
  }
  static std::shared_ptr<const Model>& model() {
    static std::shared_ptr<const Model> one;
    return one;
  }
  static Result<Understood> read(const Vector& vector) {
    return understand(*model(), vector.scope, vector.head, vector.body,
                      {.account = "123456789012"});
  }
};

TEST_F(ProtocolVectors, AreTheOperationTheyWereMadeFor) {
  for (const Vector& vector : all()) {
    const auto understood = read(vector);
    if (vector.coded) {
      ASSERT_FALSE(understood) << vector.name;
      EXPECT_EQ(understood.error().code, Code::kInvalid) << vector.name;
      EXPECT_NE(understood.error().message.find("AWS_DISABLE_REQUEST_COMPRESSION"),
                std::string::npos)
          << vector.name << ": " << understood.error().message;
      continue;
    }
    EXPECT_TRUE(understood) << vector.name << ": " << understood.error().message;
    if (!understood) continue;
    EXPECT_TRUE(understood->action.understood) << vector.name << " " << vector.head.target;
    EXPECT_EQ(understood->action.operation, vector.operation) << vector.name;
    EXPECT_EQ(understood->model_service, vector.scope.service) << vector.name;
  }
}

TEST_F(ProtocolVectors, HoldTheirValuesWhereTheModelSays) {
  std::size_t compared = 0;
  for (const Vector& vector : all()) {
    if (vector.coded) continue;
    const auto recognised = recognise(*model(), vector.scope, vector.head, vector.body, {});
    if (!recognised) continue;  // the test above says so
    const auto members = read_members(*recognised, vector.head, vector.body, {});
    EXPECT_TRUE(members) << vector.name << ": " << members.error().message;
    if (!members) continue;
    for (const auto& [path, wanted] : *vector.values.if_object()) {
      Json::Array found;
      std::vector<std::string> texts;
      for (const Json* value : members->input.at(path)) {
        texts.push_back(text_of(*value).value_or("(no text)"));
      }
      std::sort(texts.begin(), texts.end());
      for (std::string& text : texts) found.emplace_back(std::move(text));
      EXPECT_EQ(to_text(Json(std::move(found))), to_text(wanted)) << vector.name << " " << path;
      ++compared;
    }
  }
  EXPECT_GE(compared, 300U);
}

// What upstream reads is what policy judged.
TEST_F(ProtocolVectors, Invariant11AreTheSameOnceWrittenAnew) {
  for (const Vector& vector : all()) {
    const auto first = read(vector);
    if (!first) continue;
    Vector again = vector;
    again.head = {first->forward.method, first->forward.target, first->forward.headers};
    again.head.headers.add("Host", "127.0.0.1:9");
    again.body = first->forward.body.value_or(vector.body);
    const auto second = read(again);
    ASSERT_TRUE(second) << vector.name << ": " << second.error().message;
    EXPECT_EQ(first->action.digest, second->action.digest) << vector.name;
    EXPECT_EQ(first->forward.body, second->forward.body) << vector.name;
    EXPECT_EQ(first->forward.target, second->forward.target) << vector.name;
  }
}

}  // namespace
}  // namespace keyturn::aws
