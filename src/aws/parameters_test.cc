#include "aws/parameters.h"

#include <gtest/gtest.h>

#include "aws/cbor.h"
#include "aws/xml.h"

namespace keyturn::aws {
namespace {

Json nested(std::string_view form) {
  const auto fields = read_form(form);
  if (!fields) return "unreadable";
  const auto tree = nest(*fields);
  return tree ? *tree : Json("unreadable");
}

TEST(Form, IsNestedByItsDots) {
  EXPECT_EQ(to_text(nested("Tags.member.1.Key=a&Tags.member.2.Key=b&Name=x+y")),
            R"({"Name":"x y","Tags":[{"Key":"a"},{"Key":"b"}]})");
  EXPECT_EQ(to_text(nested("InstanceId.1=i&InstanceId.10=k&InstanceId.2=j")),
            R"({"InstanceId":["i","j","k"]})");
  EXPECT_EQ(to_text(nested("")), "{}");
}

TEST(Form, IsRefusedWhenItIsAmbiguous) {
  for (const char* form : {"a=1&a=2", "a=1&%61=2", "a=1&a.b=2", "a.b=1&a=2", "a=%zz", "a=%ff",
                           "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z=1"}) {
    EXPECT_EQ(nested(form), Json("unreadable")) << form;
  }
}

TEST(Form, HoldsABoundedNumberOfFields) {
  std::string form;
  for (std::size_t i = 0; i <= kFormFieldsMax; ++i) form += fmt::format("f{}=&", i);
  const auto fields = read_form(form);
  ASSERT_FALSE(fields);
  EXPECT_EQ(fields.error().code, Code::kExhausted);
}

TEST(Target, IsDecodedOnceAndAfterItWasSplit) {
  const auto target = read_target("/2015/functions/arn%3Aaws%2Fx/50%25?a=%2B&b", PathRules::kPlain);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (std::vector<std::string>{"2015", "functions", "arn:aws/x", "50%"}));
  EXPECT_EQ(target->query, (Fields{{"a", "+"}, {"b", ""}}));
  EXPECT_EQ(write_path(target->segments, false), "/2015/functions/arn%3Aaws%2Fx/50%25");
}

TEST(Target, NamesEachParameterOfItsQuery) {
  EXPECT_FALSE(read_target("/?=", PathRules::kPlain));
  EXPECT_FALSE(read_target("/?a=1&=2", PathRules::kObjectKeys));
  EXPECT_TRUE(read_target("/?a&&b=", PathRules::kPlain));
}

TEST(Target, OfSlashesAloneIsTheRoot) {
  for (const PathRules rules : {PathRules::kPlain, PathRules::kObjectKeys}) {
    const auto target = read_target("//", rules);
    if (!target) continue;
    const auto again = read_target(write_path(target->segments, target->trailing_slash), rules);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->segments, target->segments);
    EXPECT_EQ(again->trailing_slash, target->trailing_slash);
  }
  ASSERT_TRUE(read_target("//", PathRules::kPlain));
}

TEST(Target, NamesAServiceInItsPath) {
  const auto target = read_target("/_svc/bedrock-agent-runtime/agents/x", PathRules::kPlain);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->service_hint, "bedrock-agent-runtime");
  EXPECT_EQ(target->segments, (std::vector<std::string>{"agents", "x"}));
}

TEST(Values, AreFoundAndOverwrittenByTheirPath) {
  Json root = *parse_strict(R"({"a":[{"b":1},{"b":2}],"c":{"x":"1","y":"2"}})");
  EXPECT_EQ(values_at(root, "a[].b").size(), 2U);
  EXPECT_EQ(values_at(root, "c{}").size(), 2U);
  EXPECT_TRUE(values_at(root, "a[].z").empty());
  EXPECT_TRUE(values_at(root, "c.x.y").empty());
  const Json hidden = "(hidden)";
  overwrite(root, "a[].b", &hidden);
  overwrite(root, "c.y", nullptr);
  EXPECT_EQ(to_text(root), R"x({"a":[{"b":"(hidden)"},{"b":"(hidden)"}],"c":{"x":"1"}})x");
}

TEST(Cbor, IsWrittenAnewInOneWay) {
  // {_ "a": [_ 1, 2], "b": (_ "x", "y")} and its definite form.
  const std::string loose(
      "\xbf\x61"
      "a\x9f\x01\x18\x02\xff\x61"
      "b\x7f\x61x\x61y\xff\xff",
      17);
  const auto read = read_cbor(loose);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_text(read->value), R"({"a":[1,2],"b":"xy"})");
  const auto again = read_cbor(read->encoded);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encoded, read->encoded);
  EXPECT_LT(read->encoded.size(), loose.size());
}

