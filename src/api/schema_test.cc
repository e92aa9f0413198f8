#include <set>

#include "api/route.h"
#include "api/test_world.h"

namespace keyturn::api {
namespace {

// As much of JSON Schema as the document uses. Adds what does not fit to `faults`.
class Validator {
 public:
  explicit Validator(const Json& document) : document_(document) {}

  void check(const Json& value, const Json& schema, const std::string& where) {
    if (const Json* reference = schema.find("$ref")) {
      const std::string name = reference->if_string()->substr(21);  // "#/components/schemas/"
      return check(value, *document_.find("components")->find("schemas")->find(name), where);
    }
    if (const Json* type = schema.find("type"); type != nullptr && !fits(value, *type)) {
      return fault(where, "is not of type " + to_text(*type) + ": " + to_text(value));
    }
    if (const Json* choices = schema.find("enum")) {
      bool found = false;
      for (const Json& choice : *choices->if_array()) found = found || choice == value;
      if (!found) fault(where, "is none of the choices: " + to_text(value));
    }
    if (schema.string_or("format", "") == "date-time" && value.is_string()) {
      if (!parse_time(*value.if_string())) fault(where, "is no time: " + to_text(value));
    }
    if (value.is_object()) check_members(value, schema, where);
    if (const Json* items = schema.find("items"); items != nullptr && value.is_array()) {
      for (const Json& item : *value.if_array()) check(item, *items, where + "[]");
    }
  }
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  static bool fits(const Json& value, const Json& type) {
    if (const Json::Array* types = type.if_array()) {
      for (const Json& one : *types) {
        if (fits(value, one)) return true;
      }
      return false;
    }
    const std::string& name = *type.if_string();
    return (name == "object" && value.is_object()) || (name == "array" && value.is_array()) ||
           (name == "string" && value.is_string()) || (name == "integer" && value.is_integer()) ||
           (name == "boolean" && value.is_bool()) || (name == "null" && value.is_null());
  }
  void check_members(const Json& value, const Json& schema, const std::string& where) {
    const Json* properties = schema.find("properties");
    const Json* additional = schema.find("additionalProperties");
    for (const auto& [name, member] : *value.if_object()) {
      const Json* known = properties == nullptr ? nullptr : properties->find(name);
      if (known != nullptr) {
        check(member, *known, where + "." + name);
      } else if (additional != nullptr && additional->is_object()) {
        check(member, *additional, where + "." + name);
      } else if (additional != nullptr) {
        fault(where, "has the undescribed member " + name);
      }
    }
    const Json* required = schema.find("required");
    if (required == nullptr) return;
    for (const Json& name : *required->if_array()) {
      if (value.find(*name.if_string()) == nullptr) fault(where, "lacks " + *name.if_string());
    }
  }
  void fault(const std::string& where, const std::string& what) {
    faults_.push_back(where + " " + what);
  }

  const Json& document_;
  std::vector<std::string> faults_;
};

TEST(Schema, TheValidatorFindsFaults) {
  const Json document = openapi("1.0.0");
  const Json schema = Json::object({{"$ref", "#/components/schemas/Error"}});
  const auto faults = [&](const Json& value) {
    Validator validator(document);
    validator.check(value, schema, "error");
    return validator.faults().size();
  };
  const Json good = Json::object({{"code", "a"}, {"message", "b"}, {"request_id", "c"}});
  EXPECT_EQ(faults(Json::object({{"error", good}})), 0U);
  EXPECT_EQ(faults(Json::object({{"error", good}, {"more", 1}})), 1U);
  EXPECT_EQ(faults(Json::object({{"error", Json::object({{"code", 1}, {"message", "b"}})}})), 2U);
  EXPECT_EQ(faults(Json("x")), 1U);
}

TEST(Schema, EveryRouteAnswersAsTheDocumentSays) {
  World world;
  const Json document = world.ask("GET", "/v1/openapi.json").body;
  std::set<std::string_view> seen;
  const auto check = [&](std::string_view name, const World::Asked& asked) {
    for (const Route& route : routes()) {
      if (route.name != name) continue;
      seen.insert(name);
      const bool as_said = asked.status == route.status || asked.status == 503;
      EXPECT_TRUE(as_said) << name << ": " << asked.status << " " << asked.text;
      if (route.schema.empty()) return;
      Validator validator(document);
      const std::string schema = fmt::format("#/components/schemas/{}", route.schema);
      validator.check(asked.body, Json::object({{"$ref", schema}}), std::string(name));
      for (const std::string& fault : validator.faults()) ADD_FAILURE() << fault;
    }
  };
  check("getHealth", world.ask("GET", "/healthz"));
  check("getReadiness", world.ask("GET", "/readyz"));
  check("getMetrics", world.ask("GET", "/metrics"));
  check("getOpenapi", world.ask("GET", "/v1/openapi.json"));
  check("createPerson", world.post("/v1/persons", "root", Json::object({{"id", "dave"}})));
  world.add_person("alice");
  world.add_person("bob");
  check("getWhoami", world.get("/v1/whoami", "alice"));
  check("listPersons", world.get("/v1/persons", "alice"));
  check("setPersonState",
        world.ask("PATCH", "/v1/persons/dave", "root", R"({"state":"suspended"})"));
  check("createAgent", world.post("/v1/agents", "alice", Json::object({{"id", "kiro"}})));
  check("listAgents", world.get("/v1/agents", "alice"));
  const auto session =
      world.post("/v1/sessions", "alice", Json::object({{"agent", "kiro"}, {"purpose", "fix"}}));
  check("startSession", session);
  const std::string id = *session.body.find("session")->get_string("id");
  check("endSession", world.ask("DELETE", "/v1/sessions/" + id, "alice"));
  const std::string change = world.hold_change("kiro", "alice");
  check("listSessions", world.get("/v1/sessions", "alice"));
  const auto shown = world.get("/v1/changes/" + change, "bob");
  check("getChange", shown);
  check("giveReview", world.post("/v1/changes/" + change + "/reviews", "bob",
                                 Json::object({{"answer", "approve"},
                                               {"digest", *shown.body.get_string("digest")}})));
  check("listChanges", world.get("/v1/changes", "bob"));
  const auto decided = world.get("/v1/ledger?kinds=action.decided", "bob");
  const auto index = *decided.body.find("entries")->if_array()->front().get_integer("index");
  check("getContents", world.get(fmt::format("/v1/ledger/{}/contents", index), "bob"));
  // Reviewers still need it.
  world.clock.advance(std::chrono::hours(48));
  check("eraseContents", world.post(fmt::format("/v1/ledger/{}/erasure", index), "root",
                                    Json::object({{"why", "a key"}})));
  check("setAgentState", world.ask("PATCH", "/v1/agents/kiro", "root", R"({"state":"suspended"})"));
  check("readLedger", world.get("/v1/ledger", "bob"));
  check("getKept", world.get("/v1/kept/" + world.gate->policies()->digest().hex(), "bob"));
  EXPECT_EQ(seen.size(), routes().size()) << "a route without a check here";

  Validator validator(document);
  validator.check(world.get("/nothing", "bob").body,
                  Json::object({{"$ref", "#/components/schemas/Error"}}), "error");
  EXPECT_TRUE(validator.faults().empty());
}

}  // namespace
}  // namespace keyturn::api
