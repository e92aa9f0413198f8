// Malformed input is an error that says what, where and the way out; never a crash or half a load.
#include "base/bytes.h"
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
      {"[]", {"must be an object", "at line 1, column 1"}},
      {R"({"principal": "U::\"a\""})", {"no `action`", "at line 1, column 1"}},
      {R"({"principals": 1})", {"unknown member `principals`", "column 16 (`/principals`)"}},
      {R"({"principal": {"type": "U"}, "action": "A::\"a\"", "resource": "R::\"r\""})",
       {"`principal`", "`id`", "at line 1, column 15 (`/principal`)"}},
      {R"({"principal": {"type": "U", "id": 7}, "action": "A::\"a\""})",
       {"`id`", "column 35 (`/principal/id`)"}},
      {"{\"principal\":\n  \"U::a\"}",
       {"`principal`, in the string at line 2, column 3 (`/principal`): ", "line 1, column 5",
        "^"}},
      {"{\"principal\": {\"type\": \"U U\", \"id\": \"a\"}, \"action\": \"A::\\\"a\\\"\",\n"
       "\"resource\": \"R::\\\"r\\\"\"}",
       {"`U U` is not a valid entity type name", "column 15 (`/principal`)"}},
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

TEST_F(PolicyCommand, ARequestThatDoesNotFitTheSchemaIsToldByItsPlace) {
  write(
      "r.cedarschema",
      "entity U enum [\"u\"]; entity R;\naction a appliesTo { principal: U, resource: R, context: "
      "{ level: Long, who?: Set<{ u: U }>, net?: ipaddr } };");
  const auto with = [](std::string_view principal, std::string_view action,
                       std::string_view resource, std::string_view context) {
    return fmt::format(
        "{{\"principal\": {{\"type\": \"{}\", \"id\": \"u\"}},\n\"action\": "
        "\"Action::\\\"{}\\\"\",\n"
        "\"resource\": {{\"type\": \"{}\", \"id\": \"r\"}},\n\"context\": {}}}",
        principal, action, resource, context);
  };
  const std::pair<std::string, std::string> wrong[] = {
      {with("V", "a", "R", "{}"), "at line 1, column 15 (`/principal`)"},
      {with("R", "a", "R", "{}"), "at line 1, column 15 (`/principal`)"},
      {with("U", "b", "R", "{}"), "at line 2, column 11 (`/action`)"},
      {with("U", "a", "U", "{}"), "at line 3, column 13 (`/resource`)"},
      {with("U", "a", "R", "[]"), "at line 4, column 12 (`/context`)"},
      {with("U", "a", "R", "{}"), "at line 4, column 12 (`/context`)"},
      {with("U", "a", "R", R"({"level": "7"})"), "at line 4, column 22 (`/context/level`)"},
      {with("U", "a", "R", R"({"level": 7, "net": "1.2"})"), "column 32 (`/context/net`)"},
      {with("U", "a", "R", R"({"level": 7, "who": [{"u": {"type": "U", "id": "u"}},
                                                    {"u": {"type": "U", "id": "w"}}]})"),
       "at line 5, column 59 (`/context/who/1/u`)"},
      {with("U", "a", "R", R"({"level": 7, "who": [{"u": {"type": "R", "id": "r"}}]})"),
       "column 39 (`/context/who/0/u`)"},
  };
  const Words words = {"authorize",      "--policies", "@photo.cedar", "--schema",
                       "@r.cedarschema", "--request",  "@r.json"};
  for (const auto& [text, place] : wrong) {
    write("r.json", text);
    expect_parts(error_of(words), {"@r.json: ", place});
  }
  write("context.json", "\n  {\"level\":\n true}");
  expect_parts(error_of({"authorize", "--policies", "@photo.cedar", "--schema", "@r.cedarschema",
                         "--principal", "U::\"u\"", "--action", "Action::\"a\"", "--resource",
                         "R::\"r\"", "--context", "@context.json"}),
               {"@context.json: ", "at line 3, column 2 (`/level`)"});
}

