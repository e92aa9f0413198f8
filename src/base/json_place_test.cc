#include "base/json_place.h"

#include <gtest/gtest.h>

namespace keyturn {
namespace {

// The value a path of positions leads to.
const Json& at(const Json& json, std::initializer_list<std::size_t> path) {
  const Json* value = &json;
  for (const std::size_t position : path) {
    value = value->is_array() ? &(*value->if_array())[position]
                              : &(*value->if_object())[position].second;
  }
  return *value;
}

TEST(PlaceOf, CountsLinesAndCodePointsAndNamesThePointer) {
  const std::string text =
      " [ {\"a\":1, \"b\\\"]\" : [ true , -1.5e3,\n  {\"é\":\"ü\", \"x/~y\": "
      "null}]},\r\n\t\"last\" ]";
  const Result<Json> json = parse_strict(text);
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(place_of(*json, *json, text), "line 1, column 2 (the top)");
  EXPECT_EQ(place_of(at(*json, {0}), *json, text), "line 1, column 4 (`/0`)");
  EXPECT_EQ(place_of(at(*json, {0, 0}), *json, text), "line 1, column 9 (`/0/a`)");
  EXPECT_EQ(place_of(at(*json, {0, 1, 1}), *json, text), "line 1, column 30 (`/0/b\"]/1`)");
  EXPECT_EQ(place_of(at(*json, {0, 1, 2, 0}), *json, text), "line 2, column 8 (`/0/b\"]/2/é`)");
  EXPECT_EQ(place_of(at(*json, {0, 1, 2, 1}), *json, text),
            "line 2, column 21 (`/0/b\"]/2/x~1~0y`)");
  EXPECT_EQ(place_of(at(*json, {1}), *json, text), "line 3, column 2 (`/1`)");
}

TEST(PlaceOf, IsTheSameByOffset) {
  const std::string text = " [ {\"a\\u002f\" : [ true ,\r\n {\"é\":\"ü\"} ] } , -1.5e3 ]";
  const Result<Json> json = parse_strict(text);
  ASSERT_TRUE(json) << json.error().message;
  const JsonOffsets offsets(*json, text);
  for (const Json* part : {&*json, &at(*json, {0}), &at(*json, {0, 0}), &at(*json, {0, 0, 0}),
                           &at(*json, {0, 0, 1, 0}), &at(*json, {1})}) {
    EXPECT_EQ(place_at(text, offsets.of(*part).begin), place_of(*part, *json, text));
  }
  EXPECT_EQ(place_at(text, offsets.of(at(*json, {0, 0, 1, 0})).begin),
            "line 2, column 7 (`/0/a~1/1/é`)");
  EXPECT_EQ(offsets.of(Json()).end, 0U);
}

// Every value of a text is found where it stands: the text from there on reads as that value.
TEST(PlaceOf, AgreesWithTheParserOnEveryValue) {
  const std::string text =
      R"([[],{},[[]],{"":{}},"\\","\"",[1,[2,[3,{"k":[4]}]]],{"a":[],"b":{"c":"]}"}},0,false])";
  const Result<Json> json = parse_strict(text);
  ASSERT_TRUE(json);
  const JsonOffsets offsets(*json, text);
  std::vector<const Json*> open = {&*json};
  std::size_t seen = 0;
  while (!open.empty()) {
    const Json* value = open.back();
    open.pop_back();
    ++seen;
    const std::string place = place_of(*value, *json, text);
    const std::size_t column = std::stoul(place.substr(std::string("line 1, column ").size()));
    const std::string written = to_text(*value);
    EXPECT_EQ(text.substr(column - 1, written.size()), written) << place;
    const JsonOffsets::Span span = offsets.of(*value);
    EXPECT_EQ(text.substr(span.begin, span.end - span.begin), written);
    EXPECT_EQ(place_at(text, span.begin), place);
    if (const Json::Array* items = value->if_array()) {
      for (const Json& item : *items) open.push_back(&item);
    }
    if (const Json::Object* members = value->if_object()) {
      for (const Json::Member& member : *members) open.push_back(&member.second);
    }
  }
  EXPECT_EQ(seen, 24U);
}

TEST(PlaceOf, WithoutATextThereIsOnlyThePointerAndALongOneIsCut) {
  const Json json = Json::object({{"a", Json::array({1, 2})}, {std::string(9'000, 'k'), 1}});
  EXPECT_EQ(place_of(at(json, {0, 1}), json, ""), "`/a/1`");
  EXPECT_LT(place_of(at(json, {1}), json, "").size(), 300U);
}

TEST(JsonFault, KeepsTheInnermostPlace) {
  const Json json = Json::array({Json::array({1})});
  JsonFault fault;
  const Result<int> inner = fault.at(at(json, {0, 0}), Result<int>(fail(Code::kInvalid, "wrong")));
  const Result<int> outer = fault.at(at(json, {0}), inner);
  ASSERT_FALSE(outer);
  EXPECT_EQ(fault.placed(outer.error(), json, "[[1]]").message,
            "wrong at line 1, column 3 (`/0/0`)");
  EXPECT_EQ(JsonFault().placed(outer.error(), json, "").message, "wrong");
}

}  // namespace
}  // namespace keyturn
