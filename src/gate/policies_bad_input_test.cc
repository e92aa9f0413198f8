// Packs that are wrong, each with the words that an operator gets: the file, the line, the column
// and what would be right. Nothing of such a pack is loaded.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Wrong {
  std::string_view text;
  std::string_view place;  // of the message, which begins with the file's name
  std::string_view words;
};

// One policy with this condition.
std::string when(std::string_view condition) {
  return fmt::format("permit (principal, action, resource)\nwhen {{ {} }};", condition);
}

void expect_refused(const std::string& text, std::string_view place, std::string_view words) {
  const auto policies = Policies::load({{"a.cedar", text}}, pack_schema());
  ASSERT_FALSE(policies) << text;
  EXPECT_EQ(policies.error().code, Code::kInvalid);
  EXPECT_THAT(policies.error().message, StartsWith("a.cedar:")) << text;
  EXPECT_THAT(policies.error().message, HasSubstr(std::string(place))) << text;
  EXPECT_THAT(policies.error().message, HasSubstr(std::string(words))) << text;
}

TEST(WrongPacks, AreRefusedWithThePlaceOfWhatCannotBeRead) {
  const Wrong cases[] = {
      {"permit (principal, action, resource)", "line 1, column 37", "expected `when`, `unless` or"},
      {"permit (principal, action resource);", "line 1, column 27", "expected `==`, `in`, `,` or"},
      {"permt (principal, action, resource);", "line 1, column 1", "expected `permit`, `forbid`"},
      {"permit (action, principal, resource);", "line 1, column 9", "`action`"},
      {"permit (principal, action, resource);\nallow;", "line 2, column 1", "`allow`"},
      {"permit (principal, action, resource) when { \"a };", "line 1, column 45", "not closed"},
      {"permit (principal, action, resource) when {};", "line 1, column", "}"},
      {"permit (principal, action, resource) when { 1 == };", "line 1, column 50", "`}`"},
      {"permit (principal, action, resource) if { true };", "line 1, column 38", "`if`"},
      {"@id(one) permit (principal, action, resource);", "line 1, column 5", "`one`"},
      {"@id(\"x\") @id(\"y\") permit (principal, action, resource);", "line 1, column 10",
       "duplicate annotation"},
      {"permit (principal in [], action, resource);", "line 1, column 22",
       "found set of entity uids"},
      {"permit (principal, action, resource) when { 99999999999999999999 > 1 };",
       "line 1, column 45", "9223372036854775807"},
      {"\xff", "line 1, column 1", "not valid UTF-8"},
      {"\xef\xbb\xbfpermit (principal, action, resource);", "line 1, column 1", "byte-order mark"},
      {"permit (principal, action, resource) when { a\\b };", "line 1, column", "\\"},
      {"permit (principal == ?principal, action, resource);", "a.cedar:1:1", "without slots"},
      {"// one\n@id(\"\") permit (principal, action, resource);", "a.cedar:2:1", "printable bytes"},
      {"@id(\"x\") permit (principal, action, resource);\n@id(\"x\") forbid (principal, action, "
       "resource);",
       "a.cedar:2:1", "taken at a.cedar:1:1; give it another @id"},
  };
  for (const Wrong& wrong : cases) {
    expect_refused(std::string(wrong.text), wrong.place, wrong.words);
  }
}

TEST(WrongPacks, AreRefusedWithThePlaceOfWhatTheSchemaDoesNotKnow) {
  const Wrong cases[] = {
      {"context.aprovals > 1", "line 2, column 8", "attribute `aprovals` in context"},
      {"context.approvals > \"1\"", "line 2, column 28", "expected Long but saw String"},
      {"context.approvals", "line 2, column 8", "expected Bool but saw Long"},
      {"resource.tgs.hasTag(\"x\")", "line 2, column 8", "attribute `tgs` on entity type"},
      {"principal.owner.role == 1", "line 2, column", "not found"},
      {"ip(\"1.2.3\").isIpv4()", "line 2, column 8", "failed to parse as IP address"},
      {"decimal(\"x\").lessThan(decimal(\"1.0\"))", "line 2, column 8", "decimal"},
      {"resource in Enviroment::\"prod\"", "line 2, column", "Enviroment"},
      {"\"a\" + 1 == 2", "line 2, column 8", "expected Long but saw String"},
      {"[1, \"a\"].contains(1)", "line 2, column", "are not compatible"},
      {"principal == 1", "line 2, column", "are not compatible"},
  };
  for (const Wrong& wrong : cases) {
    expect_refused(when(wrong.text), wrong.place, wrong.words);
    expect_refused(when(wrong.text), "a.cedar:1:1: policy `a.cedar#0` does not fit", "the schema");
  }
  expect_refused("permit (principal == Agnt::\"x\", action, resource);", "a.cedar:1:1",
                 "unable to find an applicable action");
  expect_refused("permit (principal, action == Action::\"destry\", resource);", "a.cedar:1:1",
                 "unable to find an applicable action");
}

TEST(WrongPacks, SoAreTheirSchemas) {
  const Wrong cases[] = {
      {"entity Agent {\n", "line 2, column 1", "unexpected end of input"},
      {"entity Agent = { role: Strng };", "line 1, column", "Strng"},
      {"enty Agent;", "line 1, column 1", "`enty`"},
      {"entity Agent; entity Agent;", "line 1, column", "Agent"},
  };
  for (const Wrong& wrong : cases) {
    const auto policies = Policies::load({{"a.cedar", "permit (principal, action, resource);"}},
                                         {"keyturn.cedarschema", std::string(wrong.text)});
    ASSERT_FALSE(policies) << wrong.text;
    EXPECT_THAT(policies.error().message, StartsWith("keyturn.cedarschema: ")) << wrong.text;
    EXPECT_THAT(policies.error().message, HasSubstr(std::string(wrong.place))) << wrong.text;
    EXPECT_THAT(policies.error().message, HasSubstr(std::string(wrong.words))) << wrong.text;
  }
}

}  // namespace
}  // namespace keyturn::gate
