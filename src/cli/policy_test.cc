#include "cli/cli.h"
#include "cli/policy_fixture_test.h"

namespace keyturn::cli {
namespace {

Json json_of(const Result<Answer>& answer) {
  EXPECT_TRUE(answer) << answer.error().message;
  if (!answer) return Json();
  const Result<Json> json = parse_strict(answer->text);
  EXPECT_TRUE(json) << answer->text;
  return json ? *json : Json();
}

TEST_F(PolicyCommand, ValidateTellsPlaceCaretAndHelp) {
  write("bad.cedar",
        "permit (principal, action, resource) when {\n  principal.email == \"a\" };\n"
        "permit (principal is Usr, action, resource);\n");
  const auto answer = run({"validate", "--schema", "@photo.cedarschema", "@bad.cedar"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->exit_code, kFailed);
  for (const char* part :
       {"policy `policy0`: unable to guarantee safety of access to optional attribute",
        "at line 2, column 3", "    principal.email == \"a\" };\n    ^^^^^^^^^^^^^^^\n",
        "help: test that it is there first", "unrecognized entity type `Usr`",
        "help: did you mean `User`?", "2 policies in 1 file"}) {
    EXPECT_NE(answer->text.find(part), std::string::npos) << part << "\n" << answer->text;
  }
}

TEST_F(PolicyCommand, ValidateGoesOnAfterAFileThatDoesNotParse) {
  write("pack/a.cedar", "permit (principal");
  write("pack/b.cedar", kPhotoPolicies);
  const Json json = json_of(run({"validate", "--schema", "@photo.cedarschema", "--json", "@pack"}));
  EXPECT_EQ(json.find("policies")->if_integer() == nullptr, false);
  EXPECT_EQ(*json.find("policies")->if_integer(), 3);
  ASSERT_EQ(json.find("errors")->if_array()->size(), 1U);
  const Json& error = json.find("errors")->if_array()->front();
  EXPECT_TRUE(error.string_or("file", "").ends_with("a.cedar"));
  EXPECT_TRUE(error.string_or("message", "").starts_with("unexpected"))
      << error.string_or("message", "");
}

TEST_F(PolicyCommand, PermissiveAndLevelsChangeTheVerdict) {
  write("mixed.cedar", "permit (principal, action, resource) when { principal.level == \"a\" };");
  EXPECT_EQ(run({"validate", "--schema", "@photo.cedarschema", "@mixed.cedar"})->exit_code,
            kFailed);
  EXPECT_EQ(run({"validate", "--schema", "@photo.cedarschema", "--permissive", "@mixed.cedar"})
                ->exit_code,
            kDone);
  const std::vector<std::string> level = {"validate", "--schema", "@photo.cedarschema", "--level"};
  auto words = level;
  words.insert(words.end(), {"0", "@photo.cedar"});
  EXPECT_EQ(run(words)->exit_code, kFailed);
  words = level;
  words.insert(words.end(), {"1", "@photo.cedar"});
  EXPECT_EQ(run(words)->exit_code, kDone);
}

TEST_F(PolicyCommand, ValidateChecksEntitiesToo) {
  write("odd.json", R"([{"uid": {"type": "Robot", "id": "x"}, "attrs": {}, "parents": []}])");
  const auto answer = run(
      {"validate", "--schema", "@photo.cedarschema", "--entities", "@odd.json", "@photo.cedar"});
  EXPECT_EQ(answer->exit_code, kFailed);
  EXPECT_NE(answer->text.find("`Robot`"), std::string::npos) << answer->text;
}

TEST_F(PolicyCommand, LookAlikesAreWarnings) {
  write("look.cedar",
        "permit (principal == User::\"\xd0\xb0lice\", action, resource);");  // a Cyrillic a
  const auto answer = run({"validate", "--schema", "@photo.cedarschema", "@look.cedar"});
  EXPECT_EQ(answer->exit_code, kDone);
  EXPECT_NE(answer->text.find("mixed scripts at line 1"), std::string::npos) << answer->text;
}

TEST_F(PolicyCommand, FormatPrintsChecksAndWrites) {
  const std::string ragged = "permit(principal,action,resource)when{ 1==1 };";
  write("ragged.cedar", ragged);
  const auto printed = run({"format", "@ragged.cedar"});
  ASSERT_TRUE(printed);
  EXPECT_NE(printed->text, ragged);
  EXPECT_EQ(run({"format", "--check", "@ragged.cedar"})->exit_code, kFailed);
  EXPECT_EQ(read("ragged.cedar"), ragged);
  EXPECT_EQ(run({"format", "--write", "@ragged.cedar"})->exit_code, kDone);
  EXPECT_EQ(read("ragged.cedar"), printed->text);
  EXPECT_FALSE(std::filesystem::exists(path("ragged.cedar.new")));
  const auto again = run({"format", "--check", "@ragged.cedar"});
  EXPECT_EQ(again->exit_code, kDone);
  EXPECT_EQ(again->text, "");
}

TEST_F(PolicyCommand, ALinkStaysALinkWhenItsFileIsFormatted) {
  write("ragged.cedar", "permit(principal,action,resource);");
  std::filesystem::create_symlink(path("ragged.cedar"), path("link.cedar"));
  EXPECT_EQ(run({"format", "--write", "@link.cedar"})->exit_code, kDone);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.cedar")));
  EXPECT_EQ(read("ragged.cedar"), "permit (principal, action, resource);\n");
}

TEST_F(PolicyCommand, AFileThatDoesNotParseIsLeftAlone) {
  write("broken.cedar", "permit (principal, action");
  EXPECT_FALSE(run({"format", "--write", "@broken.cedar"}));
  EXPECT_EQ(read("broken.cedar"), "permit (principal, action");
}

TEST_F(PolicyCommand, TranslateGoesBothWays) {
  const auto json = run({"translate", "--to", "json", "@photo.cedar"});
  ASSERT_TRUE(json) << json.error().message;
  write("set.json", json->text);
  const auto text = run({"translate", "--to", "cedar", "@set.json"});
  ASSERT_TRUE(text) << text.error().message;
  write("again.cedar", text->text);
  const auto again = run({"translate", "--to", "json", "@again.cedar"});
  EXPECT_EQ(again->text, json->text);

  const auto schema = run({"translate", "--schema", "--to", "json", "@photo.cedarschema"});
  ASSERT_TRUE(schema) << schema.error().message;
  write("schema.json", schema->text);
  const auto back = run({"translate", "--schema", "--to", "cedar", "@schema.json"});
  ASSERT_TRUE(back) << back.error().message;
  write("back.cedarschema", back->text);
  EXPECT_EQ(run({"translate", "--schema", "--to", "json", "@back.cedarschema"})->text,
            schema->text);
}

TEST_F(PolicyCommand, TranslateKeepsIdsAndTakesASinglePolicyOrTemplate) {
  const std::string policy =
      R"({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"},
          "resource": {"op": "All"}, "conditions": []})";
  write("one.json", policy);
  EXPECT_EQ(run({"translate", "--to", "cedar", "@one.json"})->text,
            "permit (principal, action, resource);\n");
  write("set.json", R"({"staticPolicies": {"everyone": )" + policy +
                        R"(}, "templates": {}, "templateLinks": []})");
  EXPECT_EQ(run({"translate", "--to", "cedar", "@set.json"})->text,
            "@id(\"everyone\")\npermit (principal, action, resource);\n");
  write("template.cedar", "permit (principal == ?principal, action, resource);");
  const auto json = run({"translate", "--to", "json", "@template.cedar"});
  ASSERT_TRUE(json);
  EXPECT_NE(json->text.find("?principal"), std::string::npos);
}

