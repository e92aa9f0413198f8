// `keyturn policy corpus`.
#include <sys/stat.h>

#include "cedar/corpus.h"
#include "cli/cli.h"
#include "cli/policy_fixture_test.h"

namespace keyturn::cli {
namespace {

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
  EXPECT_TRUE(
      answer->text.ends_with("\n1 file could not be read\n5 cases, 1 requests, 5 disagree\n"))
      << answer->text;
  EXPECT_NE(answer->text.find("aa, case: expected"), std::string::npos) << answer->text;
}

TEST_F(CorpusCommand, VerdictsAreComparedWhereTheyAreGiven) {
  add("aa", "allow");
  write("verdicts/aa.validation.json",
        R"({"policyValidation": {"strict": true, "permissive": false}})");
  const auto answer = run({"corpus", "@corpus", "--validation", "@verdicts"});
  EXPECT_EQ(answer->text,
            "aa, permissive: expected invalid, got valid\n"
            "2 verdicts compared, in 1 of 1 case\n"
            "1 cases, 1 requests, 1 disagree\n");
  EXPECT_NE(error_of({"corpus", "@corpus", "--validation", "@nowhere"}).find("`@nowhere`"),
            std::string::npos);
  std::filesystem::create_directory(path("empty"));
  EXPECT_NE(error_of({"corpus", "@corpus", "--validation", "@empty"}).find("validation.json"),
            std::string::npos);
  EXPECT_NE(error_of({"corpus", "@empty"}).find("no corpus case"), std::string::npos);
}

TEST_F(CorpusCommand, VerdictsOfEntitiesAndRequestsAreComparedToo) {
  add("aa", "allow");
  const auto companion = [&](std::string_view rest) {
    write(
        "verdicts/aa.validation.json",
        fmt::format(R"({{"policyValidation": {{"strict": true, "permissive": true}}, {}}})", rest));
    const auto answer = run({"corpus", "@corpus", "--validation", "@verdicts"});
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->text : std::string();
  };
  EXPECT_EQ(companion(R"("entityValidation": {"perEntity": {"U::u": {}}},
                         "requestValidation": [{"strict": true, "permissive": true}])"),
            "5 verdicts compared, in 1 of 1 case\n1 cases, 1 requests, 0 disagree\n");
  EXPECT_EQ(companion(R"("requestValidation": [{"strict": false, "permissive": true}])"),
            "aa, request 0, strict: expected invalid, got valid\n"
            "4 verdicts compared, in 1 of 1 case\n1 cases, 1 requests, 1 disagree\n");
  EXPECT_NE(companion(R"("entityValidation": {"perEntity": {"U::u": {"strictErrors": ["x"]}}})")
                .find("aa, entity U::u: expected invalid"),
            std::string::npos);
  for (const char* wrong : {R"("requestValidation": [])", R"("requestValidation": [{"strict": 1}])",
                            R"("entityValidation": {})", R"("entityValidation": {"perEntity": []})",
                            R"("entityValidation": {"perEntity": {"a": 1}})"}) {
    const std::string text = companion(wrong);
    EXPECT_NE(text.find("aa, case: "), std::string::npos) << text;
    EXPECT_NE(text.find("aa.validation.json"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with(" 1 disagree\n")) << text;
  }
}

TEST_F(CorpusCommand, AnExpectationThatIsMissingOrOfAWrongTypeDisagrees) {
  const std::pair<std::string, std::string> wrong[] = {
      {R"("reason": ["policy0"])", R"("reason": "policy0")"},
      {R"("reason": ["policy0"])", R"("reason": [0])"},
      {R"("reason": ["policy0"])", R"("reasons": ["policy0"])"},
      {R"("errors": [])", R"("errors": {})"},
      {R"("errors": [])", R"("error": [])"},
      {R"("decision": "allow")", R"("decision": "Allow")"},
      {R"("decision": "allow")", R"("decision": true)"},
      {R"("description": "r",)", R"("validateRequest": "no",)"},
      {R"("shouldValidate": true)", R"("shouldValidate": "true")"},
      {R"("shouldValidate": true)", R"("should_validate": true)"},
      {R"("requests": [)", R"("requests": 1, "x": [)"},
      {R"("requests": [)", R"("requests": [1, )"},
      {R"({"type": "U", "id": "u"})", R"({"type": "U"})"},
      {R"({"type": "U", "id": "u"})", R"("U::\"u\"")"},
  };
  for (const auto& [good, bad] : wrong) {
    add("aa", "allow");
    std::string text = read("corpus/aa.json");
    const std::size_t at = text.find(good);
    ASSERT_NE(at, std::string::npos) << good;
    write("corpus/aa.json", text.replace(at, good.size(), bad));
    const auto answer = run({"corpus", "@corpus"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->exit_code, kFailed) << bad;
    EXPECT_TRUE(answer->text.starts_with("aa, case: ")) << bad << "\n" << answer->text;
    EXPECT_NE(answer->text.find("aa.json: "), std::string::npos) << answer->text;
    EXPECT_TRUE(answer->text.ends_with(" 1 disagree\n")) << bad << "\n" << answer->text;
    EXPECT_TRUE(answer->text.find("\n1 cases, ") != std::string::npos) << answer->text;
  }
}

TEST_F(CorpusCommand, WhatIsWrongInACaseIsToldByItsPlace) {
  const auto with = [&](const std::string& id, std::string_view old, std::string_view now) {
    add(id, "allow");
    std::string text = *cedar::read_corpus_file(path("corpus/" + id + ".json"));
    text.replace(text.find(old), old.size(), now);
    write("corpus/" + id + ".json", text);
  };
  with("aa", "\"decision\": \"allow\"", "\"decision\":\n \"maybe\"");
  with("bb", "[\"policy0\"]", "[\"policy0\",\n 7]");
  with("cc", "\"shouldValidate\": true", "\"shouldValidate\":\n  1");
  with("dd", "\"context\": {}", "\"context\":\n  {\"extra\": 1}");
  with("ee", "{\"type\": \"R\", \"id\": \"r\"}", "\n{\"type\": \"Q\", \"id\": \"r\"}");
  add("ff", "allow");
  write("verdicts/ff.validation.json",
        "{\"policyValidation\": {\"strict\": true,\n\"permissive\": 1}}");
  const auto answer = run({"corpus", "@corpus", "--validation", "@verdicts"});
  ASSERT_TRUE(answer) << answer.error().message;
  for (const char* part :
       {"(`/requests/0/decision`)", "(`/requests/0/reason/1`)", "line 6, column 2",
        "at line 3, column 3 (`/shouldValidate`)", "column 13 (`/requests/0/context/extra`)",
        "column 1 (`/requests/0/resource`)",
        "at line 2, column 15 (`/policyValidation/permissive`)"}) {
    EXPECT_NE(answer->text.find(part), std::string::npos) << part << "\nin: " << answer->text;
  }
  EXPECT_NE(answer->text.find(" 6 disagree\n"), std::string::npos) << answer->text;
}

TEST_F(CorpusCommand, NamesOfFilesThatCannotBeAreDisagreements) {
  const std::string names[] = {std::string(300, 'x'),
                               std::string(9'000, 'y'),
                               "../../etc/passwd",
                               "/etc/passwd",
                               "",
                               ".",
                               "corpus/\\u0000",
                               "a\\u0000b"};
  for (const std::string& name : names) {
    add("aa", "allow");
    std::string text = read("corpus/aa.json");
    const std::string good = "\"aa.cedar\"";
    write("corpus/aa.json", text.replace(text.find(good), good.size(), "\"" + name + "\""));
    const auto answer = run({"corpus", "@corpus"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->text.starts_with("aa, case: ")) << answer->text;
    EXPECT_TRUE(answer->text.ends_with("\n1 cases, 0 requests, 1 disagree\n")) << answer->text;
  }
}

TEST_F(CorpusCommand, OddFilesInTheFoldersDoNotEndTheRun) {
  const std::string longest(250, 'v');  // `.validation.json` makes it longer than a name may be
  add(longest.substr(0, 230), "allow");
  write("verdicts/other.validation.json", "{}");
  std::filesystem::create_directory(path("corpus/folder.json"));
  std::filesystem::create_symlink(path("nowhere"), path("corpus/dangling.json"));
  std::filesystem::create_symlink(path("corpus"), path("corpus/loop"));
  ASSERT_EQ(mkfifo(path("corpus/pipe.json").c_str(), 0600), 0);
  write("corpus/list.json", "[]");
  write("corpus/nul.json", std::string("\0", 1));
  write("corpus/large.json", std::string(9U << 20U, ' '));
  write("corpus/deep.json", std::string(200, '[') + std::string(200, ']'));
  const auto answer = run({"corpus", "@corpus"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(
      answer->text.ends_with("\n6 files could not be read\n1 cases, 1 requests, 6 disagree\n"))
      << answer->text;
}

}  // namespace
}  // namespace keyturn::cli