TEST(Cbor, IsRefusedWhenItIsBrokenOrAmbiguous) {
  using std::string_literals::operator""s;
  const std::vector<std::string> broken = {""s,
                                           "\xa2\x61"
                                           "a\x01\x61"
                                           "a\x02"s,
                                           "\xa1\x01\x01"s,
                                           "\x01\x01"s,
                                           "\x61"s,
                                           "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                           "\x5b\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                           "\xff"s,
                                           "\x1c"s,
                                           "\xd8\x20\x00"s,
                                           "\xf8\x01"s,
                                           "\x61\xff"s,
                                           "\xbf"s,
                                           "\x7f\x41x\xff"s,
                                           std::string(kCborDepthMax + 2, '\x81')};
  for (const std::string& bytes : broken) {
    const auto read = read_cbor(bytes);
    ASSERT_FALSE(read) << hex_encode(bytes);
    EXPECT_EQ(read.error().code, Code::kInvalid);
  }
}

std::string hidden(std::string_view text, std::string_view path) {
  auto json = parse_strict(text);
  EXPECT_TRUE(json) << text;
  const Json stars = "*";
  overwrite(*json, path, &stars);
  return to_text(*json);
}

TEST(WirePath, StepsIntoListsAndMaps) {
  EXPECT_EQ(hidden(R"({"m":{"a":{"s":"1","t":"2"},"b":{"s":"3"}}})", "m{}.s"),
            R"({"m":{"a":{"s":"*","t":"2"},"b":{"s":"*"}}})");
  EXPECT_EQ(hidden(R"({"l":[{"s":"1"},{"t":"2","s":"3"}]})", "l[].s"),
            R"({"l":[{"s":"*"},{"t":"2","s":"*"}]})");
  // XML writes a list of one as the item itself.
  EXPECT_EQ(hidden(R"({"l":{"m":{"s":"1"}}})", "l[].m.s"), R"({"l":{"m":{"s":"*"}}})");
  // A key that is named like the member hides nothing from the others' hiding.
  EXPECT_EQ(hidden(R"({"m":{"s":{"s":"1"},"b":{"s":"2"}}})", "m{}.s"),
            R"({"m":{"s":{"s":"*"},"b":{"s":"*"}}})");
  const auto map = parse_strict(R"({"m":{"a":{"l":[{"s":"1"}]},"b":{"l":[]},"c":{"s":"2"}}})");
  ASSERT_TRUE(map);
  ASSERT_EQ(values_at(*map, "m{}.l[].s").size(), 1U);
  EXPECT_EQ(text_of(*values_at(*map, "m{}.l[].s").front()), "1");
  EXPECT_TRUE(values_at(*map, "m[].s").empty()) << "a list is no map";
}

TEST(Xml, IsWrittenAnewInOneWay) {
  const auto read = read_xml(
      "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n<A xmlns='n' x='1'> <B>a&#x26;b</B>"
      "<!-- no --><B><![CDATA[<c>]]></B><E/></A>\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->root, "A");
  EXPECT_EQ(to_text(read->value), R"({"@x":"1","B":["a&b","<c>"],"E":""})");
  const auto again = read_xml(read->encoded);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encoded, read->encoded);
}

TEST(Xml, IsRefusedWhenItIsBrokenOrAsksForMore) {
  std::string deep;
  for (std::size_t i = 0; i < kXmlDepthMax + 2; ++i) deep += "<a>";
  for (const std::string& text :
       {std::string(), std::string("<a>"), std::string("<a></b>"), std::string("<a/><b/>"),
        std::string("<!DOCTYPE a><a/>"), std::string("<a>&x;</a>"), std::string("<a>&#0;</a>"),
        std::string("<a>&#xd800;</a>"), std::string("<a b='1' b='2'/>"),
        std::string("<a>text<b/></a>"), std::string("<a><b/>text</a>"),
        std::string("<?xml version='1.0' encoding='UTF-7'?><a/>"), std::string("<a><?php ?></a>"),
        std::string("<a>\xff</a>"), std::string("<a>\x01</a>"),
        std::string("<a><![CDATA[\x0c]]></a>"), std::string("<a><![CDATA[\xff]]></a>"),
        std::string("<a b=1/>"), deep}) {
    const auto read = read_xml(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::kInvalid);
  }
}

}  // namespace
}  // namespace keyturn::aws