TEST_F(PolicyCommand, LinksStayInJson) {
  write("set.json", R"({"staticPolicies": {}, "templates": {"t": {"effect": "permit",
    "principal": {"op": "==", "slot": "?principal"}, "action": {"op": "All"},
    "resource": {"op": "All"}, "conditions": []}}, "templateLinks": [{"templateId": "t",
    "newId": "l", "values": {"?principal": {"type": "User", "id": "alice"}}}]})");
  EXPECT_NE(error_of({"translate", "--to", "cedar", "@set.json"}).find("links templates"),
            std::string::npos);
  const auto answer = run({"authorize", "--policies", "@set.json", "--principal", "User::\"alice\"",
                           "--action", "Action::\"a\"", "--resource", "R::\"r\""});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->text, "allow\n  by `l`\n");
}

TEST_F(PolicyCommand, AuthorizeAllowsAndDeniesWithReasons) {
  write("context.json", R"({"mfa": false})");
  const std::vector<std::string> edit = {
      "authorize",       "--policies", "@photo.cedar",       "--entities",
      "@photo.json",     "--schema",   "@photo.cedarschema", "--principal",
      "User::\"alice\"", "--action",   "Action::\"edit\"",   "--resource",
      "Photo::\"sea\"",  "--context",  "@context.json"};
  const auto denied = run(edit);
  ASSERT_TRUE(denied) << denied.error().message;
  EXPECT_EQ(denied->exit_code, kPolicyDenies);
  EXPECT_EQ(denied->text, "deny\n  by `nobody-without-mfa`\n");

  write("request.json", R"({"principal": "User::\"alice\"", "action": {"type": "Action",
    "id": "edit"}, "resource": {"__entity": {"type": "Photo", "id": "sea"}},
    "context": {"mfa": true}})");
  const auto allowed = run({"authorize", "--policies", "@photo.cedar", "--entities", "@photo.json",
                            "--request", "@request.json", "--json"});
  EXPECT_EQ(allowed->exit_code, kDone);
  EXPECT_EQ(to_canonical(json_of(allowed)),
            R"({"decision":"allow","errors":[],"reasons":["owners"]})");
}

