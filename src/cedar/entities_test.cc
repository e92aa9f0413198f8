// Entities and requests: the section `request validation` of the probes and hostile input.
#include <gtest/gtest.h>

#include "cedar/cedar.h"

namespace keyturn::cedar {
namespace {

constexpr const char* kSchema = R"(
  entity G;
  entity User in [G] = {n: Long, ip?: ipaddr, friends?: Set<User>} tags String;
  entity R;
  entity Color enum ["red", "blue"];
  action grp;
  action v in [grp] appliesTo {
    principal: User, resource: R, context: {b: Bool, k?: Long, c?: Color}
  };)";

std::string load(const std::string& text, bool with_schema) {
  const Result<Schema> schema = Schema::parse(kSchema);
  EXPECT_TRUE(schema);
  const Result<Entities> entities = Entities::parse_json(text, with_schema ? &*schema : nullptr);
  return entities ? "ok" : entities.error().message;
}

std::string one(const std::string& attributes, const std::string& more = R"("parents":[])") {
  return R"([{"uid":{"type":"User","id":"a"},"attrs":{)" + attributes + "}," + more + "}]";
}

TEST(Entities, WithoutASchemaAreReadAsWritten) {
  EXPECT_EQ(
      load(one(R"("x":{"__extn":{"fn":"ip","arg":"1.1.1.1"}},"y":[1,"a",{"z":true}])"), false),
      "ok");
  EXPECT_EQ(load(one(R"("x":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime",)"
                     R"("arg":"1970-01-01"}},{"__extn":{"fn":"duration","arg":"1ms"}}]}})"),
                 false),
            "ok");
  EXPECT_EQ(load(one("", R"("parents":[],"surplus":1)"), false), "ok");
  for (const char* bad :
       {R"("x":null)", R"("x":1.5)", R"("x":9223372036854775808)", R"("x":{"__expr":"1"})",
        R"("x":{"__extn":{"fn":"foo","arg":"1"}})", R"("x":{"__extn":{"fn":"decimal","arg":"1"}})",
        R"("x":{"__entity":{"type":"A B","id":"1"}})", R"("x":{"__entity":{"type":"if","id":"1"}})",
        R"("x":-0)", R"("x":1e2)"}) {
    EXPECT_NE(load(one(bad), false), "ok") << bad;
  }
}

TEST(Entities, NeedTheirParts) {
  EXPECT_NE(load(R"([{"uid":"A::\"1\"","attrs":{},"parents":[]}])", false), "ok");
  EXPECT_NE(load(R"([{"uid":{"type":"A","id":"1"},"parents":[]}])", false), "ok");
  EXPECT_NE(load(R"([{"uid":{"type":"A","id":"1"},"attrs":{}}])", false), "ok");
  EXPECT_NE(load("{}", false), "ok");
  EXPECT_NE(load("[1]", false), "ok");
}

TEST(Entities, MayRepeatButNotContradictEachOther) {
  const std::string first = R"({"uid":{"type":"A","id":"1"},"attrs":{"x":1},"parents":[]})";
  const std::string other = R"({"uid":{"type":"A","id":"1"},"attrs":{"x":2},"parents":[]})";
  EXPECT_EQ(load("[" + first + "," + first + "]", false), "ok");
  EXPECT_EQ(load("[" + first + "," + other + "]", false),
            "duplicate entity entry `A::\"1\"` with different content at line 1, column 61 "
            "(`/1`)");
}