TEST_F(PolicyCommand, AnEntityThatDoesNotFitTheSchemaIsToldByTheValueThatDoesNot) {
  write("e.cedarschema",
        "entity U enum [\"u\"]; entity G; entity A in [G] { list: Set<{ n: Long, u?: U }> };");
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {R"("parents": [], "attrs": {"list": [{"n": 1}, {"n": "1"}]})", "(`/0/attrs/list/1/n`)"},
      {R"("parents": [], "attrs": {"list": [{"n": 1, "u": {"type": "U", "id": "v"}}]})",
       "(`/0/attrs/list/0/u`)"},
      {R"("parents": [{"type": "G", "id": "g"}, {"type": "U", "id": "u"}], "attrs": {"list": []})",
       "(`/0/parents/1`)"},
  };
  for (const auto& [rest, place] : wrong) {
    write("e.json", fmt::format(R"([{{"uid": {{"type": "A", "id": "a"}}, {}}}])", rest));
    Words words = authorize("@photo.cedar", "@e.json");
    words.insert(words.end(), {"--schema", "@e.cedarschema"});
    expect_parts(error_of(words), {"@e.json: ", "at line 1, column ", std::string(place)});
  }
}

TEST_F(PolicyCommand, ValidationTellsThePlaceInPoliciesOfJson) {
  write("p.json", R"({"staticPolicies": {"one": {
  "effect": "permit", "principal": {"op": "==", "entity": {"type": "Usr", "id": "a"}},
  "action": {"op": "All"}, "resource": {"op": "All"},
  "conditions": [{"kind": "when", "body":
    {"==": {"left": {".": {"left": {"Var": "principal"}, "attr": "emial"}},
            "right": {"Value": 7}}}}]}}, "templates": {}, "templateLinks": []})");
  const auto answer = run({"validate", "--schema", "@photo.cedarschema", "@p.json"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->exit_code, kFailed);
  expect_parts(answer->text, {"unrecognized entity type `Usr` at line 2, column 36 "
                              "(`/staticPolicies/one/principal`)"});
  write("p.json", R"({"effect": "permit", "principal": {"op": "is", "entity_type": "User"},
  "action": {"op": "==", "entity": {"type": "Action", "id": "view"}}, "resource": {"op": "All"},
  "conditions": [{"kind": "when", "body":
    {"==": {"left": {".": {"left": {"Var": "principal"}, "attr": "emial"}},
            "right": {"Value": "7"}}}}]})");
  const auto second = run({"validate", "--schema", "@photo.cedarschema", "@p.json"});
  ASSERT_TRUE(second) << second.error().message;
  expect_parts(second->text, {"`emial`", "at line 4, column 27 (`/conditions/0/body/==/left/.`)"});
}

