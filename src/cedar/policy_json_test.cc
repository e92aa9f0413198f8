#include <gtest/gtest.h>

#include <filesystem>

#include "cedar/cedar.h"
#include "cedar/corpus.h"

namespace keyturn::cedar {
namespace {

namespace fs = std::filesystem;

std::string to_json_text(const PolicySet& set) {
  const Result<Json> json = set.json();
  return json ? to_canonical(*json) : json.error().message;
}

// Text, JSON, printed text and what is read from them must all be the same policy.
void expect_round_trips(const std::string& text) {
  const Result<PolicySet> policies = PolicySet::parse(text);
  ASSERT_TRUE(policies) << text << "\n" << policies.error().message;
  const std::string json = to_json_text(*policies);
  const std::string printed = policies->print();
  const Result<PolicySet> reread = PolicySet::parse(printed);
  ASSERT_TRUE(reread) << printed << "\n" << reread.error().message;
  const Result<PolicySet> from_json = PolicySet::parse_json(json);
  ASSERT_TRUE(from_json) << json << "\n" << from_json.error().message;
  EXPECT_EQ(to_json_text(*from_json), json) << text;
  if (policies->template_ids().empty()) {
    EXPECT_EQ(to_json_text(*reread), json) << text << "\n" << printed;
    EXPECT_EQ(PolicySet::parse(from_json->print())->print(), from_json->print()) << text;
  }
}

TEST(PolicyJson, EveryCorpusPolicySurvivesTheRoundTripThroughJsonAndText) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(KEYTURN_CEDAR_DATA "/corpus")) {
    if (entry.path().extension() != ".cedar") continue;
    const Result<std::string> text = read_corpus_file(entry.path().string());
    ASSERT_TRUE(text);
    expect_round_trips(*text);
    ++count;
  }
  EXPECT_EQ(count, 3957U);
}

TEST(PolicyJson, EveryOperatorSurvivesTheRoundTrip) {
  for (const char* expression :
       {"principal has a.b.c && -1 < 2",
        "-(5) == ---5",
        "!(!true)",
        "!!!!true",
        "(1 - 2) - 3 == 1 - (2 - 3)",
        "(1 + 2) * 3 >= 1 + 2 * 3",
        "(if true then 1 else 2) == 1",
        "(true && false) && true",
        "true && (false && true)",
        "(true || false) && true",
        "\"ab\" like \"a*\\*b\\\"\\u{1F600}\\0\"",
        "principal[\"if\"] == {\"in\": 1}[\"in\"]",
        "context.a.b[\"x y\"].contains([1, [2], {a: 1}])",
        "(-1).contains(2)",
        "-1.contains(2)",
        "(principal is A::B in C::\"d\") == (principal in [C::\"d\"])",
        "(1 == 2) == (3 == 4)",
        "ip(\"1.1.1.1\").isInRange(ip(\"1.0.0.0/8\")) && "
        "decimal(\"1.0\").lessThan(decimal(\"2.0\"))",
        "principal.hasTag(\"x\") && principal.getTag(\"x\") != [].isEmpty()",
        "(principal has a) has b",
        "(\"a\" like \"b\") has c",
        "\"a\"[\"b\"]",
        "true.a",
        "1.a"}) {
    expect_round_trips(
        std::string("@id(\"x\\\"y\") @in permit(principal is A in B::\"\\n\", action in "
                    "[Action::\"a\", N::Action::\"b\"], resource == C::\"\") when { ") +
        expression + " } unless { false };");
  }
  expect_round_trips(
      "permit(principal in ?principal, action == Action::\"a\", resource is R in "
      "?resource) when { true };forbid(principal,action in [],resource);");
}

