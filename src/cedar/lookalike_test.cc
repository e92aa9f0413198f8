// What the reference's validator (4.12.0) warns of, word for word.
#include <gtest/gtest.h>

#include "cedar/cedar.h"
#include "cedar/scripts.h"

namespace keyturn::cedar {
namespace {

constexpr const char* kSchema =
    "entity User { name: String, \"n\u0430me\"?: String }; action view appliesTo { principal: "
    "User, "
    "resource: User, context: {} };";

std::vector<std::string> warnings(std::string_view policy) {
  const Result<Schema> schema = Schema::parse(kSchema);
  EXPECT_TRUE(schema) << schema.error().message;
  const Result<PolicySet> policies = PolicySet::parse(policy);
  EXPECT_TRUE(policies) << policies.error().message;
  std::vector<std::string> found;
  if (!schema || !policies) return found;
  for (const Diagnostic& one : validate(*policies, *schema, ValidationMode::kStrict).warnings) {
    found.push_back(one.message.substr(0, one.message.find(" at line")));
    EXPECT_FALSE(one.help.empty()) << one.message;
  }
  return found;
}

std::string when(std::string_view expression) {
  return fmt::format("permit(principal, action, resource) when {{ {} }};", expression);
}

using Found = std::vector<std::string>;

TEST(Lookalike, PlainTextOfAnyOneScriptIsFine) {
  EXPECT_EQ(warnings(when("principal.name == \"say hello, 1 + 1!\"")), Found{});
  EXPECT_EQ(warnings(when("principal.name == \"привет, мир\"")), Found{});
  EXPECT_EQ(warnings(when("principal.name == \"日本語のテキスト\"")), Found{});
  EXPECT_EQ(warnings(when("principal.name == \"안녕 漢字\"")), Found{});
  EXPECT_EQ(warnings(when("principal == User::\"get /pets/{petId}?a=b&c\"")), Found{});
}

TEST(Lookalike, AStringOfTwoScriptsIsNamedWithItsPlace) {
  const auto found = warnings(when("principal.name == \"say_\u04bbello\""));
  EXPECT_EQ(found, Found{"string `\"say_\u04bbello\"` contains mixed scripts"});
  EXPECT_EQ(warnings(when("principal.name like \"p\u0430ypal*\"")),
            Found{"string `\"p\u0430ypal*\"` contains mixed scripts"});
}

TEST(Lookalike, TurnedWritingDirectionIsNamed) {
  EXPECT_EQ(warnings(when("principal.name == \"user\u202e \u2066&& true\"")),
            Found{"string `\"user\u202e \u2066&& true\"` contains BIDI control characters"});
  EXPECT_EQ(warnings("permit(principal == User::\"a\u202eb\", action, resource);"),
            Found{"identifier `a\u202eb` contains BIDI control characters"});
}

TEST(Lookalike, AttributesAndEntityIdsAreIdentifiers) {
  EXPECT_EQ(warnings(when("principal has \"n\u0430me\"")),
            Found{"identifier `n\u0430me` contains mixed scripts"});
  EXPECT_EQ(warnings("permit(principal == User::\"\u0430lice\", action, resource);"),
            Found{"identifier `\u0430lice` contains mixed scripts"});
  EXPECT_EQ(warnings(when("principal == User::\"is\xe2\x80\x8b"
                          "Admin\"")),
            Found{"identifier `is\\u{200b}Admin` contains the character `\\u{200b}` which is not a "
                  "printable ASCII character and falls outside of the General Security Profile for "
                  "Identifiers"});
}

TEST(Lookalike, ScriptsCombineAsUts39Says) {
  EXPECT_TRUE(is_single_script(characters_of("")));
  EXPECT_TRUE(is_single_script(characters_of("123 .,")));
  EXPECT_TRUE(is_single_script(characters_of("漢ひカ")));
  EXPECT_TRUE(is_single_script(characters_of("漢한")));
  EXPECT_FALSE(is_single_script(characters_of("ひ한")));
  EXPECT_FALSE(is_single_script(characters_of("aα")));
  EXPECT_TRUE(is_identifier_character(U'é'));
  EXPECT_FALSE(is_identifier_character(0x200b));
  EXPECT_FALSE(is_identifier_character(0x10ffff));
}

}  // namespace
}  // namespace keyturn::cedar
