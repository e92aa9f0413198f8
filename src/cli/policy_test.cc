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

TEST_F(PolicyCommand, TranslateNeitherLosesNorShiftsIds) {
  const auto policy = [](std::string_view effect, std::string_view annotations) {
    return fmt::format(R"({{"effect": "{}", "principal": {{"op": "All"}}, "action": {{"op": "All"}},
      "resource": {{"op": "All"}}, "conditions": [], "annotations": {{{}}}}})",
                       effect, annotations);
  };
  const auto set_of = [](const std::string& policies) {
    return R"({"staticPolicies": {)" + policies + R"(}, "templates": {}, "templateLinks": []})";
  };
  // One with an @id takes a position all the same.
  write("set.json", set_of(R"("a": )" + policy("permit", R"("id": "a")") + R"(, "policy1": )" +
                           policy("forbid", "") + R"(, "policy0": )" + policy("permit", "") +
                           R"(, "d": )" + policy("permit", R"("id": null, "x": "y")")));
  const auto text = run({"translate", "--to", "cedar", "@set.json"});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->text,
            "@id(\"a\")\npermit (principal, action, resource);\n\n"
            "forbid (principal, action, resource);\n\n"
            "@id(\"policy0\")\npermit (principal, action, resource);\n\n"
            "@id(\"d\")\n@x(\"y\")\npermit (principal, action, resource);\n");
  write("set.json", set_of(R"("a": )" + policy("permit", R"("id": "b")")));
  EXPECT_NE(
      error_of({"translate", "--to", "cedar", "@set.json"}).find("`a` has the annotation @id `b`"),
      std::string::npos);
  write("set.json", set_of(R"("policy0": )" + policy("permit", R"("id": "policy1")") +
                           R"(, "policy1": )" + policy("forbid", "")));
  EXPECT_NE(
      error_of({"translate", "--to", "cedar", "@set.json"}).find("both have the id `policy1`"),
      std::string::npos);
}

TEST_F(PolicyCommand, TranslateCountsTemplatesAfterPolicies) {
  const std::string rest =
      R"("action": {"op": "All"}, "resource": {"op": "All"}, "conditions": []})";
  write("set.json", R"({"staticPolicies": {"policy0": {"effect": "permit", "principal":
    {"op": "All"}, )" + rest +
                        R"(}, "templates": {"policy1": {"effect": "permit", "principal":
    {"op": "==", "slot": "?principal"}, )" +
                        rest + R"(, "t": {"effect": "forbid", "principal":
    {"op": "==", "slot": "?principal"}, )" +
                        rest + R"(}, "templateLinks": []})");
  const auto text = run({"translate", "--to", "cedar", "@set.json"});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->text,
            "permit (principal, action, resource);\n\n"
            "permit (principal == ?principal, action, resource);\n\n"
            "@id(\"t\")\nforbid (principal == ?principal, action, resource);\n");
}

TEST_F(PolicyCommand, FormatWritesNothingWhenAFileIsBrokenAndTouchesNoOtherFile) {
  const std::string ragged = "permit(principal,action,resource);";
  write("a.cedar", ragged);
  write("a.cedar.new", "precious");
  write("z.cedar", "permit(principal");
  EXPECT_NE(error_of({"format", "--write", "@a.cedar", "@z.cedar"}).find("@z.cedar: "),
            std::string::npos);
  EXPECT_EQ(read("a.cedar"), ragged);
  std::filesystem::permissions(path("a.cedar"), std::filesystem::perms(0750));
  std::filesystem::create_symlink(path("a.cedar"), path("link.cedar"));
  const auto answer = run({"format", "--write", "@link.cedar"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(read("a.cedar"), "permit (principal, action, resource);\n");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.cedar")));
  EXPECT_EQ(std::filesystem::status(path("a.cedar")).permissions(), std::filesystem::perms(0750));
  EXPECT_EQ(read("a.cedar.new"), "precious");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with("a.cedar")) ++files;
  }
  EXPECT_EQ(files, 2U);
}

TEST_F(PolicyCommand, ATestWithoutCasesIsAnError) {
  write("cases/none.json", R"({"about": "later", "cases": []})");
  const std::string message =
      error_of({"test", std::string(KEYTURN_SOURCE_DIR) + "/policies", "--cases", "@cases"});
  EXPECT_NE(message.find("have no case"), std::string::npos) << message;
  EXPECT_NE(message.find("policies/README.md"), std::string::npos) << message;
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
  EXPECT_EQ(*json.find("policies")->if_integer(), 12);
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
                           "1 case, 1 failure; 1 of 12 policies exercised\n"}) {
    EXPECT_NE(failed->text.find(part), std::string::npos) << part << "\n" << failed->text;
  }
}

}  // namespace
}  // namespace keyturn::cli