// Taken from @cedar-policy/cedar-wasm 4.12.0.
TEST(PolicyJson, IsWrittenAsTheReferenceWritesIt) {
  const Result<PolicySet> policies = PolicySet::parse(
      "@id(\"x\") @foo permit(principal is User in G::\"g\", action in [Action::\"a\"], resource "
      "== "
      "R::\"r\") when { principal has a.b && context.x like \"a*\\*b\" };");
  ASSERT_TRUE(policies);
  const Result<Json> json = policies->policy_json("policy0");
  ASSERT_TRUE(json);
  EXPECT_EQ(
      to_canonical(*json),
      to_canonical(*parse_strict(
          R"({"effect":"permit","principal":{"op":"is","entity_type":"User",)"
          R"("in":{"entity":{"type":"G","id":"g"}}},)"
          R"("action":{"op":"in","entity":{"type":"Action","id":"a"}},)"
          R"("resource":{"op":"==","entity":{"type":"R","id":"r"}},)"
          R"("conditions":[{"kind":"when",)"
          R"("body":{"&&":{"left":{"&&":{"left":{"has":{"left":{"Var":"principal"},)"
          R"("attr":"a"}},)"
          R"("right":{"has":{"left":{".":{"left":{"Var":"principal"},"attr":"a"}},"attr":"b"}}}},)"
          R"("right":{"like":{"left":{".":{"left":{"Var":"context"},"attr":"x"}},)"
          R"("pattern":[{"Literal":"a"},"Wildcard",)"
          R"({"Literal":"*"},{"Literal":"b"}]}}}}}],"annotations":{"foo":null,"id":"x"}})")));
}

TEST(PolicyJson, LinksAreReadDecidedAndWritten) {
  const std::string text = R"({"staticPolicies":{},"templates":{"t":{"effect":"permit",)"
                           R"("principal":{"op":"==","slot":"?principal"},)"
                           R"("action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}},)"
                           R"("templateLinks":[{"templateId":"t","newId":"l",)"
                           R"("values":{"?principal":{"__entity":{"type":"U","id":"a"}}}}]})";
  const Result<PolicySet> policies = PolicySet::parse_json(text);
  ASSERT_TRUE(policies) << policies.error().message;
  EXPECT_EQ(policies->ids(), std::vector<std::string>{"l"});
  EXPECT_EQ(policies->text("l"), "permit(principal == U::\"a\", action, resource);");
  EXPECT_EQ(to_json_text(*policies), to_canonical(*parse_strict(text)));
  Request request{{"U", "a"}, {"Action", "v"}, {"R", "r"}, Json()};
  EXPECT_EQ(authorize(*policies, Entities(), request)->reasons, std::vector<std::string>{"l"});
  request.principal.id = "b";
  EXPECT_EQ(authorize(*policies, Entities(), request)->decision, Decision::kDeny);
}

TEST(PolicyJson, MalformedInputIsAnError) {
  const std::string scope =
      R"("principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"})";
  const auto message = [&](const std::string& policy) {
    const Result<PolicySet> set = PolicySet::parse_json("{\"staticPolicies\":{\"p\":" + policy +
                                                        "},\"templates\":{},\"templateLinks\":[]}");
    return set ? std::string("accepted") : set.error().message;
  };
  EXPECT_EQ(message("{\"effect\":\"permit\"," + scope + ",\"conditions\":[]}"), "accepted");
  for (const char* body :
       {R"({"foo":[]})", R"({"Var":"x"})", R"({"==":{"left":{"Var":"action"}}})", R"({})", R"([])",
        R"({"Value":null})", R"({"Value":1.5})", R"({"Value":9223372036854775808})",
        R"({"Value":{"__expr":"x"}})", R"({"Slot":"?principal"})",
        R"({"has":{"left":{"Value":1}}})", R"({"like":{"left":{"Value":1},"pattern":["x"]}})",
        R"({"!":{"arg":{"Value":1},"x":1}})",
        R"({"is":{"left":{"Var":"action"},"entity_type":"a b"}})",
        R"({"Value":{"__entity":{"type":"if","id":"x"}}})", R"({"Value":1,"Var":"action"})"}) {
    const std::string refusal =
        message("{\"effect\":\"permit\"," + scope +
                ",\"conditions\":[{\"kind\":\"when\",\"body\":" + body + "}]}");
    EXPECT_NE(refusal.find(" at line 1, column "), std::string::npos) << body << refusal;
    EXPECT_NE(refusal.find("(`/staticPolicies/p/conditions/0"), std::string::npos) << refusal;
  }
  EXPECT_NE(message("{\"effect\":\"allow\"," + scope + ",\"conditions\":[]}"), "accepted");
  EXPECT_NE(message("{\"effect\":\"permit\"," + scope + "}"), "accepted");
  EXPECT_NE(message("{\"effect\":\"permit\"," + scope + ",\"conditions\":[],\"x\":1}"), "accepted");
}

