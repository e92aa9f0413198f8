#include "api/openapi_schemas.h"
#include "api/route.h"

namespace keyturn::api {
namespace {

Json choices_of(const Field& field) {
  Json list{Json::Array()};
  std::string_view rest = field.choices;
  while (!rest.empty()) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    list.push_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return list;
}

Json schema_of(const Field& field) {
  Json schema = Json::object({{"type", field.type == Type::kString ? "string" : "integer"}});
  if (!field.choices.empty()) schema.set("enum", choices_of(field));
  return schema;
}

Json body_of(const Route& route) {
  Json properties{Json::Object()};
  Json required{Json::Array()};
  for (const Field& field : route.body) {
    Json schema = schema_of(field);
    schema.set("description", field.description);
    properties.set(field.name, std::move(schema));
    if (field.presence == Presence::kRequired) required.push_back(field.name);
  }
  const Json schema = Json::object({{"type", "object"},
                                    {"additionalProperties", false},
                                    {"required", std::move(required)},
                                    {"properties", std::move(properties)}});
  return Json::object(
      {{"required", true},
       {"content", Json::object({{"application/json", Json::object({{"schema", schema}})}})}});
}

Json parameters_of(const Route& route) {
  Json parameters{Json::Array()};
  if (route.path.find("{id}") != std::string_view::npos) {
    parameters.push_back(Json::object({{"name", "id"},
                                       {"in", "path"},
                                       {"required", true},
                                       {"schema", Json::object({{"type", "string"}})}}));
  }
  for (const Field& field : route.query) {
    parameters.push_back(Json::object({{"name", field.name},
                                       {"in", "query"},
                                       {"required", field.presence == Presence::kRequired},
                                       {"description", field.description},
                                       {"schema", schema_of(field)}}));
  }
  return parameters;
}

Json reference(std::string_view schema) {
  return Json::object({{"$ref", fmt::format("#/components/schemas/{}", schema)}});
}

Json content_of(const Route& route) {
  if (route.schema.empty()) {
    const Json text = Json::object({{"type", "string"}});
    return Json::object({{"text/plain", Json::object({{"schema", text}})}});
  }
  return Json::object({{"application/json", Json::object({{"schema", reference(route.schema)}})}});
}

Json responses_of(const Route& route) {
  const Json error = Json::object(
      {{"description", "refused or failed"},
       {"content",
        Json::object({{"application/json", Json::object({{"schema", reference("Error")}})}})}});
  Json responses{Json::Object()};
  responses.set(fmt::to_string(route.status),
                Json::object({{"description", "done"}, {"content", content_of(route)}}));
  if (route.path == "/readyz") {
    responses.set("503",
                  Json::object({{"description", "not ready"}, {"content", content_of(route)}}));
  }
  responses.set("default", error);
  return responses;
}

Json operation_of(const Route& route) {
  Json operation = Json::object({{"operationId", route.name}, {"summary", route.summary}});
  Json parameters = parameters_of(route);
  if (!parameters.if_array()->empty()) operation.set("parameters", std::move(parameters));
  if (!route.body.empty()) operation.set("requestBody", body_of(route));
  operation.set("responses", responses_of(route));
  Json security{Json::Array()};
  if (route.access != Access::kAnyone) {
    security.push_back(Json::object({{"token", Json(Json::Array())}}));
  }
  operation.set("security", std::move(security));
  return operation;
}

}  // namespace

Json openapi(const std::string& version) {
  Json paths{Json::Object()};
  for (const Route& route : routes()) {
    const Json* found = paths.find(route.path);
    Json path = found == nullptr ? Json(Json::Object()) : *found;
    path.set(to_lower(route.method), operation_of(route));
    paths.set(route.path, std::move(path));
  }
  const Json token = Json::object(
      {{"type", "http"}, {"scheme", "bearer"}, {"description", "a person's token, `ktp_…`"}});
  auto schemas = parse_strict(kSchemas);
  CHECK(schemas);
  return Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", "Keyturn"},
                              {"version", version},
                              {"license", Json::object({{"name", "Apache-2.0"},
                                                        {"identifier", "Apache-2.0"}})}})},
       {"paths", std::move(paths)},
       {"components", Json::object({{"schemas", std::move(*schemas)},
                                    {"securitySchemes", Json::object({{"token", token}})}})}});
}

Result<Answer> get_openapi(Call& call) { return json_answer(openapi(call.options.version)); }

}  // namespace keyturn::api
