#include "base/json.h"

#include <gtest/gtest.h>

namespace keyturn {
namespace {

TEST(ParseStrict, KeepsEveryDigitAndTheOrderOfMembers) {
  const std::string text =
      R"({"z":9223372036854775807,"a":[1.10,-0,18446744073709551615,1e3,true,null],)"
      R"("é":"\u0000\n"})";
  const Result<Json> value = parse_strict(text);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(to_text(*value), text);
}

TEST(ParseStrict, RefusesWhatTwoReadersCouldTakeDifferently) {
  for (const char* bad : {"", " ", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "1e400", "[1] 2",
                          "[1,]", "{a:1}", "\"\xff\"", "nul", "01", "+1", "NaN", "Infinity",
                          "/* c */1", "\"\\ud800\"", "'a'", "[", "\"\t\""}) {
    EXPECT_FALSE(parse_strict(bad)) << bad;
  }
}

TEST(ParseStrict, FindsADuplicateKeyAtAnyDepth) {
  EXPECT_EQ(parse_strict("[{\"b\":{\"k\":1,\"x\":0,\"k\":1}}]").error().message,
            "duplicate key `k` in the object that ends at line 1, column 25");
  EXPECT_EQ(parse_strict("[{\"\":1,\"\":2}]").error().message,
            "duplicate key `` in the object that ends at line 1, column 12");
}

TEST(ParseStrict, SaysWhereTheFaultIs) {
  EXPECT_NE(parse_strict("{\n  \"a\": tru\n}").error().message.find("line 2"), std::string::npos);
}

TEST(ParseStrict, HoldsItsLimits) {
  EXPECT_TRUE(parse_strict(std::string(64, '[') + std::string(64, ']')));
  EXPECT_EQ(parse_strict(std::string(65, '[') + std::string(65, ']')).error().code,
            Code::kExhausted);
  JsonLimits limits;
  limits.bytes_max = 3;
  EXPECT_EQ(parse_strict("1234", limits).error().code, Code::kExhausted);
}

TEST(Json, FindsSetsAndReportsMembers) {
  Json value = Json::object({{"name", "kiro"}, {"count", 3}});
  value.set("name", "q");
  value.set("tags", Json::array({"a", Json()}));
  EXPECT_EQ(to_text(value), R"({"name":"q","count":3,"tags":["a",null]})");
  EXPECT_EQ(value.get_integer("name").error().message, "the member `name` must be an integer");
  EXPECT_EQ(value.get_string("none").error().message, "the member `none` is missing");
  EXPECT_EQ(value.string_or("none", "x"), "x");
}

// RFC 8785 section 3.2.2 and 3.2.3, and its appendix B.
TEST(Canonical, FollowsTheExamplesOfRfc8785) {
  const Result<Json> value = parse_strict(
      R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],)"
      R"("string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_canonical(*value),
            R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],)"
            R"("string":"€$\u000f\nA'B\"\\\\\"/"})");
  const Result<Json> keys = parse_strict(
      R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})");
  ASSERT_TRUE(keys);
  EXPECT_EQ(to_canonical(*keys),
            "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}");
}

TEST(Canonical, WritesNumbersAsEcmascriptDoes) {
  const auto canonical = [](const char* text) { return to_canonical(parse_strict(text).value()); };
  EXPECT_EQ(canonical("-0"), "0");
  EXPECT_EQ(canonical("1e21"), "1e+21");
  EXPECT_EQ(canonical("1e20"), "100000000000000000000");
  EXPECT_EQ(canonical("1e-6"), "0.000001");
  EXPECT_EQ(canonical("1e-7"), "1e-7");
  EXPECT_EQ(canonical("-12.50"), "-12.5");
  EXPECT_EQ(canonical("9007199254740993"), "9007199254740993");
}

TEST(PrettyText, IndentsByTwo) {
  EXPECT_EQ(to_pretty_text(Json::object({{"a", Json::array({1, 2})}, {"b", Json(Json::Object())}})),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

}  // namespace
}  // namespace keyturn