TEST(PolicyJson, EveryRefusalTellsLineColumnAndPointer) {
  const auto message = [](const std::string& text) {
    const Result<PolicySet> set = PolicySet::parse_json(text);
    return set ? std::string("accepted") : set.error().message;
  };
  const std::string any = R"("action":{"op":"All"},"resource":{"op":"All"},"conditions":[])";
  const std::string policy = R"({"effect":"permit","principal":{"op":"All"},)" + any + "}";
  const std::string slotted =
      R"({"effect":"permit","principal":{"op":"==","slot":"?principal"},)" + any + "}";
  const auto set_of = [&](const std::string& policies, const std::string& templates,
                          const std::string& links) {
    return "{\"staticPolicies\":{" + policies + "},\n\"templates\":{" + templates +
           "},\n\"templateLinks\":[" + links + "]}";
  };
  const std::string link = R"({"templateId":"t","newId":"p","values":{"?principal":1}})";
  for (const auto& [text, place] : std::vector<std::pair<std::string, std::string>>{
           {set_of("\"p\":" + slotted, "", ""), "line 1, column 24 (`/staticPolicies/p`)"},
           {set_of("", "\"t\":" + policy, ""), "line 2, column 18 (`/templates/t`)"},
           {set_of("\"p\":" + policy, "\"p\":" + slotted, ""),
            "line 2, column 18 (`/templates/p`)"},
           {set_of("", "\"t\":" + slotted, link),
            "line 3, column 71 (`/templateLinks/0/values/?principal`)"},
           {set_of("", "", link), "(`/templateLinks/0"},
           {set_of("", "", "1"), "line 3, column 18 (`/templateLinks/0`)"},
           {R"({"staticPolicies":[],"templates":{},"templateLinks":[]})",
            "line 1, column 19 (`/staticPolicies`)"},
           {R"({"templates":{},"templateLinks":[]})", "line 1, column 1 (the top)"},
           {R"({"x":1})", "line 1, column 6 (`/x`)"},
           {" []", "line 1, column 2 (the top)"},
           {set_of(R"("p":{"effect":"permit","principal":{"op":"==","entity":1},)" + any + "}", "",
                   ""),
            "(`/staticPolicies/p/principal/entity`)"},
           {set_of(R"("p":{"effect":"permit","principal":{"op":"~"},)" + any + "}", "", ""),
            "(`/staticPolicies/p/principal`)"},
           {set_of(R"("p":{"effect":"permit","annotations":{"1":"x"},"principal":{"op":"All"},)" +
                       any + "}",
                   "", ""),
            "(`/staticPolicies/p/annotations/1`)"}}) {
    EXPECT_NE(message(text).find(place), std::string::npos) << text << "\n" << message(text);
  }
}

TEST(PolicyJson, ASinglePolicyOrTemplateIsASetOfOne) {
  const std::string any = R"("action":{"op":"All"},"resource":{"op":"All"},"conditions":[]})";
  const auto one = parse_policies_json(R"({"effect":"permit","principal":{"op":"All"},)" + any);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->ids(), std::vector<std::string>{"policy0"});
  const auto slotted = parse_policies_json(
      R"({"effect":"permit","principal":{"op":"==","slot":"?principal"},)" + any);
  ASSERT_TRUE(slotted) << slotted.error().message;
  EXPECT_EQ(slotted->template_ids(), std::vector<std::string>{"policy0"});
  const auto wrong = parse_policies_json(R"({"effect":"permit","principal":{"op":"no"},)" + any);
  EXPECT_EQ(wrong.error().message,
            "unknown operator `no` of `principal`, expected `All`, `==`, `in` or `is` at line 1, "
            "column 32 (`/principal`)");
  EXPECT_TRUE(parse_policies_json(R"({"staticPolicies":{},"templates":{},"templateLinks":[]})"));
}

TEST(PolicyJson, DeepNestingIsRefusedAndDeepEnoughNestingIsRead) {
  const auto nested = [](int depth) {
    std::string body;
    for (int i = 0; i < depth; ++i) body += R"({"!":{"arg":)";
    body += R"({"Value":true})";
    for (int i = 0; i < depth; ++i) body += "}}";
    return PolicySet::parse_json(
        R"({"templates":{},"templateLinks":[],"staticPolicies":{"p":{"effect":"permit",)"
        R"("principal":{"op":"All"},)"
        R"("action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":)" +
        body + "}]}}}");
  };
  EXPECT_TRUE(nested(350));
  EXPECT_EQ(nested(450).error().code, Code::kExhausted);
  EXPECT_EQ(nested(100000).error().code, Code::kExhausted);
}

}  // namespace
}  // namespace keyturn::cedar