TEST(Entities, EveryRefusalTellsLineColumnAndPointer) {
  const auto first_line = [](const std::string& attributes, const std::string& rest) {
    return load("[\n  " + one(attributes, rest).substr(1), true);
  };
  const std::string none = R"("parents":[])";
  EXPECT_EQ(load("["
                 R"({"uid":{"type":"A","id":"1"},"attrs":{"a":)"
                 "\n"
                 R"({"b":[1,null]}},"parents":[]}])",
                 false),
            "in attribute `a` on `A::\"1\"`, found a `null`; JSON `null`s are not allowed in "
            "Cedar: leave the key out at line 2, column 9 (`/0/attrs/a/b/1`)");
  for (const auto& [attributes, rest, pointer] :
       {std::tuple{R"("n":"1")", none, "/0/attrs/n"},
        {R"("n":1,"zz":1)", none, "/0/attrs/zz"},
        {R"("n":1,"ip":"1.2.3")", none, "/0/attrs/ip"},
        {R"("ip":"10.0.0.1")", none, "/0"},
        {R"("n":1)", R"("parents":[],"tags":{"t":1})", "/0/tags/t"},
        {R"("n":1)", R"("parents":[{"type":"R","id":"x"}])", "/0/parents/0"},
        {R"("n":1)", R"("parents":[{"type":"a b","id":"x"}])", "/0/parents/0"},
        {R"("n":1)", R"("parents":1)", "/0"}}) {
    const std::string message = first_line(attributes, rest);
    EXPECT_NE(message.find(fmt::format(" at line 2, column ")), std::string::npos) << message;
    EXPECT_TRUE(message.ends_with(fmt::format("(`{}`)", pointer))) << message << pointer;
  }
  for (const char* text :
       {"{}", "[1]", "[{}]", R"([{"uid":"A::\"a\"","attrs":{},"parents":[]}])"}) {
    EXPECT_NE(load(text, false).find(" at line 1, column "), std::string::npos) << text;
  }
}

TEST(Entities, LimitsAreEightMebibytesAndAHundredAndTwentyEightLevels) {
  const auto nested = [](int levels) {
    return load(R"([{"uid":{"type":"A","id":"1"},"parents":[],"attrs":{"a":)" +
                    std::string(static_cast<std::size_t>(levels), '[') +
                    std::string(static_cast<std::size_t>(levels), ']') + "}}]",
                false);
  };
  EXPECT_EQ(nested(125), "ok");
  EXPECT_NE(nested(126).find("nests deeper than 128 at line 1, column"), std::string::npos);
  const std::string large = "[\n" + std::string(8U << 20U, ' ') + "]";
  EXPECT_EQ(load(large, false),
            "the text is larger than the limit of 8388608 bytes, which ends at line 2, column "
            "8388607");
  EXPECT_EQ(load("[\n\xef\xbb\xbf", false).substr(0, 6), "syntax");
  EXPECT_NE(load("\xef\xbb\xbf[]", false).find("byte-order mark at line 1, column 1"),
            std::string::npos);
  EXPECT_EQ(load("[\n\"\xc3\xa4\xff\"]", false),
            "the text is not valid UTF-8 at line 2, column 3, byte 5 (0xff)");
}

TEST(Entities, HaveNoCycles) {
  EXPECT_NE(load(R"([{"uid":{"type":"A","id":"1"},"attrs":{},"parents":[{"type":"A","id":"1"}]}])",
                 false),
            "ok");
  EXPECT_EQ(load(R"([{"uid":{"type":"A","id":"1"},"attrs":{},"parents":[{"type":"A","id":"2"}]},
      {"uid":{"type":"A","id":"2"},"attrs":{},"parents":[{"type":"A","id":"1"}]}])",
                 false)
                .find("the entity hierarchy has a cycle"),
            0U);
}

