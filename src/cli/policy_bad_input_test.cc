// Malformed input is an error that says what, where and the way out; never a crash or half a load.
#include "cli/cli.h"
#include "cli/policy_fixture_test.h"

namespace keyturn::cli {
namespace {

using Words = std::vector<std::string>;

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << part << "\nin: " << message.substr(0, 400);
  }
}

std::string repeated(std::string_view part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

Words authorize(const std::string& policies, const std::string& entities) {
  return {"authorize",        "--policies",  policies,          "--entities",
          entities,           "--principal", "User::\"alice\"", "--action",
          "Action::\"view\"", "--resource",  "Photo::\"sea\""};
}

TEST_F(PolicyCommand, PolicyTextThatIsWrongIsNamedByFileLineAndColumn) {
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {"permit (principal,\n  action resource);", {"line 2, column 10", "^", "expected"}},
      {"permit (principal, action, resource) when { \"\\q\" };", {"column 46", "escape"}},
      {"permit (principal, action, resource) when { 9223372036854775808 };",
       {"line 1, column 45", "9223372036854775808"}},
      {"permit (principal, action, resource) when { " + repeated("(", 5'000) + "1" +
           repeated(")", 5'000) + " };",
       {"line 1, column", "nest"}},
      {"permit (principal, action, resource) when { \"\xc3\x28\" };",
       {"not valid UTF-8 at line 1, column 46, byte 45 (0xc3)"}},
      {"\xef\xbb\xbfpermit (principal, action, resource);",
       {"byte-order mark at line 1, column 1", "save it"}},
      {"permit (principal, action, resource) when { \"" + std::string(9U << 20U, 'x') + "\" };",
       {"larger than the limit of 8388608 bytes, which ends at line 1, column 8388609"}},
      {"@id(\"a\") permit (principal, action, resource);\n"
       "@id(\"a\") forbid (principal, action, resource);",
       {"`policy0` and `policy1` both have the id `a`", "give one another @id"}},
      {"@a(\"1\") @a(\"2\") permit (principal, action, resource);", {"line 1, column", "a"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("wrong.cedar", text);
    const std::string message = error_of(authorize("@wrong.cedar", "@photo.json"));
    expect_parts(message, parts);
    EXPECT_TRUE(message.starts_with("@wrong.cedar: ")) << message.substr(0, 200);
    EXPECT_LT(message.size(), 2'000U);
  }
}

TEST_F(PolicyCommand, JsonThatIsWrongIsNamedByFileAndPlace) {
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {"[{\"uid\": }]", {"line 1, column"}},
      {"[" + repeated("[", 5'000) + repeated("]", 5'000) + "]", {"deep"}},
      {"\xef\xbb\xbf[]", {"line 1, column 1"}},
      {"[\"\xff\"]", {"line 1, column 3"}},
      {R"([{"uid": {"type": "User", "id": "a"}, "uid": {"type": "User", "id": "b"}}])",
       {"duplicate key `uid`", "line 1, column"}},
      {R"([{"uid": {"type": "User", "id": "alice"}, "attrs": {}, "parents":
            [{"type": "User", "id": "bob"}]},
           {"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents":
            [{"type": "User", "id": "alice"}]}])",
       {"cycle", "User::"}},
      {R"([{"uid": {"type": "User", "id": "alice"}, "attrs": {"level": 1}, "parents": []},
           {"uid": {"type": "User", "id": "alice"}, "attrs": {"level": 2}, "parents": []}])",
       {"duplicate entity entry", "alice"}},
      {R"([{"uid": {"type": "User", "id": "a"}, "attrs": {"level": 9223372036854775808},
            "parents": []}])",
       {"level", "9223372036854775808"}},
      {R"([{"uid": {"type": "User", "id": "a"}, "attrs": {"net": {"__extn": {"fn": "ip",
            "arg": "1.2.3"}}}, "parents": []}])",
       {"net", "1.2.3"}},
      {R"([{"uid": {"type": "Us er", "id": "a"}, "attrs": {}, "parents": []}])", {"`Us er`"}},
      {R"({"uid": 1})", {"must be a JSON array"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("wrong.json", text);
    const std::string message = error_of(authorize("@photo.cedar", "@wrong.json"));
    expect_parts(message, parts);
    EXPECT_TRUE(message.starts_with("@wrong.json: ")) << message;
  }
}

