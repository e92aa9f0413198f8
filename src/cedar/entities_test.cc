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
            "duplicate entity entry `A::\"1\"` with different content");
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
            "definition of action `Action::\"v\"` does not match its schema declaration");
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
            "the schema");
  bad.context = Json::object({{"b", 1}});
  EXPECT_EQ(ask(bad), "context `{b: 1}` is not valid for `Action::\"v\"`");
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