TEST(Entities, WithASchemaMustConform) {
  EXPECT_EQ(load(one(R"("n":1,"ip":"10.0.0.1")"), true), "ok");
  EXPECT_EQ(load(one(R"("n":1,"friends":[{"type":"User","id":"b"}])"), true), "ok");
  EXPECT_EQ(load(one(R"("n":1)", R"("parents":[],"tags":{"t":"x"})"), true), "ok");
  EXPECT_NE(load(one(R"("n":1)", R"("parents":[],"tags":{"t":1})"), true), "ok");
  EXPECT_NE(load(one(R"("n":1,"zz":1)"), true), "ok");
  EXPECT_NE(load(one(R"("ip":"10.0.0.1")"), true), "ok");
  EXPECT_NE(load(one(R"("n":"1")"), true), "ok");
  EXPECT_NE(load(one(R"("n":1)", R"("parents":[{"type":"R","id":"x"}])"), true), "ok");
  EXPECT_NE(load(R"([{"uid":{"type":"Color","id":"green"},"attrs":{},"parents":[]}])", true), "ok");
  EXPECT_NE(load(R"([{"uid":{"type":"X","id":"a"},"attrs":{},"parents":[]}])", true), "ok");
  EXPECT_EQ(load(R"([{"uid":{"type":"Action","id":"v"},"attrs":{},)"
                 R"("parents":[{"type":"Action","id":"grp"}]}])",
                 true),
            "ok");
  EXPECT_EQ(load(R"([{"uid":{"type":"Action","id":"v"},"attrs":{},"parents":[]}])", true),
            "definition of action `Action::\"v\"` does not match its schema declaration at line 1, "
            "column 2 (`/0`)");
}

TEST(Entities, ADeepHierarchyIsClosedWithoutRecursionAndAHugeOneIsRefused) {
  const auto chain = [](int length) {
    std::string text = "[";
    for (int i = 0; i < length; ++i) {
      const std::string parent = fmt::format(R"({{"type":"A","id":"{}"}})", i + 1);
      text += fmt::format(R"({}{{"uid":{{"type":"A","id":"{}"}},"attrs":{{}},"parents":[{}]}})",
                          i == 0 ? "" : ",", i, parent);
    }
    return text + "]";
  };
  EXPECT_TRUE(Entities::parse_json(chain(3000)));
  EXPECT_EQ(Entities::parse_json(chain(20000)).error().code, Code::kExhausted);
}

std::string ask(Request request) {
  const Result<Schema> schema = Schema::parse(kSchema);
  const Result<PolicySet> policies = PolicySet::parse("permit(principal, action, resource);");
  EXPECT_TRUE(schema && policies);
  const Result<Response> response = authorize(*policies, Entities(), request, &*schema);
  if (!response) return response.error().message;
  return response->decision == Decision::kAllow ? "allow" : "deny";
}

TEST(Requests, MustConformToTheSchema) {
  const Json context = Json::object({{"b", true}});
  const Request good{{"User", "a"}, {"Action", "v"}, {"R", "r"}, context};
  EXPECT_EQ(ask(good), "allow");
  Request bad = good;
  bad.context = Json(Json::Object());
  EXPECT_EQ(ask(bad),
            "while parsing context, expected the record to have an attribute `b`, but it does not");
  bad.context = Json::object({{"b", true}, {"zz", 1}});
  EXPECT_EQ(ask(bad),
            "while parsing context, record attribute `zz` should not exist according to "
            "the schema at `/zz`");
  bad.context = Json::object({{"b", 1}});
  EXPECT_EQ(ask(bad), "context `{b: 1}` is not valid for `Action::\"v\"` at `/b`");
  bad.context = Json::object({{"b", true}, {"c", Json::object({{"type", "Color"}, {"id", "x"}})}});
  EXPECT_NE(ask(bad), "allow");
  bad = good;
  bad.principal.type = "X";
  EXPECT_EQ(ask(bad), "principal type `X` is not declared in the schema");
  bad.principal.type = "G";
  EXPECT_EQ(ask(bad), "principal type `G` is not valid for `Action::\"v\"`");
  bad = good;
  bad.action.id = "nope";
  EXPECT_EQ(ask(bad), "action `Action::\"nope\"` does not exist in the supplied schema");
  bad.action.id = "grp";
  EXPECT_EQ(ask(bad), "principal type `User` is not valid for `Action::\"grp\"`");
}

TEST(Requests, TypesMustBeNames) {
  for (const char* type : {"", "a b", "if", "A::", "::A", "__cedar::X", "A::B::in"}) {
    const Request request{{type, "a"}, {"Action", "v"}, {"R", "r"}, Json()};
    EXPECT_FALSE(authorize(PolicySet(), Entities(), request)) << type;
  }
}

}  // namespace
}  // namespace keyturn::cedar