// What is written in little and worked out in much: a limit, or work that grows with the text.
TEST_F(PolicyCommand, LargeSchemasAreReadOrRefusedInNoLongTime) {
  const auto list = [](std::size_t count, std::string_view before, std::string_view after) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}{}{}", before, i, after);
    return text;
  };
  const auto chain = [](std::string_view kind, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += fmt::format("{0} n{1} in [n{2}];\n", kind, i, i + 1);
    }
    return text + fmt::format("{} n{};", kind, count);
  };
  const std::string types = list(2'000, "entity U", ";\n");
  const std::string names = list(2'000, ", U", "").substr(2);
  const std::pair<std::string, std::vector<std::string>> wrong[] = {
      {chain("entity", 20'000), {"more than 262144 ancestors in all", "at line "}},
      {chain("action", 20'000), {"more than 262144 ancestors in all", "at line "}},
      {"entity A = {" + list(150'000, "k", ": Long,") + "};",
       {"expands to more than 65536 types", "at line 1, column"}},
      {types + "action a appliesTo { principal: [" + names + "], resource: [" + names + "] };",
       {"pairs of a principal and a resource", "at line 2001, column 1"}},
      {types + "action " + list(100'000, ", a", "").substr(2) + " appliesTo { principal: [" +
           names + "], resource: U0 };",
       {"when each is written out", "at line 2001, column 1"}},
      {"{\"\": {\"entityTypes\": {\"A\": {}}, \"actions\": {" +
           list(20'000, "\"n", "\": {\"memberOf\": [{\"id\": \"m\"}]}, ") +
           "\"m\": {\"memberOf\": " + "[{\"id\": \"n0\"}]}}}}",
       {"cycle in action hierarchy", "at line 1, column", "(`//actions/"}},
  };
  for (const auto& [text, parts] : wrong) {
    write("large.cedarschema", text);
    expect_parts(error_of({"validate", "--schema", "@large.cedarschema", "@photo.cedar"}), parts);
  }
  write("large.cedarschema", list(100'000, "entity A", ";\n") + list(50'000, "type T", " = Long;"));
  const auto json = run({"translate", "--schema", "--to", "json", "@large.cedarschema"});
  ASSERT_TRUE(json) << json.error().message;
  write("large.cedar", list(3'000, "permit (principal is B", ", action, resource);\n"));
  const auto answer = run({"validate", "--schema", "@large.cedarschema", "@large.cedar"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_NE(answer->text.find("did you mean `A"), std::string::npos);
  EXPECT_TRUE(answer->text.find("3000 policies in 1 file: ") != std::string::npos);
}

// Each file, template and link is looked at once, not once for every other.
TEST_F(PolicyCommand, ManyFilesTemplatesAndLinksAreReadInNoLongTime) {
  std::filesystem::create_directory(path("pack"));
  for (int i = 0; i < 1'000; ++i) {
    write(fmt::format("pack/{}.cedar", i), repeated("permit(principal,action,resource);", 100));
  }
  const auto many = run({"validate", "--schema", "@photo.cedarschema", "@pack"});
  ASSERT_TRUE(many) << many.error().message;
  EXPECT_NE(many->text.find("100000 policies in 1000 files"), std::string::npos) << many->text;
  write("templates.cedar", repeated("permit(principal==?principal,action,resource);", 100'000));
  const auto templates = run({"validate", "--schema", "@photo.cedarschema", "@templates.cedar"});
  ASSERT_TRUE(templates) << templates.error().message;
  std::string set = R"({"staticPolicies": {}, "templates": {)";
  std::string links;
  for (int i = 0; i < 20'000; ++i) {
    const char* comma = i == 0 ? "" : ",";
    set += fmt::format(R"({0}"t{1}":{{"effect":"permit","principal":{{"op":"==","slot":)"
                       R"("?principal"}},"action":{{"op":"All"}},"resource":{{"op":"All"}},)"
                       R"("conditions":[]}})",
                       comma, i);
    links += fmt::format(R"({0}{{"templateId":"t{1}","newId":"l{1}","values":{{"?principal":)"
                         R"({{"type":"User","id":"alice"}}}}}})",
                         comma, i);
  }
  write("links.json", set + R"(}, "templateLinks": [)" + links + "]}");
  const auto decided = run(authorize("@links.json", "@photo.json"));
  ASSERT_TRUE(decided) << decided.error().message;
  EXPECT_TRUE(decided->text.starts_with("allow\n"));
}

TEST_F(PolicyCommand, AWideEntityIsHeldAgainstAWideTypeInNoLongTime) {
  std::string schema = "entity A = {";
  std::string entity = R"([{"uid": {"type": "A", "id": "a"}, "parents": [], "attrs": {)";
  for (int i = 0; i < 60'000; ++i) {
    schema += fmt::format("k{}: Long, ", i);
    entity += fmt::format("{}\"k{}\": {}", i == 0 ? "" : ", ", i, i);
  }
  write("wide.cedarschema", schema + "};");
  write("wide.json", entity + "}}]");
  write("wide.cedar", "permit (principal, action, resource);");
  const auto answer =
      run({"validate", "--schema", "@wide.cedarschema", "--entities", "@wide.json", "@wide.cedar"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->text.find("wide.json"), std::string::npos) << answer->text;
}

// `a && b && …` is flat in text and nests in JSON.
TEST_F(PolicyCommand, ALongChainIsReadButRefusedAsJsonWhereItWouldBeTooDeep) {
  const auto chained = [&](std::size_t count, std::string_view op) {
    return "permit (principal, action, resource)\nwhen { true" + repeated(op, count - 1) + " };";
  };
  for (const std::string_view op : {" && true", " || true"}) {
    write("chain.cedar", chained(600, op));
    const auto json = run({"translate", "--to", "json", "@chain.cedar"});
    ASSERT_TRUE(json) << json.error().message;
    write("chain.json", json->text);
    const auto back = run({"translate", "--to", "cedar", "@chain.json"});
    ASSERT_TRUE(back) << back.error().message;
    for (const std::size_t count : {700U, 200'000U}) {
      write("chain.cedar", chained(count, op));
      expect_parts(error_of({"translate", "--to", "json", "@chain.cedar"}),
                   {"policy `policy0`: in JSON this nests deeper than 1220 levels", "split",
                    "at line 2, column 8"});
      EXPECT_TRUE(run({"format", "@chain.cedar"}));
    }
  }
}

// A message may quote what it is about, and that may be as long as the text.
TEST_F(PolicyCommand, MessagesAreShortAndValidUtf8) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "\"é\", ";
  const std::string long_name(1U << 20U, 'n');
  const std::pair<std::string, std::string> wrong[] = {
      {"request.json", R"({"principal": "U::\"u\"", "action": "Action::\"a\"",
        "resource": "R::\"r\"", "context": [)" +
                           many + "1]}"},
      {"request.json", R"({"principal": "U::\"u\"", "action": "Action::\"a\"", "resource":
        {"type": 1, "id": ")" +
                           long_name + "\"}}"},
      {"entities.json", "[{\"uid\": [" + many + "1], \"attrs\": {}, \"parents\": []}]"},
      {"entities.json", "[{\"uid\": {\"type\": \"A\", \"id\": \"" + long_name + "\"}}]"},
      {"policies.json", R"({"effect": "permit", "principal": {"op": "All"}, "action":
        {"op": "All"}, "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": [)" +
                            many + "1]}]}"},
  };
  for (const auto& [name, text] : wrong) {
    write("request.json",
          R"({"principal": "U::\"u\"", "action": "Action::\"a\"", "resource": "R::\"r\""})");
    write("entities.json", "[]");
    write("policies.json", R"({"staticPolicies": {}, "templates": {}, "templateLinks": []})");
    write(name, text);
    const std::string message = error_of({"authorize", "--policies", "@policies.json", "--entities",
                                          "@entities.json", "--request", "@request.json"});
    EXPECT_LT(message.size(), 9'000U) << name;
    EXPECT_TRUE(is_valid_utf8(message)) << name;
  }
}

TEST_F(PolicyCommand, MissingFilesAndFoldersAreNamed) {
  expect_parts(error_of(authorize("@none.cedar", "@photo.json")), {"`@none.cedar`", "opened"});
  std::filesystem::create_directory(path("empty"));
  expect_parts(error_of(authorize("@empty", "@photo.json")), {"`@empty`", "no *.cedar file"});
  expect_parts(error_of(authorize("@photo.cedar", "@empty")), {"`@empty`", "it is a folder"});
  expect_parts(error_of({"test", "@empty"}), {"`@empty`"});
  std::filesystem::create_symlink(path("loop"), path("loop"));
  const std::string odd[] = {"@loop", "@" + std::string(300, 'x'), "/proc/self/mem", "/dev/zero"};
  for (const std::string& name : odd) {
    EXPECT_LT(error_of(authorize(name, "@photo.json")).size(), 600U);
    EXPECT_LT(error_of(authorize("@photo.cedar", name)).size(), 600U);
    EXPECT_LT(error_of({"validate", "--schema", name, "@photo.cedar"}).size(), 600U);
    EXPECT_LT(error_of({"format", "--write", name}).size(), 600U);
    EXPECT_LT(error_of({"test", name}).size(), 600U);
    EXPECT_LT(error_of({"corpus", name}).size(), 600U);
  }
}

TEST_F(PolicyCommand, EscapesForTerminalsAreMadeVisible) {
  write("hostile.cedar", "permit (principal, action, resource) when { \x1b[2J };");
  const std::string message = error_of({"format", "@hostile.cedar"});
  EXPECT_EQ(message.find('\x1b'), std::string::npos) << message;
  EXPECT_NE(message.find('^'), std::string::npos) << message;
}

}  // namespace
}  // namespace keyturn::cli