TEST_F(PolicyCommand, APolicyThatFailsIsNamedAndSkipped) {
  write("context.json", "{}");
  const auto answer = run({"authorize", "--policies", "@photo.cedar", "--entities", "@photo.json",
                           "--principal", "User::\"bob\"", "--action", "Action::\"view\"",
                           "--resource", "Photo::\"sea\"", "--context", "@context.json"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->exit_code, kPolicyDenies);
  EXPECT_NE(answer->text.find("skipped `friends-view`, which failed: "), std::string::npos)
      << answer->text;
}

TEST_F(PolicyCommand, ExplainShowsScopeConditionsAndWhatDecided) {
  write("request.json", R"({"principal": {"type": "User", "id": "bob"}, "action":
    {"type": "Action", "id": "view"}, "resource": {"type": "Photo", "id": "sea"},
    "context": {"mfa": true}})");
  const auto answer = run({"explain", "--policies", "@photo.cedar", "--entities", "@photo.json",
                           "--schema", "@photo.cedarschema", "--request", "@request.json"});
  ASSERT_TRUE(answer) << answer.error().message;
  for (const char* part :
       {"deny\n  because no policy permits it\n",
        "permit `friends-view` does not apply: a condition is not met\n"
        "  scope: principal matches, action matches, resource matches\n",
        "    false, decided by:\n      principal.level >= 2\n      where principal.level is 1\n",
        "  unless { resource.private }\n    not reached\n",
        "forbid `nobody-without-mfa` is about other requests\n"
        "  scope: principal matches, action does not match, resource matches\n"}) {
    EXPECT_NE(answer->text.find(part), std::string::npos) << part << "\n" << answer->text;
  }
  const Json json = json_of(run({"explain", "--policies", "@photo.cedar", "--entities",
                                 "@photo.json", "--request", "@request.json", "--json"}));
  ASSERT_EQ(json.find("policies")->if_array()->size(), 3U);
  EXPECT_EQ(json.find("policies")->if_array()->at(1).string_or("policy", ""), "friends-view");
}

TEST_F(PolicyCommand, SeveralFilesAreOneSet) {
  write("pack/a.cedar", "permit (principal, action, resource);");
  write("pack/b.cedar", "forbid (principal, action, resource);");
  const std::vector<std::string> request = {"--principal",   "U::\"u\"",   "--action",
                                            "Action::\"a\"", "--resource", "R::\"r\""};
  std::vector<std::string> words = {"authorize", "--policies", "@pack"};
  words.insert(words.end(), request.begin(), request.end());
  const auto answer = run(words);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->text, "deny\n  by `" + path("pack/b.cedar") + "#policy0`\n");
}

