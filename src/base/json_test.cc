#include "base/json.h"

#include <gtest/gtest.h>

#include "base/json_fast.h"

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
}

TEST(ParseStrict, SaysWhereTheFaultIs) {
  EXPECT_NE(parse_strict("{\n  \"a\": tru\n}").error().message.find("line 2"), std::string::npos);
}

// Both readers over a text; whether the fast one took it.
bool expect_one_reading(const std::string& text) {
  const std::optional<Json> fast = parse_fast(text, {});
  const Result<Json> careful = parse_careful(text, {});
  if (!fast) return false;
  EXPECT_TRUE(careful) << text << "\n" << careful.error().message;
  if (careful) {
    EXPECT_EQ(*fast, *careful) << text;
  }
  return true;
}

TEST(ParseFast, TakesTheCommonCaseAndLeavesTheRestToTheCarefulReader) {
  for (const char* text :
       {" [] ", "{}\n", "null", "true", "false", "0", "-1", "1.10", "-0.5", "9223372036854775807",
        "-9223372036854775808", R"("\u0041\u00e9\u20ac\u0000\uFFFF\uD7ff")",
        R"({"a":[1,2,{"b":null}],"c":"x\n\"\\\/\b\f\r\t","é":"日本"})", "[[[]],{},[{}]]", "\"\"",
        R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10})"}) {
    EXPECT_TRUE(expect_one_reading(text)) << text;
  }
  for (const char* text : {"",
                           "-",
                           "-0",
                           "01",
                           "1e5",
                           "1.5E-3",
                           "1.",
                           ".5",
                           "9223372036854775808",
                           "[1,]",
                           "[,1]",
                           "{\"a\":1,}",
                           "{\"a\"}",
                           "{a:1}",
                           "{\"a\":1,\"a\":2}",
                           "\"\\ud83d\\ude00\"",
                           "\"\\ud800\"",
                           "\"\\u00g0\"",
                           "\"\\u-123\"",
                           "\"\\u12\"",
                           "\"\t\"",
                           "\"\xff\"",
                           "[1 2]",
                           "[1] 2",
                           "tru",
                           "truex",
                           "nul",
                           "\"a",
                           "[",
                           "{",
                           "{\"a\":",
                           "\"\\",
                           "1x",
                           R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"a":10})"}) {
    EXPECT_FALSE(parse_fast(text, {})) << text;
  }
  EXPECT_TRUE(parse_fast(std::string(64, '[') + std::string(64, ']'), {}));
  EXPECT_FALSE(parse_fast(std::string(65, '[') + std::string(65, ']'), {}));
  EXPECT_FALSE(parse_fast("1234", {.bytes_max = 3}));
}

TEST(ParseFast, NeverReadsOtherwiseThanTheCarefulReader) {
  const std::string seeds[] = {
      R"({"uid":{"type":"A","id":"x\ty"},"attrs":{"n":-12,"s":["a",1.5,true,null]},"parents":[]})",
      R"([[1,2.25,-3],{"k":"é日\"","":{}}, "\\\\" , "\u00e9\u0007", false])"};
  const std::string_view bytes = "{}[]\",:\\ \n\t0123456789.-+eEtruefalsn/bu\x01\x7f\xc3\xa9\xff";
  std::uint64_t state = 20'261'123;
  const auto next = [&state](std::size_t below) {
    state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<std::size_t>(state >> 33U) % below;
  };
  std::size_t taken = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string text = seeds[next(2)];
    for (std::size_t change = next(3) + 1; change > 0; --change) {
      const std::size_t at = next(text.size());
      const char byte = bytes[next(bytes.size())];
      if (next(3) == 0) {
        text.erase(at, 1 + next(3));
      } else if (next(2) == 0) {
        text.insert(at, 1, byte);
      } else {
        text[at] = byte;
      }
      if (text.empty()) text = "0";
    }
    if (expect_one_reading(text)) ++taken;
  }
  EXPECT_GT(taken, 4'000U);
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
