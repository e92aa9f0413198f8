#include <set>

#include "api/api.h"
#include "api/route.h"

namespace keyturn::api {
namespace {

const Json& at(const Json& json, std::initializer_list<std::string_view> keys) {
  const Json* value = &json;
  for (const std::string_view key : keys) {
    value = value->find(key);
    if (value == nullptr) {
      ADD_FAILURE() << "no member " << key;
      std::abort();
    }
  }
  return *value;
}

TEST(Openapi, DescribesEveryRouteAndNothingElse) {
  const Json document = openapi("1.0.0");
  EXPECT_EQ(at(document, {"openapi"}), Json("3.1.0"));
  std::set<std::string> described;
  for (const auto& [path, methods] : *at(document, {"paths"}).if_object()) {
    for (const auto& [method, operation] : *methods.if_object()) {
      described.insert(fmt::format("{} {}", method, path));
    }
  }
  std::set<std::string> existing;
  for (const Route& route : routes()) {
    existing.insert(fmt::format("{} {}", to_lower(route.method), route.path));
  }
  EXPECT_EQ(described, existing);
}

TEST(Openapi, DescribesWhatARouteTakesAndAnswers) {
  const Json document = openapi("1.0.0");
  std::set<std::string> names;
  for (const Route& route : routes()) {
    const Json& operation = at(document, {"paths", route.path, to_lower(route.method)});
    EXPECT_TRUE(names.insert(*operation.get_string("operationId")).second) << route.name;
    EXPECT_NE(operation.find("responses")->find(fmt::to_string(route.status)), nullptr);
    EXPECT_EQ(operation.find("requestBody") != nullptr, !route.body.empty()) << route.name;
    for (const Field& field : route.body) {
      const Json& schema = at(operation, {"requestBody", "content", "application/json", "schema",
                                          "properties", field.name});
      EXPECT_EQ(schema.find("enum") != nullptr, !field.choices.empty()) << field.name;
    }
    const bool is_public = operation.find("security")->if_array()->empty();
    EXPECT_EQ(is_public, route.access == Access::kAnyone) << route.name;
    const bool has_id = route.path.find("{id}") != std::string_view::npos;
    const Json* parameters = operation.find("parameters");
    const std::size_t count = parameters == nullptr ? 0 : parameters->if_array()->size();
    EXPECT_EQ(count, route.query.size() + (has_id ? 1 : 0)) << route.name;
  }
}

void collect_references(const Json& value, std::set<std::string>& into) {
  if (const Json::Object* members = value.if_object()) {
    for (const auto& [key, member] : *members) {
      if (key == "$ref") into.insert(*member.if_string());
      collect_references(member, into);
    }
  }
  if (const Json::Array* items = value.if_array()) {
    for (const Json& item : *items) collect_references(item, into);
  }
}

TEST(Openapi, EveryReferenceLeadsToASchemaAndEverySchemaIsUsed) {
  const Json document = openapi("1.0.0");
  std::set<std::string> references;
  collect_references(document, references);
  std::set<std::string> schemas;
  for (const auto& [name, schema] : *at(document, {"components", "schemas"}).if_object()) {
    schemas.insert("#/components/schemas/" + name);
  }
  EXPECT_EQ(references, schemas);
}

TEST(Openapi, OnlyProbesAndTheDocumentArePublic) {
  std::set<std::string_view> open;
  for (const Route& route : routes()) {
    if (route.access == Access::kAnyone) open.insert(route.path);
    EXPECT_FALSE(is_mutation(route) && route.access == Access::kAnyone) << route.name;
  }
  EXPECT_EQ(open,
            (std::set<std::string_view>{"/healthz", "/readyz", "/metrics", "/v1/openapi.json"}));
}

}  // namespace
}  // namespace keyturn::api