TEST_F(PolicyCommand, EntitiesAndRequestsThatDoNotFitTheSchemaAreRefused) {
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {R"([{"uid": {"type": "Robot", "id": "r"}, "attrs": {}, "parents": []}])", {"`Robot`"}},
      {R"([{"uid": {"type": "User", "id": "a"}, "attrs": {"level": "x"}, "parents": []}])",
       {"level"}},
      {R"([{"uid": {"type": "User", "id": "a"}, "attrs": {}, "parents": []}])",
       {"to have attribute `level`"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("wrong.json", text);
    Words words = authorize("@photo.cedar", "@wrong.json");
    words.insert(words.end(), {"--schema", "@photo.cedarschema"});
    expect_parts(error_of(words), parts);
  }
  Words words = authorize("@photo.cedar", "@photo.json");
  words.insert(words.end(), {"--schema", "@photo.cedarschema"});
  expect_parts(error_of(words), {"the request: ", "context"});
}

TEST_F(PolicyCommand, SchemasThatAreWrongAreNamedByPlace) {
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {"entity A = { \"x\": Strin };", {"Strin"}},
      {"entity A;\nentity A;", {"A"}},
      {"entity A in [B];", {"B"}},
      {"type T = { \"x\": T };\nentity A = T;", {"T"}},
      {"entity A in [A", {"line 1, column"}},
      {"{\"\": {\"entityTypes\": {}, \"actions\": {}, \"extra\": 1}}", {"extra"}},
      {"entity A = { \"x\": " + repeated("Set<", 3'000) + "Long" + repeated(">", 3'000) + " };",
       {"line 1, column", "nest"}},
      {"\xef\xbb\xbf"
       "entity A;",
       {"byte-order mark"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("wrong.cedarschema", text);
    const std::string message =
        error_of({"validate", "--schema", "@wrong.cedarschema", "@photo.cedar"});
    expect_parts(message, parts);
    EXPECT_TRUE(message.starts_with("@wrong.cedarschema: ")) << message;
  }
}

TEST_F(PolicyCommand, ExtensionLiteralsAndUnknownTypesAreFoundByValidation) {
  const std::pair<std::string, std::string> wrong[] = {
      {"ip(\"1.2.3\").isIpv4()", "failed to parse as IP address: `\"1.2.3\"` at line 1, column"},
      {"decimal(\"1.23456\") == decimal(\"1.0\")", "failed to parse as a decimal value"},
      {"datetime(\"2024-02-30\") == datetime(\"2024-01-01\")",
       "failed to parse as a datetime value"},
      {"duration(\"1x\") == duration(\"1h\")", "failed to parse as a duration value"},
      {"principal is Usr", "unrecognized entity type `Usr` at line 1, column"},
      {"principal in Grup::\"a\"", "did you mean `Group`?"},
  };
  for (const auto& [expression, part] : wrong) {
    write("wrong.cedar", "permit (principal, action, resource) when { " + expression + " };");
    const auto answer = run({"validate", "--schema", "@photo.cedarschema", "@wrong.cedar"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->exit_code, kFailed);
    EXPECT_NE(answer->text.find(part), std::string::npos) << part << "\nin: " << answer->text;
  }
}

TEST_F(PolicyCommand, PolicyJsonThatIsWrongIsRefusedWhole) {
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {"{}", {"staticPolicies"}},
      {R"({"effect": "allow"})", {"effect"}},
      {R"({"staticPolicies": {"a": {"effect": "permit"}}, "templates": {}, "templateLinks": []})",
       {"principal"}},
      {R"({"staticPolicies": {}, "templates": {}, "templateLinks": [{"templateId": "none",
           "newId": "x", "values": {}}]})",
       {"none"}},
      {R"({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource":
           {"op": "All"}, "conditions": [{"kind": "when", "body":
           {"Value": 9223372036854775808}}]})",
       {"9223372036854775808"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("wrong.json", text);
    expect_parts(error_of({"translate", "--to", "cedar", "@wrong.json"}), parts);
  }
}

TEST_F(PolicyCommand, JsonPoliciesNestedTooDeepAreRefused) {
  for (const std::size_t depth : {500U, 1'000U, 100'000U}) {
    const std::string body =
        repeated("{\"!\": {\"arg\": ", depth) + "{\"Value\": true}" + repeated("}}", depth);
    const std::string policy =
        R"({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"},
            "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": )" +
        body + "}]}";
    write("deep.json", policy);
    EXPECT_LT(error_of({"translate", "--to", "cedar", "@deep.json"}).size(), 1'000U);
    write("deep.json",
          R"({"staticPolicies": {"a": )" + policy + R"(}, "templates": {}, "templateLinks": []})");
    EXPECT_LT(error_of({"translate", "--to", "cedar", "@deep.json"}).size(), 1'000U);
  }
}

TEST_F(PolicyCommand, RequestsThatAreWrongSayWhichPart) {
  Words words = authorize("@photo.cedar", "@photo.json");
  words[6] = "User::alice";
  expect_parts(error_of(words), {"--principal: ", "column 12", "expected `::`", "^"});
  words[6] = "User::\"alice\" extra";
  expect_parts(error_of(words), {"--principal: ", "extra"});
  expect_parts(error_of({"authorize", "--policies", "@photo.cedar"}), {"--principal", "--request"});
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {"[]", {"must be an object"}},
      {R"({"principal": "U::\"a\""})", {"no `action`"}},
      {R"({"principals": 1})", {"unknown member `principals`"}},
      {R"({"principal": {"type": "U"}, "action": "A::\"a\"", "resource": "R::\"r\""})",
       {"principal", "id"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("request.json", text);
    expect_parts(
        error_of({"authorize", "--policies", "@photo.cedar", "--request", "@request.json"}), parts);
  }
  EXPECT_NE(
      error_of({"authorize", "--policies", "@photo.cedar", "--request", "x", "--principal", "y"})
          .find("usage: "),
      std::string::npos);
}

TEST_F(PolicyCommand, MissingFilesAndFoldersAreNamed) {
  expect_parts(error_of(authorize("@none.cedar", "@photo.json")), {"`@none.cedar`", "opened"});
  std::filesystem::create_directory(path("empty"));
  expect_parts(error_of(authorize("@empty", "@photo.json")), {"`@empty`", "no *.cedar file"});
  expect_parts(error_of(authorize("@photo.cedar", "@empty")), {"`@empty`", "it is a folder"});
  expect_parts(error_of({"test", "@empty"}), {"`@empty`"});
}

TEST_F(PolicyCommand, EscapesForTerminalsAreMadeVisible) {
  write("hostile.cedar", "permit (principal, action, resource) when { \x1b[2J };");
  const std::string message = error_of({"format", "@hostile.cedar"});
  EXPECT_EQ(message.find('\x1b'), std::string::npos) << message;
  EXPECT_NE(message.find('^'), std::string::npos) << message;
}

}  // namespace
}  // namespace keyturn::cli