TEST_F(PolicyCommand, TestRunsThePacksCasesAndNamesWhatNoneExercises) {
  const std::string pack = std::string(KEYTURN_SOURCE_DIR) + "/policies";
  const Json json = json_of(run({"test", pack, "--json"}));
  EXPECT_GE(*json.find("cases")->if_integer(), 27);
  EXPECT_TRUE(json.find("failures")->if_array()->empty());
  EXPECT_EQ(*json.find("policies")->if_integer(), 11);
  EXPECT_TRUE(json.find("not_exercised")->if_array()->empty());

  write("cases/one.json", R"({"about": "observe", "cases": [{"name": "wrongly", "action":
    {"effect": "observe", "understood": true, "tiers": ["production"]}, "reviewers": 0,
    "approvals": 0, "verdict": "deny", "approvals_needed": 0}]})");
  const auto failed = run({"test", pack, "--cases", "@cases"});
  ASSERT_TRUE(failed) << failed.error().message;
  EXPECT_EQ(failed->exit_code, kFailed);
  for (const char* part : {"one.json: observe wrongly\n  expected deny, 0 approvals needed\n"
                           "  got      allow, 0 approvals needed, by observe-anywhere\n",
                           "not exercised: no case is decided by `reveal-below-production`",
                           "1 case, 1 failure; 1 of 11 policies exercised\n"}) {
    EXPECT_NE(failed->text.find(part), std::string::npos) << part << "\n" << failed->text;
  }
}

class CorpusCommand : public PolicyCommand {
 protected:
  // A case that agrees when `decision` is allow.
  void add(std::string_view id, std::string_view decision) const {
    write(fmt::format("corpus/{}.cedar", id), "permit (principal, action, resource);");
    write(fmt::format("corpus/{}.cedarschema", id),
          "entity U, R; action a appliesTo { principal: U, resource: R };");
    write(fmt::format("corpus/{}.entities.json", id), "[]");
    write(fmt::format("corpus/{}.json", id),
          fmt::format(R"({{"policies": "{0}.cedar", "schema": "{0}.cedarschema", "entities":
            "{0}.entities.json", "shouldValidate": true, "requests": [{{"description": "r",
            "principal": {{"type": "U", "id": "u"}}, "action": {{"type": "Action", "id": "a"}},
            "resource": {{"type": "R", "id": "r"}}, "context": {{}}, "decision": "{1}",
            "reason": ["policy0"], "errors": []}}]}})",
                      id, decision));
  }
};

TEST_F(CorpusCommand, CountsWhatAgreesAndPrintsALineForWhatDoesNot) {
  add("aa", "allow");
  EXPECT_EQ(run({"corpus", "@corpus"})->text, "1 cases, 1 requests, 0 disagree\n");
  add("bb", "deny");
  const auto answer = run({"corpus", "@corpus", "--json"});
  EXPECT_EQ(answer->exit_code, kFailed);
  EXPECT_EQ(answer->text,
            "{\"id\":\"bb\",\"where\":\"request 0\",\"expected\":\"deny [policy0] errors []\","
            "\"actual\":\"allow [policy0] errors []\"}\n"
            "2 cases, 2 requests, 1 disagree\n");
}

TEST_F(CorpusCommand, AMissingOrMalformedFileIsADisagreementAndTheRestRuns) {
  for (const char* id : {"aa", "bb", "cc", "dd", "ee", "ff"}) add(id, "allow");
  std::filesystem::remove(path("corpus/aa.cedar"));
  write("corpus/bb.json", "{\"policies\": ");
  write("corpus/cc.json", "{\"policies\": \"cc.cedar\"}");
  write("corpus/dd.cedarschema", "entity");
  write("corpus/ee.entities.json", "\xff");
  const auto answer = run({"corpus", "@corpus"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->exit_code, kFailed);
  EXPECT_TRUE(answer->text.ends_with("\n6 cases, 1 requests, 5 disagree\n")) << answer->text;
  EXPECT_NE(answer->text.find("aa, case: expected"), std::string::npos) << answer->text;
}

TEST_F(CorpusCommand, VerdictsAreComparedWhereTheyAreGiven) {
  add("aa", "allow");
  write("verdicts/aa.validation.json",
        R"({"policyValidation": {"strict": true, "permissive": false}})");
  const auto answer = run({"corpus", "@corpus", "--validation", "@verdicts"});
  EXPECT_EQ(answer->text,
            "aa, permissive: expected invalid, got valid\n"
            "1 cases, 1 requests, 1 disagree\n");
  EXPECT_NE(error_of({"corpus", "@corpus", "--validation", "@nowhere"}).find("`@nowhere`"),
            std::string::npos);
  std::filesystem::create_directory(path("empty"));
  EXPECT_NE(error_of({"corpus", "@corpus", "--validation", "@empty"}).find("validation.json"),
            std::string::npos);
  EXPECT_NE(error_of({"corpus", "@empty"}).find("no corpus case"), std::string::npos);
}

}  // namespace
}  // namespace keyturn::cli
